"""A sign-out at the ID: what a hint may do and may not, and where it leads."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from identity.models import ProviderSession
from tests.identity.region import Browser


@pytest.mark.django_db
@pytest.mark.parametrize("hint", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "あ.い.う", "." * 4])
def test_a_hint_that_is_no_token_is_an_error_of_the_request(hint: str) -> None:
    browser = Client(headers={"host": urlsplit(settings.ID_URL).netloc})
    answer = browser.get("/o/logout/", {"id_token_hint": hint})
    assert answer.status_code == 400
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db(transaction=True)
def test_an_id_token_alone_ends_nothing_unseen(browser: Browser, account: Any, site: Any) -> None:
    account("hanako")
    account("taro")
    lunch = site("lunch")
    browser.sign_in("hanako")
    hint = lunch.tokens(browser)["id_token"]
    address = f"{settings.ID_URL}/o/logout/?id_token_hint={hint}"
    # From a browser in which nobody is signed in: the gadget's own server, say.
    assert Browser().get(address, follow=False).status_code == 302
    assert not ProviderSession.objects.exclude(ended_at=None).exists()
    # From the browser of somebody else, and from another browser of hers: the person is asked.
    for name in ("taro", "hanako"):
        other = Browser()
        other.sign_in(name)
        asked = other.get(address, follow=False)
        assert (asked.status_code, "サインアウトしますか" in asked.text) == (200, True)
        assert not ProviderSession.objects.exclude(ended_at=None).exists()
    # From her own browser, at a click in that service: at once.
    assert browser.get(address, follow=False).status_code == 302
    assert {row.resident.username for row in ProviderSession.objects.exclude(ended_at=None)} == {"hanako"}
    assert lunch.answer(other, prompt="none")["code"], "her other browser stays signed in"


@pytest.mark.django_db(transaction=True)
def test_the_way_back_after_a_sign_out_is_compared_letter_by_letter(
    browser: Browser, account: Any, site: Any
) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    hint = lunch.tokens(browser)["id_token"]
    for wrong in (f"{lunch.origin}/?x=1", lunch.origin.upper(), f"{lunch.origin}//", "http://127.0.0.1:1/"):
        answer = browser.get(
            f"{settings.ID_URL}/o/logout/?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': wrong})}",
            follow=False,
        )
        assert answer.status_code == 400, wrong
    assert not ProviderSession.objects.exclude(ended_at=None).exists()
