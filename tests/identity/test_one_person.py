"""One truth of who is signed in: the regional session on the portal's host, the ID's own on the ID's host."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from identity.domain.roles import EDITOR
from identity.sessions.person import KEY
from identity.sessions.portal_sessions import CLOSING
from tests import cast
from tests.identity.region import Browser, store

pytestmark = pytest.mark.django_db(transaction=True)


def cookie(browser: Browser, name: str, host: str) -> str:
    return str(browser.http.cookies.get(name, domain=host))


@pytest.fixture
def at_both(browser: Browser, account: Any, region: Any) -> Browser:
    """An editor, signed in at the ID and at the portal."""
    account("editor", roles=[EDITOR])
    browser.sign_in("editor", next_path="/.well-known/region-portal.json")
    return browser


def test_each_host_has_its_own_cookie_and_reads_no_other(at_both: Browser, region: Any) -> None:
    names = {(one.domain, one.name) for one in at_both.http.cookies if "session" in one.name}
    portal, at_id = urlsplit(region.PORTAL_URL).hostname, urlsplit(region.ID_URL).hostname
    assert names == {(portal, region.SESSION_COOKIE_NAME), (at_id, region.ID_SESSION_COOKIE_NAME)}
    assert region.SESSION_COOKIE_NAME != region.ID_SESSION_COOKIE_NAME


@pytest.mark.parametrize("name", ["SESSION_COOKIE_NAME", "ID_SESSION_COOKIE_NAME"])
def test_the_session_of_the_id_opens_nothing_at_the_portal(at_both: Browser, region: Any, name: str) -> None:
    """Its key is a real one of the same table, and it holds Django's own keys of a user."""
    portal, at_id = urlsplit(region.PORTAL_URL).hostname or "", urlsplit(region.ID_URL).hostname or ""
    key = cookie(at_both, region.ID_SESSION_COOKIE_NAME, at_id)
    assert store(key)["_auth_user_id"]
    thief = Browser()
    thief.http.cookies.set(getattr(region, name), key, domain=portal, path="/")
    for path in ("/admin/", "/my-data/"):
        answer = thief.get(f"{region.PORTAL_URL}{path}", follow=False)
        assert answer.status_code == 302
        assert "sign-in" in answer.headers["Location"] or "login" in answer.headers["Location"]


@pytest.mark.parametrize("name", ["SESSION_COOKIE_NAME", "ID_SESSION_COOKIE_NAME"])
def test_the_session_of_the_portal_opens_nothing_at_the_id(at_both: Browser, region: Any, name: str) -> None:
    portal, at_id = urlsplit(region.PORTAL_URL).hostname or "", urlsplit(region.ID_URL).hostname or ""
    key = cookie(at_both, region.SESSION_COOKIE_NAME, portal)
    assert store(key)[KEY]
    thief = Browser()
    thief.http.cookies.set(getattr(region, name), key, domain=at_id, path="/")
    thief.get(f"{region.ID_URL}/password/")
    assert "/login/" in thief.trail[-1]


@pytest.mark.parametrize(
    "held",
    [
        lambda who: {"_auth_user_id": str(who.pk), "_auth_user_backend": "identity.backends.RegionalIdBackend",
                     "_auth_user_hash": who.get_session_auth_hash()},
        lambda who: {CLOSING: str(who.pk)},
        lambda _: {KEY: ""},
        lambda _: {KEY: "not-a-uuid"},
    ],
    ids=["Django's own keys", "a closing account", "a drawn shell", "no key at all"],
)  # fmt: skip
def test_whatever_else_a_session_holds_nobody_is_a_user(held: Any) -> None:
    who = cast.editor()
    client = cast.portal_client()
    session = client.session
    session.update(held(who))
    session.save()
    answer = client.get("/admin/")
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]


@pytest.mark.parametrize("change", [{"is_active": False}, {"erase_at": "2026-10-06T00:00:00Z"}])
def test_a_closed_account_is_nobody(change: dict[str, Any]) -> None:
    who = cast.editor()
    client = cast.sign_in(cast.portal_client(), who)
    type(who).objects.filter(pk=who.pk).update(**change)
    assert client.get("/admin/").status_code == 302


def test_the_resident_of_the_session_is_the_user() -> None:
    client = cast.sign_in(cast.portal_client(), cast.editor())
    assert client.get("/admin/").status_code == 200


def test_a_sign_in_leaves_the_forms_of_before_void(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    host = urlsplit(region.PORTAL_URL).hostname or ""
    browser.get(f"{region.PORTAL_URL}/guest/")
    browser.http.cookies.set(region.CSRF_COOKIE_NAME, "a" * 32, domain=host, path="/")
    browser.sign_in("hanako", next_path="/.well-known/region-portal.json")
    assert cookie(browser, region.CSRF_COOKIE_NAME, host) != "a" * 32
