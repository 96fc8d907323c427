"""Sign-in at the portal through the embedded provider: one password, back to where she came from."""

from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from identity.models import ConsentState, OidcSession, Resident
from tests.identity.region import PASSWORD, Browser, store

pytestmark = pytest.mark.django_db(transaction=True)
BACK = "/.well-known/region-portal.json"


def session_key(browser: Browser, settings: Any) -> str | None:
    found: str | None = browser.http.cookies.get(
        settings.SESSION_COOKIE_NAME, domain="portal.region.localhost"
    )
    return found


def signed_in(browser: Browser, settings: Any) -> str | None:
    key = session_key(browser, settings)
    return store(key).get("_resident") if key else None


def test_signs_in_and_returns_to_the_page_she_came_from(browser: Browser, account: Any, region: Any) -> None:
    hanako = account("hanako")
    browser.sign_in("hanako", next_path=BACK)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"
    assert signed_in(browser, region) == str(hanako.id)
    row = OidcSession.objects.get()
    assert (row.issuer, row.sub) == (region.OIDC_ISSUER, str(hanako.id))
    assert row.sid
    assert b"eyJ" not in bytes(row.id_token_sealed)


def test_signs_in_with_the_email_address_too(browser: Browser, account: Any, region: Any) -> None:
    hanako = account("hanako", email="hanako@example.jp")
    browser.sign_in("hanako@example.jp", next_path=BACK)
    assert signed_in(browser, region) == str(hanako.id)


def test_a_new_person_registers_and_is_not_opted_in(browser: Browser, region: Any) -> None:
    page = browser.get(f"{region.PORTAL_URL}/sign-up/?{urlencode({'next': BACK})}")
    assert "地域IDをつくる" in page.text
    browser.submit("/signup/", email="new@example.jp", password1=PASSWORD, display_name="みなみ")
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"
    made = Resident.objects.get(display_name="みなみ")
    assert signed_in(browser, region) == str(made.id)
    assert made.username.startswith("r-")
    assert not ConsentState.objects.exists()


def test_registering_with_a_taken_address_does_not_say_so(
    browser: Browser, account: Any, region: Any
) -> None:
    account("hanako", email="hanako@example.jp")
    browser.get(f"{region.PORTAL_URL}/sign-up/?{urlencode({'next': BACK})}")
    browser.submit("/signup/", email="hanako@example.jp", password1=PASSWORD, display_name="")
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"
    assert Resident.objects.filter(email="hanako@example.jp").count() == 2


@pytest.mark.parametrize("login", ["hanako", "nobody", "nobody@example.jp"])
def test_a_wrong_password_says_the_same_for_known_and_unknown(
    browser: Browser, account: Any, region: Any, login: str
) -> None:
    account("hanako")
    answer = browser.sign_in(login, password="not-the-password")
    assert answer.status_code == 200
    assert "ユーザー名（またはメールアドレス）かパスワードが違います。" in answer.text
    assert signed_in(browser, region) is None


def test_too_many_wrong_passwords_are_stopped_and_the_right_one_must_wait(
    browser: Browser, account: Any, region: Any
) -> None:
    account("hanako")
    for _ in range(6):
        answer = browser.sign_in("hanako", password="not-the-password")
    assert "しばらくサインインできません" in answer.text
    browser.sign_in("hanako")
    assert signed_in(browser, region) is None


def test_whoever_is_signed_in_goes_straight_on(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    browser.sign_in("hanako")
    browser.get(f"{region.PORTAL_URL}/sign-in/?{urlencode({'next': BACK})}")
    assert browser.trail[-2:] == [
        f"{region.PORTAL_URL}/sign-in/?{urlencode({'next': BACK})}",
        f"{region.PORTAL_URL}{BACK}",
    ]
    browser.get(f"{region.PORTAL_URL}/sign-up/?{urlencode({'next': BACK})}")
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "x", ""]
)
def test_next_never_leads_to_another_site(browser: Browser, account: Any, region: Any, target: str) -> None:
    account("hanako")
    browser.sign_in("hanako", next_path=target)
    assert browser.trail[-1] == f"{region.PORTAL_URL}/"


