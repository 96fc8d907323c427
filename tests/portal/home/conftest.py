"""A home with given entries and gadgets at a fixed time, and a browser on the portal's host."""

from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from portal.home import catalogue as catalogues
from portal.home.sources import Entry
from tests.portal.home.samples import NOW, catalogue


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
