"""Policies of every answer: what a signed-in person reads is kept nowhere, and null bytes are refused."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from identity.models import Resident
from tests import cast

pytestmark = pytest.mark.django_db

PERSONAL = ("/", "/gadgets/", "/home/arrange/", "/news/", "/my-data/", "/provider/", "/no-such-page/")


@pytest.fixture
def browser() -> Client:
    """A browser on the portal's host."""
    return Client(headers={"host": urlsplit(settings.PORTAL_URL).netloc})


def test_what_a_resident_reads_is_kept_by_no_cache(browser: Client) -> None:
    cast.sign_in(browser, cast.hanako())
    for path in PERSONAL:
        told = browser.get(path)["Cache-Control"]
        assert "no-store" in told, path
        assert "private" in told, path


def test_what_a_guest_reads_may_be_kept(browser: Client) -> None:
    assert "no-store" not in browser.get("/gadgets/").headers.get("Cache-Control", "")


@pytest.mark.parametrize("path", ["/news/a%00/", "/gadgets/%00/", "/sign-in/?next=/%00", "/?page=%00"])
def test_a_null_byte_in_an_address_is_refused(browser: Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 400
    assert "Content-Security-Policy" in answer


def test_a_null_byte_in_a_cookie_is_refused(browser: Client) -> None:
    answer = browser.get(
        "/my-data/", headers={"cookie": f'{settings.SESSION_COOKIE_NAME}="a\\000bcdefghijk"'}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/my-data/", "/home/arrange/", "/provider/"])
def test_the_session_of_a_closed_account_ends_instead_of_going_round(browser: Client, path: str) -> None:
    hanako = cast.hanako()
    cast.sign_in(browser, hanako)
    Resident.objects.filter(pk=hanako.pk).update(is_active=False)
    browser.get(path)
    browser.get("/sign-in/", {"next": path})
    assert "_resident" not in browser.session


def test_a_form_of_a_closed_account_leads_to_sign_in(browser: Client, monkeypatch: Any) -> None:
    hanako = cast.hanako()
    cast.sign_in(browser, hanako)
    Resident.objects.filter(pk=hanako.pk).update(is_active=False)
    answer = browser.post("/gadgets/localhost.waste.calendar/move", {"step": "up"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")
