"""Staff need a second factor before a desk opens, and a fresh proof for decisions; against both drivers."""

import time
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from identity import actions
from identity.domain.roles import EDITOR, OPERATOR, STAFF_ROLES, SYSTEM
from identity.embedded import second_factor
from identity.errors import NotAllowed
from identity.models import AuditEntry, KnownDevice, OidcSession, Resident
from identity.sessions import portal_sessions
from identity.sessions.person import SECOND_FACTOR
from tests.identity import realm
from tests.identity.conftest import World
from tests.identity.region import PASSWORD, Browser, store

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "sample-of-this-test-"
ADMIN = "/admin/"


@dataclass
class Codes:
    """The app of one account: each code once."""

    key: str = KEY
    used: set[int] = field(default_factory=set)

    def next(self) -> str:
        now = int(time.time()) // 30
        step = next(one for one in (now, now + 1, now - 1) if one not in self.used)
        self.used.add(step)
        return format_hotp_value(hotp_value(b32encode(self.key.encode()).decode(), step))


@dataclass
class Person:
    """Somebody with an account at the ID, and their browser."""

    world: World
    username: str
    codes: Codes
    browser: Browser

    @property
    def keycloak(self) -> bool:
        return bool(self.world.settings.ID_PROVIDER == "keycloak")

    def get(self, path: str) -> Any:
        return self.browser.get(f"{self.world.settings.PORTAL_URL}{path}")

    def password(self) -> Any:
        """Types the password in the form that is open, whichever ID it is."""
        if self.keycloak:
            return self.browser.submit("login-actions", username=self.username, password=PASSWORD)
        name = (
            "/login/" if any("/login/" in action for action, _ in self.browser.forms) else "/reauthenticate/"
        )
        return self.browser.submit(name, login=self.username, password=PASSWORD)

    def code(self, code: str = "") -> Any:
        typed = code or self.codes.next()
        if self.keycloak:
            return self.browser.submit("login-actions", otp=typed)
        return self.browser.submit("/code/", code=typed)

    def asked_for_code(self) -> bool:
        names = {name for _, fields in self.browser.forms for name in fields}
        return bool(names & {"otp", "code"})

    @property
    def session(self) -> Any:
        return store(OidcSession.objects.latest("created_at").session_key)

    def arrived(self, path: str) -> bool:
        return self.browser.trail[-1] == f"{self.world.settings.PORTAL_URL}{path}"


@pytest.fixture
def somebody(world: World) -> Callable[..., Person]:
    """Makes an account with codes (or without), signed in once so that the portal knows it, with these roles."""

    def make(*roles: str, codes: bool = True) -> Person:
        username = world.account("warden")
        made = Person(world, username, Codes(), Browser())
        if world.settings.ID_PROVIDER == "keycloak":
            if codes:
                realm.give_codes(username, KEY)
        elif codes:
            secret = b32encode(KEY.encode()).decode()
            second_factor.set_up(Resident.objects.get(username=username), secret)
        if roles:
            other = Browser()
            first = Person(world, username, made.codes, other)
            first.get("/sign-in/?next=/my-data/")
            first.password()
            if codes:
                first.code()
            who = Resident.objects.get()
            actions.set_roles(resident_id=who.pk, roles=roles, by=SYSTEM)
            portal_sessions.end_resident(who.pk)
        return made

    return make


def test_the_desk_opens_after_the_password_and_a_code(somebody: Callable[..., Person]) -> None:
    person = somebody(OPERATOR)
    person.get(ADMIN)
    person.password()
    assert person.asked_for_code()
    person.code()
    assert person.arrived(ADMIN), person.browser.trail
    assert person.session[SECOND_FACTOR] is True


def test_a_password_alone_opens_no_desk_and_no_right(somebody: Callable[..., Person]) -> None:
    person = somebody(OPERATOR)
    person.get(ADMIN)
    person.password()
    wrong = person.code("000000")
    assert wrong.status_code in {200, 400}
    person.get(ADMIN)
    assert not person.arrived(ADMIN)
    assert not OidcSession.objects.exists()


def test_a_used_code_is_refused(somebody: Callable[..., Person]) -> None:
    person = somebody(OPERATOR)
    person.get(ADMIN)
    person.password()
    code = person.codes.next()
    person.code(code)
    assert person.arrived(ADMIN)
    again = Person(person.world, person.username, person.codes, Browser())
    again.get(ADMIN)
    again.password()
    again.code(code)
    assert not again.arrived(ADMIN)


def test_whoever_has_no_code_sets_it_up_on_the_way(somebody: Callable[..., Person]) -> None:
    person = somebody(EDITOR, codes=False)
    person.get(ADMIN)
    answer = person.password()
    if person.keycloak:
        fields = next(values for _, values in person.browser.forms if "totpSecret" in values)
        person.codes = Codes(key=fields["totpSecret"])
        person.browser.submit("login-actions", totp=person.codes.next(), userLabel="app")
    else:
        shown = answer.text.split('<code lang="en">')[1].split("</code>")[0].replace(" ", "")
        step = int(time.time()) // 30
        person.browser.submit("/code/set-up/", code=format_hotp_value(hotp_value(shown, step)))
        assert AuditEntry.objects.filter(kind="second_factor_set_up").count() == 1
    assert person.arrived(ADMIN), person.browser.trail
    assert person.session[SECOND_FACTOR] is True


def test_a_fresh_proof_asks_for_both_again(somebody: Callable[..., Person]) -> None:
    person = somebody(OPERATOR)
    person.get(ADMIN)
    person.password()
    person.code()
    make_old(person)
    person.get("/admin/protection/")
    assert not person.arrived("/admin/protection/")
    person.password()
    assert person.asked_for_code(), "the second factor belongs to the fresh proof"
    person.code()
    assert person.arrived("/admin/protection/"), person.browser.trail
    assert person.session[SECOND_FACTOR] is True


