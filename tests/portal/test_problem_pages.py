"""Every refusal is a page of the product in the reader's language, on both hosts; a POST's answer leads back to pages."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import translation

from core import problems
from core.forms import form_pages
from tests import cast

PORTAL, ID = "portal.region.localhost:8000", "id.region.localhost:8000"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ARGUMENTS = {"gadget_id": "x.y", "recipient": "x.y", "token": "t", "item": "i", "name": "n", "code": "372013"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(settings: Any) -> Client:
    settings.PORTAL_URL, settings.ID_URL = f"http://{PORTAL}", f"http://{ID}"
    settings.ALLOWED_HOSTS = [".region.localhost"]
    return Client(headers={"host": PORTAL, **BROWSER}, raise_request_exception=False)


def walked(patterns: Any, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Every address of a URL map with made-up arguments, and its view."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from walked(one.url_patterns, prefix + _filled(one.pattern))
        elif isinstance(one, URLPattern):
            yield prefix + _filled(one.pattern), one.callback


def _filled(pattern: Any) -> str:
    def value(found: re.Match[str]) -> str:
        kind, _, name = found[1].rpartition(":")
        return {"int": "7", "uuid": str(UUID(int=7)), "slug": "s"}.get(kind, ARGUMENTS.get(name, "x"))

    return re.sub(r"<([^>]+)>", value, str(pattern))


def post_only() -> list[tuple[str, str]]:
    """(address, URL name of the page with its form) of every view that only takes POST, on the portal's host."""
    with translation.override("ja"):
        found = walked(get_resolver("portal.urls").url_patterns)
        return sorted(
            {(path, view.form_page) for path, view in found if getattr(view, "form_page", "")},
        )


def test_the_walk_finds_the_forms_of_every_desk() -> None:
    paths = {path for path, _ in post_only()}
    assert len(paths) > 35
    for begin in ("/my-data/", "/provider/", "/admin/services/", "/gadgets/", "/for-you/", "/sign-out/"):
        assert any(path.startswith(begin) for path in paths), begin


@pytest.mark.parametrize("path", [path for path, _ in post_only() if not path.startswith("/admin/")])
def test_an_address_for_forms_only_is_a_page_with_the_way_to_its_form(reader: Client, path: str) -> None:
    here = form_pages.resolved(path)
    there = form_pages.resolved(f"/en{path}")
    spoken = here is not None and there is not None and there.url_name == here.url_name
    for prefix in ("", "/en", "/ja-simple") if spoken else ("",):
        answer = reader.get(prefix + path)
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
        page = answer.content.decode()
        assert f'<html lang="{"en" if prefix == "/en" else "ja"}"' in page
        assert f'data-locale="{prefix.strip("/") or "ja"}"' in page
        leads_to_pages(page)


def leads_to_pages(page: str) -> None:
    """The language switch, the button to the form and the way back from sign-in are addresses that GET opens."""
    links = re.findall(r'<a (?:class="button" )?href="(/[^"]*)"(?: lang="| *>)', page)
    links += [unquote(link) for link in re.findall(r'/sign-in/\?next=([^"]+)"', page)]
    assert len(links) > 2
    for link in links:
        found = form_pages.resolved(link.partition("?")[0])
        assert found is not None, link
        assert not form_pages.declared_page(found), link


@pytest.mark.parametrize("path", [path for path, _ in post_only() if path.startswith("/admin/")])
def test_an_address_for_forms_only_at_a_desk_is_a_page_too(reader: Client, path: str) -> None:
    cast.sign_in(reader, cast.operator())
    answer = reader.get(path)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    button = re.findall(r'<a class="button" href="([^"]+)"', answer.content.decode())
    assert len(button) == 1
    assert button[0].startswith("/admin/") or path == "/admin/logout/"
    assert not form_pages.declared_page(form_pages.resolved(button[0]))


def test_a_view_that_only_takes_post_says_where_its_form_is() -> None:
    """`require_POST` by itself is for programs: their answers are JSON."""
    programs = {"backchannel_logout", "relay_logout"}
    bare = set()
    with translation.override("ja"):
        for _, view in walked(get_resolver("portal.urls").url_patterns):
            if getattr(view, "__module__", "").split(".")[0] not in {"portal", "gadgets", "identity"}:
                continue
            if not getattr(view, "form_page", "") and _refuses_get(view):
                bare.add(view.__name__)
    assert bare == programs


def _refuses_get(view: Any) -> bool:
    closed = [cell.cell_contents for cell in (view.__closure__ or ())] if hasattr(view, "__closure__") else []
    found = [one for one in closed if one == ["POST"]]
    return bool(found) or any(
        _refuses_get(one)
        for one in closed
        if callable(one) and hasattr(one, "__closure__") and one is not view
    )


