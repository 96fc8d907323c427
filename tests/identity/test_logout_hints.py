"""A sign-out at the ID with a hint that is none: an error of the request, told on a page."""

from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("hint", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "あ.い.う", "." * 4])
def test_a_hint_that_is_no_token_is_an_error_of_the_request(hint: str) -> None:
    browser = Client(headers={"host": urlsplit(settings.ID_URL).netloc})
    answer = browser.get("/o/logout/", {"id_token_hint": hint})
    assert answer.status_code == 400
    assert "no-store" in answer["Cache-Control"]
