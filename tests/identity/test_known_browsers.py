"""Wrong passwords of strangers make strangers wait, not the owner; names and passwords are compared in one form."""

import unicodedata
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password

from identity.embedded import known_browsers
from identity.models import OidcSession, Resident
from tests.identity import realm
from tests.identity.conftest import World
from tests.identity.region import Browser

pytestmark = pytest.mark.django_db(transaction=True)
BACK = "/.well-known/region-portal.json"
COMPOSED = "ガラスの鍵 がぎぐ 2026"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
WAIT = "何度も間違えたため"


def guess(browser: Browser, region: Any, times: int, login: str = "hanako") -> str:
    text = ""
    for _ in range(times):
        browser.get(f"{region.PORTAL_URL}/sign-in/?next={BACK}")
        text = browser.submit("/login/", login=login, password="not-the-password").text
    return text


def leave(browser: Browser, region: Any) -> None:
    """The browser keeps its cookies but for its sessions."""
    for name in (region.SESSION_COOKIE_NAME, region.ID_SESSION_COOKIE_NAME):
        for one in [one for one in browser.http.cookies if one.name == name]:
            browser.http.cookies.clear(one.domain, one.path, one.name)


def test_strangers_shut_out_strangers_and_not_the_owner(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    browser.sign_in("hanako", next_path=BACK)
    leave(browser, region)
    assert WAIT in guess(Browser(), region, 6)
    stranger = Browser()
    assert WAIT in stranger.sign_in("hanako", next_path=BACK).text
    browser.sign_in("hanako", next_path=BACK)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"


def test_the_known_browser_has_a_count_of_its_own(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    browser.sign_in("hanako", next_path=BACK)
    leave(browser, region)
    assert WAIT in guess(browser, region, 6)
    Browser().sign_in("hanako", next_path=BACK)
    assert OidcSession.objects.count() == 2


def test_being_known_at_one_account_helps_at_no_other(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    account("mallory")
    browser.sign_in("mallory", next_path=BACK)
    leave(browser, region)
    assert WAIT in guess(browser, region, 6)
    assert WAIT in Browser().sign_in("hanako", next_path=BACK).text


def test_another_spelling_of_the_name_is_no_new_count(rf: Any) -> None:
    request = rf.get("/")
    assert (
        len({known_browsers.counted_as(request, name) for name in ("hanako", "HANAKO", " ｈａｎａｋｏ ")})
        == 1
    )


@pytest.mark.parametrize("forged", ["", "x", '{"a":"b"}', "eyJhIjoiYiJ9:1abcde:forged"])
def test_a_forged_cookie_is_a_stranger_s(rf: Any, settings: Any, forged: str) -> None:
    request = rf.get("/")
    request.COOKIES[settings.ID_BROWSER_COOKIE_NAME] = forged
    assert known_browsers.counted_as(request, "hanako").startswith("strangers:")


# --- one form of a text --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (COMPOSED, COMPOSED)]
)
def test_a_password_is_the_same_however_it_was_composed(kept: str, typed: str) -> None:
    who = Resident.objects.create_user(username="hanako", password=kept)
    assert who.check_password(typed)
    assert not who.check_password(typed + "x")


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_a_hash_of_before_still_opens_and_is_kept_anew(typed: str) -> None:
    who = Resident.objects.create_user(username="hanako", password=None)
    who.password = old = make_password(DECOMPOSED)
    who.save()
    assert who.check_password(typed)
    who.refresh_from_db()
    assert who.password != old
    assert who.check_password(COMPOSED)


def test_what_is_not_the_same_text_is_another_password() -> None:
    who = Resident.objects.create_user(username="hanako", password="ＡＢＣ-wide-letters")
    assert not who.check_password("ABC-wide-letters")


def test_a_full_width_name_is_the_same_person(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    browser.sign_in("ｈａｎａｋｏ", next_path=BACK)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"
    assert Resident.objects.create_user(username="ｔａｒｏ").username == "taro"


def test_both_ids_take_a_password_as_the_other_keyboard_composes_it(world: World) -> None:
    """Keycloak compares the bytes: see docs/reference/id-providers.md."""
    username = world.account("hanako")
    if world.settings.ID_PROVIDER == "keycloak":
        realm.admin().set_user_password(str(realm.admin().get_user_id(username)), COMPOSED, temporary=False)
    else:
        who = Resident.objects.get(username=username)
        who.set_password(COMPOSED)
        who.save()
    for typed in (COMPOSED, DECOMPOSED):
        browser = Browser()
        browser.sign_in(username, next_path=BACK, password=typed)
        came_in = browser.trail[-1] == f"{world.settings.PORTAL_URL}{BACK}"
        assert came_in is (typed == COMPOSED or world.settings.ID_PROVIDER == "embedded")
