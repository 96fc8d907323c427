"""A page that a restriction of Wagtail's closes stands nowhere: not as a page, in a list, a file, or the ranking."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse
from wagtail.models import Page, PageViewRestriction

from core import region_time
from portal.content import actions, queries
from portal.content.models import HomePage, IndexPage
from portal.content.pages import listing, search, series
from tests import cast
from tests.portal.content.pages import CLASSES, publish

pytestmark = pytest.mark.django_db
KINDS = tuple(CLASSES)
SOURCE = Path(queries.__file__).parent.parent


def close(page: Any, kind: str = PageViewRestriction.PASSWORD) -> PageViewRestriction:
    return PageViewRestriction.objects.create(
        page=Page.objects.get(pk=page.pk), restriction_type=kind, password="opens"
    )


@pytest.fixture
def now() -> datetime:
    """The present: an alert of another day is over when it is asked for."""
    return region_time.region_now()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("restriction", [PageViewRestriction.PASSWORD, PageViewRestriction.LOGIN])
def test_a_closed_page_stands_nowhere(
    kind: str,
    above: bool,
    restriction: str,
    now: datetime,
    client: Client,
    django_capture_on_commit_callbacks: Any,
) -> None:
    page = publish(kind, "closed", now=now, **({"starts_on": now.date()} if kind == "event" else {}))
    assert [item.id for item in queries.items(now)] == [f"p{page.pk}"]
    version = queries.version()
    with django_capture_on_commit_callbacks(execute=True):
        close(page.get_parent() if above else page, restriction)
    assert queries.version() > version, "what caches hold must not outlive the closing"
    assert queries.items(now) == ()
    assert list(listing.page_of_items(kind, "1", now)["items"]) == []
    assert actions.live_alerts() == ()
    assert list(series.ahead(now)) == []
    answer = client.get(page.get_url())
    assert answer.status_code == 404
    assert "password" not in answer.text
    assert page.title not in client.get("/alerts.json").text


def test_the_alert_files_lose_what_was_closed_and_get_it_back(
    now: datetime, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        page = publish("alert", "flood", now=now, title="川の水位が上がっています")
    assert page.title in client.get("/alerts.json").text
    with django_capture_on_commit_callbacks(execute=True):
        restriction = close(page)
    assert page.title not in client.get("/alerts.json").text
    with django_capture_on_commit_callbacks(execute=True):
        restriction.delete()
    assert page.title in client.get("/alerts.json").text


def test_an_alias_of_a_closed_page_is_closed_with_it(now: datetime) -> None:
    page = publish("news", "closed", now=now)
    page.create_alias(parent=IndexPage.objects.get(lists="news"), update_slug="alias")
    assert len(queries.items(now)) == 2
    close(page)
    assert queries.items(now) == ()


def test_the_home_stands_whatever_is_closed(client: Client) -> None:
    close(HomePage.objects.get())
    assert client.get("/").status_code == 200


def test_what_is_closed_is_not_found_by_a_word(now: datetime) -> None:
    page = publish("news", "closed", now=now, title="音楽会")
    page.create_alias(parent=IndexPage.objects.get(lists="news"), update_slug="alias")
    assert len(search.pages("音楽")) == 2
    close(page)
    assert search.pages("音楽") == []


def test_no_list_asks_for_published_pages_another_way() -> None:
    """But the sweep that unpublishes what has ended, closed or not, and the index, whose finds are asked for again."""
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if re.search(r"\.live\(\)|(filter|get|exclude)\([^)]*\blive=True", path.read_text(encoding="utf-8"))
    }
    assert found == {"content/pages/published.py", "content/pages/search.py", "content/tasks.py"}


def test_an_editor_cannot_close_a_page(now: datetime) -> None:
    page = publish("news", "open", now=now)
    editor = cast.sign_in(cast.portal_client(), cast.editor())
    address = reverse("wagtailadmin_pages:set_privacy", args=[page.pk])
    assert editor.post(address, {"restriction_type": "password", "password": "opens"}).status_code == 404
    assert not PageViewRestriction.objects.exists()
    assert all(model.private_page_options == [] for model in (HomePage, IndexPage, *CLASSES.values()))


@pytest.mark.parametrize("name", ["wagtailcore_login", "wagtailcore_authenticate_with_password"])
def test_wagtails_own_ways_in_have_no_address(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name, args=[1, 1] if "password" in name else [])
