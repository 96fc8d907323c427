"""Sign-in leads by way of the page that the portal puts in between, and only when somebody really arrives."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpRequest
from django.utils import timezone

from identity.residents.onboarding import Arrival
from tests import hooks
from tests.identity.region import PASSWORD, Browser, store

pytestmark = pytest.mark.django_db(transaction=True)
BETWEEN = "/health/live"
BACK = "/.well-known/region-portal.json"


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch, nothing_in_between: None) -> list[tuple[Arrival, str]]:
    """Everybody who arrives, and where they were going; sends them by way of another page."""
    seen: list[tuple[Arrival, str]] = []

    def stop(_request: HttpRequest, who: Arrival, target: str) -> str:
        seen.append((who, target))
        return BETWEEN

    hooks.of_identity(monkeypatch, first_stop=stop)
    return seen


def test_who_arrives_stops_there_first(
    browser: Browser, account: Any, region: Any, arrivals: list[tuple[Arrival, str]]
) -> None:
    hanako = account("hanako", attributes={"interests": ["music"]})
    browser.sign_in("hanako", next_path=BACK)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BETWEEN}"
    ((who, target),) = arrivals
    assert (who.resident_id, who.onboarded, who.plain, target) == (hanako.id, False, True, BACK)
    assert who.attributes == {"interests": ("music",)}


def test_who_proves_once_more_that_it_is_them_goes_straight_back(
    browser: Browser, account: Any, region: Any, arrivals: list[tuple[Arrival, str]]
) -> None:
    account("hanako")
    browser.sign_in("hanako")
    at_the_id = browser.http.cookies.get(region.ID_SESSION_COOKIE_NAME, domain="id.region.localhost")
    session = store(at_the_id)
    session["_id_auth_time"] -= 600
    session.save()
    browser.get(f"{region.PORTAL_URL}/sign-in/?{urlencode({'fresh': '1', 'next': BACK})}")
    browser.submit("/reauthenticate/", password=PASSWORD)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"
    assert len(arrivals) == 1


def test_somebody_whose_account_is_waiting_to_be_erased_is_not_welcomed(
    browser: Browser, account: Any, region: Any, arrivals: list[tuple[Arrival, str]]
) -> None:
    account("hanako", erase_at=timezone.now())
    browser.sign_in("hanako", next_path=BACK)
    assert arrivals == []
