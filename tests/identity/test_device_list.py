"""Where a resident is signed in, with both IDs: listed, ended with the gadgets' sites, remembered, forgotten."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from identity import idp
from identity.domain.lifetimes import REMEMBERED
from identity.errors import InvalidToken, ProviderUnavailable
from identity.models import AuditEntry, KnownDevice, OidcSession, Resident
from identity.oidc import logout_relay, tokens
from identity.sessions import portal_sessions
from tests.identity.region import PASSWORD, Browser, GadgetSite, store

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/my-data/sessions/"
PHONE = "Mozilla/5.0 (Linux; Android 16) Chrome/156.0 Mobile Safari/537.36"
LAPTOP = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/150.0"


def arrive(browser: Browser, username: str, agent: str) -> Browser:
    """Signs in; what the onboarding would show first is passed over."""
    browser.http.headers["User-Agent"] = agent
    Resident.objects.update(onboarded_at=timezone.now())
    browser.sign_in(username, next_path=PAGE)
    Resident.objects.update(onboarded_at=timezone.now())
    return browser


@pytest.fixture
def both(world: Any) -> tuple[Browser, Browser]:
    """Hanako at her phone and at her laptop."""
    username = world.account("hanako")
    return arrive(Browser(), username, PHONE), arrive(Browser(), username, LAPTOP)


def page(world: Any, browser: Browser) -> str:
    answer = browser.get(world.settings.PORTAL_URL + PAGE)
    return answer.text if browser.trail[-1].endswith(PAGE) and answer.status_code == 200 else ""


def is_signed_in(world: Any, browser: Browser) -> bool:
    answer = browser.get(world.settings.PORTAL_URL + PAGE, follow=False)
    return bool(answer.status_code == 200)


def silently(site: GadgetSite, browser: Browser) -> str:
    return site.answer(browser, prompt="none").get("error", "in")


def test_this_device_stands_first_and_the_others_by_browser_and_system(world: Any, both: Any) -> None:
    phone, _ = both
    text = page(world, phone)
    assert text.index("Chrome, Android") < text.index("この端末</span>") < text.index("Firefox, Windows")
    assert "127.0.0.1" not in text
    assert "ほかの端末をすべてサインアウト" in text
    assert "前回のサインイン" not in text
    assert "Chrome, Android" in page(world, both[1]).partition("前回のサインイン")[2][:200]


def test_ending_the_other_one_ends_its_gadgets_too_and_leaves_this_one(world: Any, both: Any) -> None:
    phone, laptop = both
    lunch, river = world.site("lunch"), world.site("river")
    lunch.tokens(laptop)
    river.tokens(phone)
    resident = Resident.objects.get()
    assert {one.clients for one in idp.provider().sessions(resident.id)} == {
        (lunch.client_id,),
        (river.client_id,),
    }
    assert page(world, phone)
    phone.submit("/my-data/sessions/end/")
    logout_relay.deliver_due()
    assert not is_signed_in(world, laptop)
    assert silently(lunch, laptop) == "login_required"
    (heard,) = lunch.heard
    assert tokens.verify_logout_token(heard, audience=lunch.client_id, now=timezone.now()).sub
    assert is_signed_in(world, phone)
    assert silently(river, phone) == "in"
    assert river.heard == []
    entry = AuditEntry.objects.get(kind="session_ended")
    assert (entry.who, entry.by, entry.detail["why"]) == (
        str(resident.handle),
        str(resident.handle),
        "by_person",
    )


def test_ending_all_others_leaves_this_one(world: Any, both: Any) -> None:
    phone, laptop = both
    lunch = world.site("lunch")
    lunch.tokens(laptop)
    text = page(world, phone)
    assert text.count("/my-data/sessions/end/") == 2
    form = [one for one in phone.forms if one[0].endswith("/end/")][-1]
    phone.forms = [form]
    phone.submit("/my-data/sessions/end/")
    logout_relay.deliver_due()
    assert not is_signed_in(world, laptop)
    assert len(lunch.heard) == 1
    assert is_signed_in(world, phone)
    assert len(idp.provider().sessions(Resident.objects.get().id)) == 1


def test_a_sign_in_at_a_gadgets_site_alone_is_listed_and_ended(world: Any, both: Any) -> None:
    phone, laptop = both
    lunch = world.site("lunch")
    lunch.tokens(laptop)
    row = OidcSession.objects.get(label="Firefox, Windows")
    store(None).delete(row.session_key)
    row.delete()
    assert "種類のわからない端末" in page(world, phone)
    phone.submit("/my-data/sessions/end/")
    logout_relay.deliver_due()
    assert len(lunch.heard) == 1
    assert silently(lunch, laptop) == "login_required"
    assert is_signed_in(world, phone)


def test_nobody_ends_a_session_of_somebody_else(world: Any, both: Any) -> None:
    phone, laptop = both
    hanako = Resident.objects.get()
    taro = arrive(Browser(), world.account("taro"), PHONE)
    assert page(world, taro)
    others = [f"p{row.pk}" for row in OidcSession.objects.filter(sub=hanako.subject)]
    others += [f"i{one.id}" for one in idp.provider().sessions(hanako.id)]
    for key in [*others, "", "p", "i", "p0", "x"]:
        assert page(world, taro)
        action, fields = next(one for one in taro.forms if one[0].endswith("/remember/"))
        taro.forms = [(action.replace("remember", "end"), fields)]
        assert taro.submit("/end/", key=key).status_code == 200
    assert is_signed_in(world, phone)
    assert is_signed_in(world, laptop)
    assert len(idp.provider().sessions(hanako.id)) == 2


def test_an_id_that_is_away_still_lets_the_portals_part_be_ended_and_says_so(
    world: Any, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, laptop = both

    def away(*_: Any) -> Any:
        raise ProviderUnavailable

    assert page(world, phone)
    forms = phone.forms
    monkeypatch.setattr(type(idp.provider()), "sessions", away)
    assert "地域IDから返事がないため" in page(world, phone)
    phone.forms = forms
    answer = phone.submit("/my-data/sessions/end/")
    assert "ほかのサービスではまだ続いているかもしれません" in answer.text
    assert not is_signed_in(world, laptop)


def test_this_device_is_remembered_and_forgotten(world: Any, both: Any) -> None:
    phone, _ = both
    device = KnownDevice.objects.get(label="Chrome, Android")
    key = OidcSession.objects.get(label="Chrome, Android").session_key
    assert page(world, phone)
    answer = phone.submit("/my-data/sessions/remember/", follow=False, on="1")
    name = world.settings.SESSION_COOKIE_NAME
    assert f"{name}=" in answer.headers["Set-Cookie"]
    assert "Max-Age=2678" in answer.headers["Set-Cookie"] or "Max-Age=2677" in answer.headers["Set-Cookie"]
    device.refresh_from_db()
    assert device.remembered
    assert store(key)[REMEMBERED] is True
    assert "この端末を覚えています" in page(world, phone)
    other = OidcSession.objects.get(label="Firefox, Windows")
    assert store(other.session_key)[REMEMBERED] is False
    phone.submit(f"/forget/{device.pk}/")
    assert not KnownDevice.objects.filter(pk=device.pk).exists()
    assert store(key)[REMEMBERED] is False
    assert is_signed_in(world, phone)
    assert AuditEntry.objects.get(kind="device_forgotten").detail == {}
    assert page(world, phone)
    phone.submit("/my-data/sessions/remember/", on="1")
    assert KnownDevice.objects.filter(remembered=True).count() == 1


def test_a_device_of_somebody_else_is_not_forgotten(world: Any, both: Any) -> None:
    phone, _ = both
    taro = Resident.objects.create(issuer="x", subject="taro")
    device = KnownDevice.objects.create(resident=taro, secret_sha256="0")
    assert page(world, phone)
    _, fields = next(one for one in phone.forms if "/forget/" in one[0])
    phone.forms = [(f"/my-data/sessions/forget/{device.pk}/", fields)]
    phone.submit("/forget/")
    assert KnownDevice.objects.filter(pk=device.pk).exists()


def test_a_new_proof_of_the_person_comes_back_to_the_page(world: Any, both: Any) -> None:
    phone, _ = both
    row = OidcSession.objects.get(label="Chrome, Android")
    held = store(row.session_key)
    held[portal_sessions.AUTH_TIME] -= 600
    held.save()
    if world.settings.ID_PROVIDER == "embedded":
        at_id = phone.http.cookies.get(world.settings.ID_SESSION_COOKIE_NAME, domain="id.region.localhost")
        own = store(at_id)
        own["_id_auth_time"] -= 600
        own.save()
    else:
        time.sleep(1.1)  # Keycloak's clock: max_age=0 asks again once a second has passed
    phone.get(f"{world.settings.PORTAL_URL}/sign-in/?{urlencode({'fresh': '1', 'next': PAGE})}")
    assert not phone.trail[-1].endswith(PAGE)
    if world.settings.ID_PROVIDER == "embedded":
        phone.submit("/reauthenticate/", password=PASSWORD)
    else:
        phone.submit("login-actions/authenticate", password=PASSWORD)
    assert phone.trail[-1].endswith(PAGE), phone.trail
    row = OidcSession.objects.get(label="Chrome, Android")
    assert timezone.now().timestamp() - store(row.session_key)[portal_sessions.AUTH_TIME] < 60
    assert OidcSession.objects.count() == 2


def test_the_id_tells_the_address_when_it_is_needed(world: Any, both: Any) -> None:
    if world.settings.ID_PROVIDER == "embedded":
        Resident.objects.update(email="hanako@example.jp")
    told = idp.provider().email_of(Resident.objects.get().id)
    assert told.startswith("hanako")
    assert told.endswith("@example.jp")


def test_an_account_that_is_deleted_at_the_id_signs_in_no_more(world: Any, both: Any) -> None:
    phone, laptop = both
    lunch = world.site("lunch")
    lunch.tokens(laptop)
    resident = Resident.objects.get()
    username = resident.username
    idp.provider().delete_account(resident.id)
    idp.provider().delete_account(resident.id)
    logout_relay.deliver_due()
    assert len(lunch.heard) == 1
    assert not OidcSession.objects.exists()
    assert not is_signed_in(world, phone)
    assert silently(lunch, laptop) == "login_required"
    assert Resident.objects.filter(pk=resident.pk).exists()
    assert Resident.objects.get().username != username or world.settings.ID_PROVIDER == "keycloak"


def test_a_client_that_is_removed_is_gone_with_its_pseudonyms(world: Any, both: Any) -> None:
    phone, _ = both
    lunch = world.site("lunch")
    access = lunch.tokens(phone)["access_token"]
    for _ in range(2):
        idp.provider().remove_client(lunch.client_id)
    with pytest.raises(InvalidToken):
        idp.provider().resolve_access_token(access)
    assert phone.get(lunch.authorize_url(), follow=False).status_code in {400, 404}
    assert is_signed_in(world, phone)
