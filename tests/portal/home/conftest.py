"""A home with given entries and gadgets at a fixed time, and a browser on the portal's host."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from identity import actions
from identity.models import Resident
from portal.home.feedback import impressions
from portal.home.index import content_index as catalogues
from portal.home.index.sources import Entry
from tests import cast
from tests.portal.home.samples import NOW, catalogue

LINK = re.compile(r'class="entry__title"[^>]*><a href="([^"]+)">')


def browser(**options) -> Client:
    """A client that asks for the portal by its name."""
    return Client(HTTP_HOST=urlsplit(settings.PORTAL_URL).netloc, **options)


@pytest.fixture
def publish(monkeypatch, time_machine):
    """Puts generated entries in place of the published pages, at the present version numbers and at NOW."""

    def put(entries: Sequence[Entry] = (), **more) -> catalogues.Catalogue:
        version = catalogues.versions()
        made = catalogue(entries, version=version, **more)
        monkeypatch.setattr(catalogues, "_held", made)
        return made

    time_machine.move_to(NOW, tick=False)
    cache.clear()
    yield put
    cache.clear()


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    impressions._waiting.clear()
    yield
    impressions._waiting.clear()


def say_yes(resident: Resident) -> None:
    actions.opt_in_learning(
        resident_id=resident.id,
        notice=cast.NOTICE,
        controller=cast.CONTROLLER,
        by=cast.as_actor(resident),
    )


def client_of(resident: Resident) -> Client:
    return cast.sign_in(browser(), resident)


def links(client: Client, path: str = "/", **headers: str) -> list[str]:
    """Where the titles of the recommended list lead."""
    html = client.get(path, headers=headers).content.decode()
    zone = html.partition('id="zone-for-you"')[2].partition("</section>")[0]
    return LINK.findall(zone)


def token_of(link: str) -> str:
    return link.split("/")[-3]