@pytest.mark.parametrize(
    ("path", "told", "lang"),
    [
        ("/nothing-here/", "ページが見つかりません", "ja"),
        ("/en/nothing-here/", "Page not found", "en"),
        ("/ja-simple/nothing-here/", "ページが 見つかりません", "ja"),
    ],
)
def test_404_in_three_languages(reader: Client, path: str, told: str, lang: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 404
    assert told in answer.content.decode()
    assert f'<html lang="{lang}"' in answer.content.decode()


def test_the_id_has_the_same_pages(reader: Client) -> None:
    wrong = reader.get("/en/nothing/", headers={"host": ID})
    assert (wrong.status_code, "Page not found" in wrong.content.decode()) == (404, True)
    assert settings.PORTAL_URL in wrong.content.decode()
    method = reader.post("/o/authorize/?ui_locales=en", headers={"host": ID})
    assert (method.status_code, method["Allow"]) == (405, "GET")
    assert '<html lang="en"' in method.content.decode()
    assert "Nothing was changed" in method.content.decode()


def test_a_program_gets_no_page(reader: Client) -> None:
    for more in ({"accept": "*/*"}, {"accept": "text/html", "sec-fetch-dest": "empty"}):
        assert reader.get("/sign-out/", headers=more).content == b""
    answer = reader.get("/oidc/backchannel-logout", headers={"accept": "application/json"})
    assert (answer.status_code, answer.content) == (405, b"")


@pytest.mark.parametrize(("browser", "told"), [("en-GB,en;q=0.8", "This address only"), ("fr", "送るための")])
def test_where_an_address_has_no_language_the_browser_or_the_page_before_says_it(
    reader: Client, browser: str, told: str
) -> None:
    assert told in reader.get("/sign-out/", headers={"accept-language": browser}).content.decode()
    before = reader.get("/sign-out/", headers={"referer": f"http://{PORTAL}/ja-simple/my-data/"})
    assert "おくる ための" in before.content.decode()


def test_what_is_too_large_is_413(reader: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = reader.post(
        "/en/guest/", {"district": "x" * 2000}, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 413
    assert "Nothing was received" in answer.content.decode()


def test_a_refused_form_of_another_site_is_a_page(reader: Client) -> None:
    answer = reader.post("/en/guest/", {}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "no right to open" in answer.content.decode()


@pytest.mark.parametrize("path", ["/en/?x=%00", "/?x=%00"])
def test_an_address_with_a_null_byte_is_a_page(reader: Client, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 400
    assert "<h1>" in answer.content.decode()
    assert reader.get(path, headers={"accept": "*/*"}).content == b"Bad request\n"


@pytest.mark.parametrize(("host", "page"), [(PORTAL, "/all-news/"), (ID, "/login/")])
def test_a_fault_of_ours_is_a_page_in_the_readers_language(
    reader: Client, monkeypatch: pytest.MonkeyPatch, host: str, page: str
) -> None:
    def fails(*_: Any, **__: Any) -> HttpResponse:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("django.core.handlers.base.BaseHandler.check_response", fails)
    for path, told in (
        (f"/en{page}", "on our side"),
        (f"/ja-simple{page}", "こちらの まちがい"),
        (page, "こちらの不具合"),
    ):
        answer = reader.get(path, headers={"host": host, "accept-language": "en"})
        assert answer.status_code == 500
        assert told in answer.content.decode()
        assert "broken on purpose" not in answer.content.decode()


@pytest.mark.parametrize("status", sorted(problems.PAGES))
def test_every_status_without_a_page_gets_one_and_keeps_its_headers(status: int, rf: Any) -> None:
    request: HttpRequest = rf.get("/en/all-news/", headers=BROWSER)

    def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse(
            "Too many\n", content_type="text/plain", status=status, headers={"Retry-After": "9"}
        )

    answer = problems.ProblemMiddleware(view)(request)
    assert (answer.status_code, answer["Retry-After"]) == (status, "9")
    assert answer["Content-Type"].startswith("text/html")
    assert b'<html lang="en"' in answer.content


def test_no_right_is_a_page(rf: Any) -> None:
    answer = problems.forbidden(rf.get("/en/all-news/"), PermissionDenied())
    assert (answer.status_code, b"no right to open" in answer.content) == (403, True)


def test_a_page_that_answers_a_post_leads_back_to_its_form(reader: Client) -> None:
    cast.sign_in(reader, cast.busco())
    asked = reader.post("/en/provider/organisations/", {"name": "", "kind": "company", "contact": ""})
    assert asked.status_code == 422
    links = re.findall(r'<a href="([^"]+)" lang=', asked.content.decode())
    assert links == ["/provider/", "/ja-simple/provider/"]
    reader.logout()
    guest = reader.post("/en/guest/", {"district": "nowhere"})
    assert guest.status_code == 400
    leads_to_pages(guest.content.decode())
    assert '/sign-in/?next=%2Fen%2F"' in guest.content.decode()
