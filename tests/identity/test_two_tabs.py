"""Sign-in in several tabs of one browser: each comes back to its own page, whatever the others did meanwhile."""

from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
import requests
from django.conf import settings
from django.test import Client

from identity.models import AuditEntry, OidcSession, Resident
from identity.oidc import pending
from tests.identity.hostile import HostileId
from tests.identity.region import PASSWORD, Browser
from tests.identity.test_signin_embedded import signed_in
from tests.identity.test_signin_refusals import begin, finish, person, the_id  # noqa: F401  fixtures

TARGETS = ("/en/all-news/?page=1", "/all-news/", "/ja-simple/all-news/", "/.well-known/region-portal.json")


class Tab:
    """One tab: the cookies are the browser's, the page and its form are its own."""

    def __init__(self, browser: Browser) -> None:
        self.own = Browser(http=browser.http)

    def open(self, base: str, target: str, **more: str) -> None:
        self.own.get(f"{base}/sign-in/?{urlencode({'next': target, **more})}")

    def submit(self, name: str) -> requests.Response:
        return self.own.submit("/login/", login=name, password=PASSWORD)

    @property
    def place(self) -> str:
        parts = urlsplit(self.own.trail[-1])
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


@pytest.mark.django_db(transaction=True)
def test_every_tab_comes_back_to_its_own_page(browser: Browser, account: Any, region: Any) -> None:
    hanako = account("hanako")
    tabs = [Tab(browser) for _ in TARGETS]
    for tab, target in zip(tabs, TARGETS, strict=True):
        tab.open(region.PORTAL_URL, target)
    for tab, target in zip(tabs, TARGETS, strict=True):
        answer = tab.submit("hanako")
        assert (answer.status_code, tab.place) == (200, target), answer.text[:500]
        assert signed_in(browser, region) == str(hanako.id)
    assert OidcSession.objects.count() == 1
    assert AuditEntry.objects.filter(kind="signed_in").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_second_tab_signs_in_as_somebody_else_and_comes_back_as_that_person(
    browser: Browser, account: Any, region: Any
) -> None:
    account("hanako")
    taro = account("taro")
    first, second = Tab(browser), Tab(browser)
    first.open(region.PORTAL_URL, TARGETS[0])
    first.own.get(f"{region.PORTAL_URL}/sign-in/?next=/")
    first.submit("hanako")
    browser.http.cookies.clear(domain="id.region.localhost")
    second.open(region.PORTAL_URL, TARGETS[1])  # open at the portal: straight on, no sign-in begins
    assert second.place == TARGETS[1]
    browser.http.cookies.clear(domain="portal.region.localhost")
    second.open(region.PORTAL_URL, TARGETS[1])
    assert second.submit("taro").status_code == 200
    assert second.place == TARGETS[1]
    assert signed_in(browser, region) == str(taro.id)


@pytest.mark.django_db(transaction=True)
def test_the_page_of_the_id_is_old_and_nobody_is_signed_in(
    browser: Browser, account: Any, region: Any
) -> None:
    hanako = account("hanako")
    tab = Tab(browser)
    tab.open(region.PORTAL_URL, TARGETS[0])
    browser.http.cookies.clear(domain="id.region.localhost")  # the token of the form is worth nothing now
    answer = tab.submit("hanako")
    assert answer.status_code == 403
    assert "not kept" in answer.text
    assert PASSWORD not in answer.text
    link = next(part.split('"')[0] for part in answer.text.split('href="') if part.startswith("/en/login/?"))
    tab.own.get(urljoin(tab.own.trail[-1], link.replace("&amp;", "&")))
    assert tab.submit("hanako").status_code == 200
    assert tab.place == TARGETS[0]
    assert signed_in(browser, region) == str(hanako.id)


@pytest.mark.django_db
def test_a_sign_in_survives_the_session_it_was_begun_in(person: Client, the_id: HostileId) -> None:  # noqa: F811
    state = begin(person, the_id, "/en/all-news/")
    person.session.flush()
    person.cookies.pop(settings.SESSION_COOKIE_NAME, None)
    assert finish(person, state)["Location"] == "/en/all-news/"