def make_old(person: Person) -> None:
    """Everything was proven ten minutes ago."""
    held = person.session
    held[portal_sessions.AUTH_TIME] -= 600
    held.save()
    if person.keycloak:
        time.sleep(1.1)  # Keycloak's clock: max_age=0 asks again once a second has passed
        return
    name = person.world.settings.ID_SESSION_COOKIE_NAME
    own = store(person.browser.http.cookies.get(name, domain="id.region.localhost"))
    own["_id_auth_time"] -= 600
    own["_id_code_time"] -= 600
    own.save()


def test_a_decision_that_is_sent_too_late_is_not_sent(somebody: Callable[..., Person]) -> None:
    person = somebody(OPERATOR)
    person.get(ADMIN)
    person.password()
    person.code()
    person.get("/admin/protection/")
    make_old(person)
    person.browser.submit("/admin/protection/", number="AAAA-AAAA")
    assert not person.arrived("/admin/protection/")
    assert not AuditEntry.objects.filter(kind="confidential_asked").exists()


def test_no_device_is_remembered_for_staff(somebody: Callable[..., Person]) -> None:
    person = somebody(OPERATOR)
    KnownDevice.objects.update(remembered=True)
    person.get(ADMIN)
    person.password()
    person.code()
    assert person.session.get("_remembered") is False
    assert person.session.get_expire_at_browser_close()


def test_a_resident_without_a_role_is_asked_for_nothing_more(somebody: Callable[..., Person]) -> None:
    person = somebody(codes=False)
    person.get(ADMIN)
    answer = person.password()
    assert answer.status_code == 403
    assert SECOND_FACTOR not in person.session


def test_an_id_that_answers_without_the_second_factor_is_refused(somebody: Callable[..., Person]) -> None:
    """What was asked for travels through the browser, where it can be taken out of the address."""
    person = somebody(OPERATOR, codes=False)
    portal = person.world.settings.PORTAL_URL
    person.get("/sign-in/?next=/my-data/")
    person.password()
    assert person.arrived("/my-data/")
    to = person.browser.get(f"{portal}/sign-in/?second=1&next=/admin/", follow=False).headers["Location"]
    assert "&acr_values=2" in to
    refused = person.browser.get(to.replace("&acr_values=2", ""))
    assert refused.status_code == 403
    assert "もう一つの確認が必要です" in refused.text
    assert SECOND_FACTOR not in person.session


# --- the embedded ID's own rules -----------------------------------------------------------------------------


@pytest.fixture
def known(account: Any) -> Resident:
    made: Resident = account("warden", roles=[OPERATOR])
    second_factor.set_up(made, b32encode(KEY.encode()).decode())
    return made


def test_each_code_is_good_once_and_typed_as_people_type(region: Any, known: Resident) -> None:
    code = Codes().next()
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    assert second_factor.accept(known, f" {wide[:3]} {wide[3:]} ") is not None
    assert second_factor.accept(known, code) is None
    assert second_factor.accept(known, "000000") is None


def test_the_key_is_sealed(region: Any, known: Resident) -> None:
    from allauth.mfa.models import Authenticator

    row = Authenticator.objects.get()
    assert b32encode(KEY.encode()).decode() not in str(row.data)
    assert KEY not in str(row.data)


@pytest.mark.parametrize(
    ("demo", "sample", "shown"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_only_the_demo_shows_the_code_of_its_samples(
    browser: Browser, account: Any, region: Any, demo: bool, sample: bool, shown: bool
) -> None:
    account("warden", roles=[OPERATOR])
    region.DEMO = True
    who, secret = Resident.objects.get(), b32encode(KEY.encode()).decode()
    if sample:
        second_factor.set_up_sample_codes(resident_id=who.pk, secret=secret, by=SYSTEM)
    else:
        second_factor.set_up(who, secret)
    region.DEMO = demo
    browser.get(f"{region.PORTAL_URL}/admin/")
    page = browser.submit("/login/", login="warden", password=PASSWORD)
    assert "/code/" in browser.trail[-1]
    assert ("data-sample-code" in page.text) is shown
    code = Codes().next()
    assert (code in page.text) is shown


def test_outside_the_demo_nobody_gets_a_known_key(region: Any, account: Any) -> None:
    region.DEMO = False
    who = account("warden", roles=[OPERATOR])
    with pytest.raises(NotAllowed):
        second_factor.set_up_sample_codes(
            resident_id=who.pk, secret=b32encode(KEY.encode()).decode(), by=SYSTEM
        )
    assert not second_factor.has_codes(who)


def test_a_site_of_a_service_cannot_ask_for_the_second_factor(
    browser: Browser, account: Any, region: Any, site: Any
) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako", next_path="/.well-known/region-portal.json")
    answer = lunch.answer(browser, acr_values="2")
    assert "code" in answer


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
def test_every_role_of_staff_is_asked(role: str, region: Any, browser: Browser, account: Any) -> None:
    who = account("warden", roles=[role])
    second_factor.set_up(who, b32encode(KEY.encode()).decode())
    session = OidcSession.objects
    browser.get(f"{region.PORTAL_URL}/sign-in/?next=/.well-known/region-portal.json")
    browser.submit("/login/", login="warden", password=PASSWORD)
    browser.submit("/code/", code=Codes().next())
    held = store(session.get().session_key)
    del held[SECOND_FACTOR]
    held.save()
    answer = browser.get(f"{region.PORTAL_URL}/admin/", follow=False)
    assert "second=1" in answer.headers["Location"]
