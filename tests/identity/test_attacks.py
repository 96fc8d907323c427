"""Attacks on the sign-in itself, at both providers; docs/reference/attacks.md lists these and all the others."""

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from identity import idp
from identity.models import OidcSession, Resident
from tests.identity.conftest import World
from tests.identity.realm import admin
from tests.identity.region import PASSWORD, Browser, store

pytestmark = pytest.mark.django_db(transaction=True)
WRONG = "not-the-password"


def words(answer: Any, *typed: str) -> str:
    """What a page says, without what was typed and without the one-time values of its forms."""
    text = re.sub(r"<[^>]+>|\S*[\w-]{16,}\S*", " ", answer.text, flags=re.ASCII)
    for one in typed:
        text = text.replace(one, "")
    return re.sub(r"\s+", " ", text).strip()


def try_password(browser: Browser, world: World, username: str, password: str) -> Any:
    """One try at the ID's own form, without going through the portal again."""
    if world.settings.ID_PROVIDER == "keycloak":
        return browser.submit("login-actions/authenticate", username=username, password=password)
    return browser.submit("/login/", login=username, password=password)


def open_form(browser: Browser, world: World) -> None:
    browser.get(f"{world.settings.PORTAL_URL}/sign-in/")


def test_a_wrong_password_says_the_same_of_somebody_and_of_nobody(world: World) -> None:
    hanako = world.account("hanako")
    said = []
    for name in (hanako, f"nobody-{hanako}", f"nobody-{hanako}@example.jp"):
        browser = Browser()
        open_form(browser, world)
        answer = try_password(browser, world, name, WRONG)
        said.append((answer.status_code, words(answer, name)))
    assert said[0] == said[1] == said[2]
    assert not OidcSession.objects.exists()


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password was hashed: the same work is the same time."""

    runs = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.runs += 1
        return str(super().encode(password, salt))


def test_an_unknown_name_costs_as_much_work_as_a_known_one(region: Any, account: Any) -> None:
    region.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    account("hanako")
    work = {}
    for name in ("hanako", "nobody", "nobody@example.jp"):
        browser = Browser()
        browser.get(f"{region.PORTAL_URL}/sign-in/")
        before = CountingHasher.runs
        browser.submit("/login/", login=name, password=WRONG)
        work[name] = CountingHasher.runs - before
    assert work["hanako"] == work["nobody"] == work["nobody@example.jp"] > 0


def test_a_hundred_wrong_passwords_open_nothing_and_lock_nobody_out_for_good(world: World) -> None:
    hanako = world.account("hanako")
    burglar = Browser()
    open_form(burglar, world)
    for number in range(100):
        if not burglar.forms:  # told to wait on a page without a form
            open_form(burglar, world)
        try_password(burglar, world, hanako, f"{WRONG}-{number}")
    open_form(burglar, world)
    try_password(burglar, world, hanako, PASSWORD)
    assert not OidcSession.objects.exists(), "the right password must wait too, or the tries found it"
    if world.settings.ID_PROVIDER == "keycloak":
        person = admin().get_users({"username": hanako, "exact": True})[0]
        path = (
            f"admin/realms/{world.settings.KEYCLOAK_REALM}/attack-detection/brute-force/users/{person['id']}"
        )
        state = admin().connection.raw_get(path).json()
        assert (state["disabled"], person["enabled"]) == (True, True), state
    else:
        assert Resident.objects.get(username=hanako).is_active


def test_a_code_that_another_browser_earned_signs_nobody_in_here(world: World) -> None:
    """Login CSRF: the attacker's own answer, opened in the victim's browser."""
    mallory = world.account("mallory")
    browser = Browser()
    open_form(browser, world)
    if world.settings.ID_PROVIDER == "keycloak":
        answer = browser.submit(
            "login-actions/authenticate", follow=False, username=mallory, password=PASSWORD
        )
    else:
        answer = browser.submit("/login/", follow=False, login=mallory, password=PASSWORD)
        answer = browser.get(world.settings.ID_URL + answer.headers["Location"], follow=False)
    target = answer.headers["Location"]
    assert urlsplit(target).path == "/sign-in/callback"
    victim = Browser()
    open_form(victim, world)
    told = victim.get(target)
    assert told.status_code == 400
    assert not OidcSession.objects.exists()
    # It was good for the browser that began.
    browser.get(target)
    assert OidcSession.objects.count() == 1


def test_a_session_that_was_planted_before_the_sign_in_is_worth_nothing_after_it(world: World) -> None:
    """Session fixation: the attacker knows the victim's session key from before."""
    hanako = world.account("hanako")
    browser = Browser()
    name = world.settings.SESSION_COOKIE_NAME
    host = urlsplit(world.settings.PORTAL_URL).hostname
    session = store(None)
    session.create()
    planted = session.session_key
    browser.http.cookies.set(name, planted, domain=host or "", path="/")
    open_form(browser, world)
    try_password(browser, world, hanako, PASSWORD)
    assert OidcSession.objects.count() == 1
    assert OidcSession.objects.get().session_key != planted
    assert not store(None).exists(planted)
    attacker = Browser()
    attacker.http.cookies.set(name, planted or "", domain=host or "", path="/")
    attacker.get(f"{world.settings.PORTAL_URL}/my-data/")
    assert urlsplit(attacker.trail[-1]).hostname == urlsplit(world.settings.ID_URL).hostname


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_leads_nowhere_else_at_either_provider(world: World, target: str) -> None:
    hanako = world.account("hanako")
    browser = Browser()
    browser.sign_in(hanako, next_path=target)
    assert not any("evil" in urlsplit(step).netloc for step in browser.trail), browser.trail
    assert browser.trail[-1].startswith(world.settings.PORTAL_URL)


