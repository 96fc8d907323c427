"""The embedded ID's own screens: another password ends every other sign-in; a remembered device holds for weeks."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from identity import idp
from identity.domain.lifetimes import ENDED, REMEMBERED
from identity.embedded import driver
from identity.models import AuditEntry, KnownDevice, OidcSession, ProviderSession, Resident
from identity.oidc import logout_relay
from tests.identity.region import PASSWORD, Browser, store

pytestmark = pytest.mark.django_db(transaction=True)
BACK = "/my-data/sessions/"
ANOTHER = "madoguchi-no-kurashi"


@pytest.fixture
def hanako(account: Any) -> Resident:
    made: Resident = account("hanako", onboarded_at=timezone.now())
    return made


def to_change(browser: Browser, region: Any, back: str = BACK) -> Any:
    return browser.get(f"{region.PORTAL_URL}/sign-in/?{urlencode({'action': 'password', 'next': back})}")


def at_id(browser: Browser, region: Any) -> str:
    return str(browser.http.cookies.get(region.ID_SESSION_COOKIE_NAME, domain="id.region.localhost"))


def test_a_changed_password_ends_every_other_sign_in_and_this_one_goes_on(
    browser: Browser, hanako: Resident, site: Any, region: Any
) -> None:
    lunch, phone = site("lunch"), Browser()
    phone.sign_in("hanako", next_path=BACK)
    lunch.tokens(phone)
    browser.sign_in("hanako", next_path=BACK)
    to_change(browser, region)
    answer = browser.submit("/password/", oldpassword=PASSWORD, password1=ANOTHER)
    assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}?kc_action_status=success"
    assert "変更しました。" in answer.text
    logout_relay.deliver_due()
    assert len(lunch.heard) == 1
    assert phone.get(region.PORTAL_URL + BACK, follow=False).status_code == 302
    assert lunch.answer(phone, prompt="none")["error"] == "login_required"
    assert browser.get(region.PORTAL_URL + BACK, follow=False).status_code == 200
    assert browser.get(f"{region.PORTAL_URL}/admin/login/").status_code == 403, "still signed in for Django"
    assert lunch.answer(browser, prompt="none").get("code")
    (here,) = idp.provider().sessions(hanako.id)
    assert len(here.sids) == 2
    Browser().sign_in("hanako", password=PASSWORD)
    assert OidcSession.objects.count() == 1
    other = Browser()
    other.sign_in("hanako", password=ANOTHER, next_path=BACK)
    assert other.trail[-1] == f"{region.PORTAL_URL}{BACK}"


def test_a_wrong_password_or_a_weak_one_changes_nothing(
    browser: Browser, hanako: Resident, region: Any
) -> None:
    browser.sign_in("hanako", next_path=BACK)
    to_change(browser, region)
    answer = browser.submit("/password/", oldpassword="not-the-password", password1=ANOTHER)
    assert "いまのパスワードが違います。" in answer.text
    answer = browser.submit("/password/", oldpassword=PASSWORD, password1="12345")
    assert 'class="form__error"' in answer.text
    hanako.refresh_from_db()
    assert hanako.check_password(PASSWORD)


def test_nobody_signed_in_is_asked_first_and_back_never_leads_away(
    browser: Browser, hanako: Resident, region: Any
) -> None:
    page = to_change(browser, region, "https://evil.example/")
    assert "/login/" in browser.trail[-1]
    assert "evil" not in page.text
    page = browser.get(f"{region.ID_URL}/password/?{urlencode({'back': '//evil.example/'})}")
    browser.submit("/login/", login="hanako", password=PASSWORD)
    assert "/password/" in browser.trail[-1]
    answer = browser.submit("/password/", follow=False, oldpassword=PASSWORD, password1=ANOTHER)
    assert answer.headers["Location"] == f"{region.PORTAL_URL}/?kc_action_status=success"


def test_what_only_keycloak_has_leads_back(browser: Browser, hanako: Resident, region: Any) -> None:
    browser.sign_in("hanako", next_path=BACK)
    for action in ("totp", "passkey"):
        browser.get(f"{region.PORTAL_URL}/sign-in/?{urlencode({'action': action, 'next': BACK})}")
        assert browser.trail[-1] == f"{region.PORTAL_URL}{BACK}"


@pytest.mark.parametrize("ticked", [True, False])
def test_the_box_at_the_login_remembers_the_device_at_both(
    browser: Browser, hanako: Resident, region: Any, ticked: bool
) -> None:
    browser.get(f"{region.PORTAL_URL}/sign-in/?{urlencode({'next': BACK})}")
    for _, fields in browser.forms:
        fields.pop("remember", None)
    box = {"remember": "on"} if ticked else {}
    browser.forms = [(action, {**fields, **box}) for action, fields in browser.forms]
    browser.submit("/login/", login="hanako", password=PASSWORD)
    row = OidcSession.objects.get()
    assert store(row.session_key)[REMEMBERED] is ticked
    assert KnownDevice.objects.get().remembered is ticked
    assert store(at_id(browser, region)).get(REMEMBERED) is ticked
    names = {region.SESSION_COOKIE_NAME, region.ID_SESSION_COOKIE_NAME}
    cookies = {one.domain: one.expires for one in browser.http.cookies if one.name in names}
    assert [expires is not None for expires in cookies.values()] == [ticked, ticked]


def test_a_device_that_is_remembered_stays_so_at_the_next_sign_in(
    browser: Browser, hanako: Resident, region: Any
) -> None:
    browser.sign_in("hanako", next_path=BACK)
    KnownDevice.objects.update(remembered=True)
    browser.sign_out()
    browser.get(f"{region.PORTAL_URL}/sign-in/?{urlencode({'next': BACK})}")
    for _, fields in browser.forms:
        fields.pop("remember", None)
    browser.submit("/login/", login="hanako", password=PASSWORD)
    assert store(OidcSession.objects.get().session_key)[REMEMBERED] is True


def test_a_sign_in_at_the_id_ends_by_time_and_is_listed_no_more(
    browser: Browser, hanako: Resident, site: Any, region: Any
) -> None:
    browser.sign_in("hanako", next_path=BACK)
    session = store(at_id(browser, region))
    session["_seen"] -= 3601
    session.save()
    assert idp.provider().sessions(hanako.id) == ()
    assert site("lunch").answer(browser, prompt="none")["error"] == "login_required"
    assert store(session.session_key).load() == {ENDED: "idle"}


def test_registering_and_signing_in_are_written_down(browser: Browser, region: Any) -> None:
    browser.get(f"{region.PORTAL_URL}/sign-up/?{urlencode({'next': BACK})}")
    browser.submit("/signup/", email="new@example.jp", password1=PASSWORD, display_name="")
    made = Resident.objects.get()
    assert list(AuditEntry.objects.order_by("seq").values_list("kind", "who", "detail")) == [
        ("registered", str(made.handle), {}),
        ("signed_in", str(made.handle), {"new_device": True}),
    ]
    browser.sign_out()
    assert AuditEntry.objects.filter(kind="signed_out", who=str(made.handle)).exists()


def test_ending_a_part_twice_tells_once(browser: Browser, hanako: Resident, site: Any, region: Any) -> None:
    lunch = site("lunch")
    browser.sign_in("hanako", next_path=BACK)
    lunch.tokens(browser)
    row = ProviderSession.objects.get(client_id=lunch.client_id)
    for _ in range(2):
        driver.end_sign_in(row.sign_in)
    logout_relay.deliver_due(now=timezone.now() + timedelta(seconds=1))
    assert len(lunch.heard) == 1