@pytest.mark.django_db
@pytest.mark.parametrize("error", ["", "access_denied", "temporarily_unavailable", "server_error"])
def test_whoever_is_signed_in_arrives_whatever_the_answer_says(
    person: Client,  # noqa: F811
    the_id: HostileId,  # noqa: F811
    error: str,
) -> None:
    late = begin(person, the_id, "/en/all-news/")
    finish(person, begin(person, the_id, "/"))
    key = person.session.session_key
    person.cookies = type(person.cookies)(
        {k: v for k, v in person.cookies.items() if not k.startswith(settings.SIGN_IN_COOKIE_PREFIX)}
    )
    asked = {"state": late, **({"error": error} if error else {"code": "c"})}
    answer = person.get("/sign-in/callback", asked)
    assert (answer.status_code, answer["Location"]) == (302, "/en/all-news/")
    assert person.session.session_key == key


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["", "another", "another.x", "another." + "A" * 60])
def test_an_unknown_state_leads_home_in_the_residents_language(
    person: Client,  # noqa: F811
    the_id: HostileId,  # noqa: F811
    state: str,
) -> None:
    finish(person, begin(person, the_id, "/en/all-news/"))
    answer = person.get("/sign-in/callback", {"code": "c", "state": state})
    assert (answer.status_code, answer["Location"]) == (302, "/en/")
    assert Resident.objects.count() == 1


@pytest.mark.django_db
def test_a_tab_that_keycloak_gave_up_asks_once_more_and_only_once(
    person: Client,  # noqa: F811
    the_id: HostileId,  # noqa: F811
) -> None:
    given_up = {"error": "temporarily_unavailable", "error_description": "authentication_expired"}
    state = begin(person, the_id, "/en/all-news/")
    again = person.get("/sign-in/callback", {**given_up, "state": state})
    assert again["Location"].startswith(f"{the_id.issuer}/")
    query = dict(part.split("=", 1) for part in urlsplit(again["Location"]).query.split("&"))
    refused = person.get("/sign-in/callback", {**given_up, "state": query["state"]})
    assert refused.status_code == 400
    assert "%2Fen%2Fall-news%2F" in refused.content.decode()


@pytest.mark.django_db
def test_a_new_proof_that_was_asked_for_is_not_waived(person: Client, the_id: HostileId) -> None:  # noqa: F811
    finish(person, begin(person, the_id, "/"))
    asked = person.get("/sign-in/?fresh=1&next=/my-data/")
    query = dict(part.split("=", 1) for part in urlsplit(asked["Location"]).query.split("&"))
    answer = person.get("/sign-in/callback", {"error": "access_denied", "state": query["state"]})
    assert answer.status_code == 400


@pytest.mark.django_db
def test_a_browser_keeps_a_handful_of_attempts_and_each_is_used_once(
    person: Client,  # noqa: F811
    the_id: HostileId,  # noqa: F811
) -> None:
    states = [begin(person, the_id) for _ in range(pending.AT_ONCE + 3)]
    kept = [
        value
        for name, value in person.cookies.items()
        if name.startswith(settings.SIGN_IN_COOKIE_PREFIX) and value.value
    ]
    assert len(kept) == pending.AT_ONCE
    assert not any("en/news" in value.value for value in kept)
    assert all(value["httponly"] and value["samesite"] == "Lax" for value in kept)
    finish(person, states[-1])
    kept = [
        value
        for name, value in person.cookies.items()
        if name.startswith(settings.SIGN_IN_COOKIE_PREFIX) and value.value
    ]
    assert len(kept) == pending.AT_ONCE - 1


@pytest.mark.django_db
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_a_state_carries_no_address_of_another_site(
    person: Client,  # noqa: F811
    the_id: HostileId,  # noqa: F811
    target: str,
) -> None:
    finish(person, begin(person, the_id, "/"))
    answer = person.get("/sign-in/callback", {"code": "c", "state": pending.new_state(target)})
    assert answer["Location"] == "/"