def test_next_of_the_id_never_leads_to_another_site(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    browser.get(f"{region.ID_URL}/login/?{urlencode({'next': 'https://evil.example/'})}")
    browser.submit("/login/", follow=False, login="hanako", password=PASSWORD)
    browser.get(f"{region.ID_URL}/login/?{urlencode({'next': 'https://evil.example/'})}", follow=False)
    assert browser.trail[-1].startswith(region.ID_URL)
    assert "evil" not in browser.get(f"{region.ID_URL}/login/", follow=False).headers["Location"]


def test_the_session_key_changes_at_sign_in(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    planted = store(None)
    planted.create()
    before = planted.session_key
    browser.http.cookies.set(region.SESSION_COOKIE_NAME, before, domain="portal.region.localhost", path="/")
    browser.get(f"{region.PORTAL_URL}/sign-in/")
    browser.submit("/login/", login="hanako", password=PASSWORD)
    after = session_key(browser, region)
    assert before
    assert after
    assert before != after
    assert not store(None).exists(before)


def test_a_closed_account_gets_no_session(browser: Browser, account: Any, region: Any) -> None:
    hanako = account("hanako")
    browser.sign_in("hanako", next_path=BACK)
    Resident.objects.filter(pk=hanako.pk).update(is_active=False)
    other = Browser()
    other.sign_in("hanako", next_path=BACK)
    assert signed_in(other, region) is None


def test_silent_reentry_never_shows_a_form(browser: Browser, account: Any, region: Any) -> None:
    silent = f"{region.PORTAL_URL}/sign-in/?silent=1&next={quote(BACK)}"
    browser.get(silent)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"
    assert signed_in(browser, region) is None
    assert not any("/login/" in url for url in browser.trail)
    hanako = account("hanako")
    browser.sign_in("hanako")
    browser.http.cookies.clear(domain="portal.region.localhost")
    browser.get(silent)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"
    assert signed_in(browser, region) == str(hanako.id)


def test_a_fresh_sign_in_asks_for_the_password_again(browser: Browser, account: Any, region: Any) -> None:
    hanako = account("hanako")
    browser.sign_in("hanako")
    id_key = browser.http.cookies.get(region.ID_SESSION_COOKIE_NAME, domain="id.region.localhost")
    session = store(id_key)
    session["_id_auth_time"] -= 600
    session.save()
    browser.get(f"{region.PORTAL_URL}/sign-in/?fresh=1&next={quote(BACK)}")
    assert "/reauthenticate/" in browser.trail[-1]
    browser.submit("/reauthenticate/", password="not-the-password")
    assert "パスワードが違います" in browser.get(browser.trail[-1]).text or browser.forms
    browser.get(f"{region.PORTAL_URL}/sign-in/?fresh=1&next={quote(BACK)}")
    browser.submit("/reauthenticate/", password=PASSWORD)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"
    assert signed_in(browser, region) == str(hanako.id)


@pytest.mark.parametrize(
    ("next_path", "where", "words"),
    [
        ("/", "/login/", "地域IDでサインイン"),
        ("/en/", "/en/login/", 'lang="en"'),
        ("/ja-simple/", "/ja-simple/login/", "<html lang"),
    ],
)
def test_the_id_speaks_the_language_of_the_page(
    browser: Browser, region: Any, next_path: str, where: str, words: str
) -> None:
    page = browser.get(f"{region.PORTAL_URL}/sign-in/?{urlencode({'next': next_path})}")
    assert urlsplit(browser.trail[-1]).path == where
    assert words in page.text


def test_pages_of_the_id_may_post_on_to_the_registered_client_only(browser: Browser, region: Any) -> None:
    page = browser.get(f"{region.PORTAL_URL}/sign-in/")
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' {region.PORTAL_URL}" in policy.replace(f" {region.ID_URL}", "").replace(
        "http://id.region.localhost:8000 ", ""
    )
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"]
    evil = urlencode({"next": "/o/authorize/?client_id=portal&redirect_uri=https://evil.example/cb"})
    assert "evil" not in browser.get(f"{region.ID_URL}/login/?{evil}").headers["Content-Security-Policy"]


def test_the_admin_asks_for_the_regional_id(browser: Browser, account: Any, region: Any) -> None:
    answer = browser.get(f"{region.PORTAL_URL}/admin/login/?next=/admin/pages/", follow=False)
    assert answer.headers["Location"] == "/sign-in/?next=%2Fadmin%2Fpages%2F"
    account("hanako")
    browser.sign_in("hanako")
    answer = browser.get(f"{region.PORTAL_URL}/admin/login/?next=/admin/")
    assert answer.status_code == 403
    assert "編集や運用の担当者だけ" in answer.text


def test_the_authorization_request_has_state_nonce_and_s256(browser: Browser, region: Any) -> None:
    answer = browser.get(f"{region.PORTAL_URL}/sign-in/", follow=False)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["openid"]
    assert query["response_type"] == ["code"]
    assert len(query["state"][0]) >= 20
    assert len(query["nonce"][0]) >= 20
    assert "no-store" in answer.headers["Cache-Control"]