def test_the_ids_pages_cannot_be_framed(world: World) -> None:
    """Clickjacking: no site may show the sign-in form in a frame of its own."""
    answer = Browser().get(f"{world.settings.PORTAL_URL}/sign-in/")
    policy = answer.headers["Content-Security-Policy"]
    ancestors = re.search(r"frame-ancestors ([^;]*)", policy)
    assert ancestors
    assert ancestors[1].strip() in {"'none'", "'self'"}


def test_a_post_logout_address_of_somebody_else_is_not_followed(world: World) -> None:
    hanako = world.account("hanako")
    site, browser = world.site("lunch"), Browser()
    browser.sign_in(hanako)
    hint = site.tokens(browser)["id_token"]
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example/bye"})
    answer = browser.get(f"{site.document()['end_session_endpoint']}?{query}", follow=False)
    assert "evil.example" not in answer.headers.get("Location", "")
    assert answer.status_code == 400


def test_tokens_never_travel_through_the_browser(world: World) -> None:
    """Neither fragment nor query of the answer holds a token: only a code that is useless without the secret."""
    hanako = world.account("hanako")
    site, browser = world.site("lunch"), Browser()
    browser.sign_in(hanako)
    for wanted in ("token", "id_token", "code id_token", "none"):
        browser.get(site.authorize_url(response_type=wanted), follow=False)
        answer = browser.http.get(browser.trail[-1], allow_redirects=False, timeout=10)
        where = answer.headers.get("Location", "")
        assert "token=" not in where
        assert not parse_qs(urlsplit(where).fragment).keys() & {"access_token", "id_token"}


def test_a_gadget_may_not_revoke_or_introspect_what_is_anothers(world: World) -> None:
    hanako = world.account("hanako")
    lunch, river, browser = world.site("lunch"), world.site("river"), Browser()
    browser.sign_in(hanako)
    token = lunch.tokens(browser)["access_token"]
    document = lunch.document()
    with Browser().http as http:
        http.post(
            document["revocation_endpoint"],
            data={"token": token},
            auth=(river.client_id, river.secret),
            timeout=10,
        )
    assert idp.provider().resolve_access_token(token).client_id == lunch.client_id
    assert lunch.userinfo(token).status_code == 200


def test_a_form_of_the_portal_sent_from_elsewhere_is_refused(world: World) -> None:
    foreign = Client(enforce_csrf_checks=True, headers={"host": urlsplit(world.settings.PORTAL_URL).netloc})
    answer = foreign.post("/sign-out/", headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


def test_no_program_takes_a_residents_password(world: World) -> None:
    """The password grant: nobody but the ID's own page may ask for a password, not even a client of the ID itself."""
    hanako, site = world.account("hanako"), world.site("lunch")
    endpoint = site.document()["token_endpoint"]
    asked = {"grant_type": "password", "username": hanako, "password": PASSWORD, "scope": "openid"}
    with Browser().http as http:
        for client in (
            {"client_id": "admin-cli"},
            {"client_id": "account"},
            {"client_id": "account-console"},
        ):
            answer = http.post(endpoint, data={**asked, **client}, timeout=10)
            assert answer.status_code in {400, 401}, client
            assert "access_token" not in answer.text
        answer = http.post(endpoint, data=asked, auth=(site.client_id, site.secret), timeout=10)
    assert answer.status_code in {400, 401}
    assert "access_token" not in answer.text
