"""Answers are packed where no proxy does it; what holds codes, tokens or claims never is."""

import gzip

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from core.compression import CompressMiddleware
from tests import cast

pytestmark = pytest.mark.django_db


def packed(path: str, kind: str, *, id_site: bool = False, text: str = "あ" * 500) -> HttpResponse:
    request = RequestFactory(headers={"Accept-Encoding": "gzip, br"}).get(path)
    request.id_site = id_site  # type: ignore[attr-defined]

    def answer(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(text, content_type=kind)

    response = CompressMiddleware(answer)(request)
    assert isinstance(response, HttpResponse)
    return response


@pytest.mark.parametrize(
    ("path", "kind", "id_site", "expected"),
    [
        ("/", "text/html; charset=utf-8", False, True),
        ("/static/a.css", "text/css", False, True),
        ("/static/a.css", "text/css", True, True),
        ("/static/a.js", "text/javascript", False, True),
        ("/alerts.json", "application/json", False, True),
        ("/my-data/", "text/html", False, True),
        ("/media/a.png", "image/png", False, False),
        ("/login/", "text/html; charset=utf-8", True, False),
        ("/o/token/", "application/json", True, False),
        ("/o/token/", "application/json", False, False),
        ("/api/claims", "application/json", False, False),
        ("/oidc/callback", "text/html", False, False),
    ],
)
def test_what_is_packed(path: str, kind: str, id_site: bool, expected: bool) -> None:
    response = packed(path, kind, id_site=id_site)
    assert (response.headers.get("Content-Encoding") == "gzip") is expected
    if expected:
        assert gzip.decompress(response.content).decode() == "あ" * 500
        assert "Accept-Encoding" in response.headers["Vary"]


def test_the_same_page_has_many_lengths() -> None:
    assert len({len(packed("/", "text/html").content) for _ in range(40)}) > 5


def test_a_page_of_the_portal_comes_packed_and_its_form_token_is_another_each_time() -> None:
    assert "core.compression.CompressMiddleware" in settings.MIDDLEWARE
    browser: Client = cast.sign_in(cast.portal_client(), cast.hanako())
    found = []
    for _ in range(2):
        response = browser.get("/my-data/", headers={"Accept-Encoding": "gzip"})
        assert response["Content-Encoding"] == "gzip"
        html = gzip.decompress(response.content).decode()
        found.append(html.partition('name="csrfmiddlewaretoken" value="')[2][:64])
    assert len(set(found)) == 2
