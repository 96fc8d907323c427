"""A session ends by time on the server, in both engines, and costs no query between two notes that it is used."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identity.domain import lifetimes
from identity.domain.lifetimes import BEGUN, ENDED, REMEMBERED, SEEN, Left, Lifetime
from identity.models import AuditEntry, KnownDevice, OidcSession, Resident
from identity.sessions import portal_sessions
from tests import cast
from tests.identity.region import store

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 10, 5, 3, 0, tzinfo=UTC)
PAGE = "/my-data/"


@pytest.fixture(params=["identity.sessions.engine_db", "identity.sessions.engine_cached_db"])
def engine(request: pytest.FixtureRequest, settings: Any, time_machine: Any) -> str:
    settings.SESSION_ENGINE = request.param
    time_machine.move_to(NOON, tick=False)
    cache.clear()
    return str(request.param)


@pytest.fixture
def hanako() -> Resident:
    return Resident.objects.create_user(username="hanako")


def signed_in(hanako: Resident, *, remembered: bool = False) -> Client:
    """A browser with a session such as sign-in leaves behind."""
    browser = Client(headers={"host": django_settings.PORTAL_URL.partition("//")[2]})
    cast.sign_in(browser, hanako)
    session = browser.session
    session[REMEMBERED] = remembered
    session.save()
    device = KnownDevice.objects.create(resident=hanako, secret_sha256="0", remembered=remembered)
    OidcSession.objects.create(
        issuer=hanako.issuer, sub=hanako.subject, sid="s", session_key=str(session.session_key), device=device
    )
    return browser


def key(browser: Client) -> str:
    return str(browser.cookies[django_settings.SESSION_COOKIE_NAME].value)


@pytest.mark.parametrize(
    ("begun", "seen", "now", "expected"),
    [
        (0, 0, 10, Left(90, "idle")),
        (0, 50, 60, Left(90, "idle")),
        (0, 150, 160, Left(40, "absolute")),
        (0, 0, 100, Left(0, "idle")),
        (0, 199, 201, Left(-1, "absolute")),
    ],
)
def test_the_first_of_the_two_ends_counts(begun: int, seen: int, now: int, expected: Left) -> None:
    assert lifetimes.left({BEGUN: begun, SEEN: seen}, Lifetime(100, 200), now) == expected


def test_a_session_that_is_not_used_ends_after_an_hour(
    engine: str, hanako: Resident, time_machine: Any
) -> None:
    browser = signed_in(hanako)
    time_machine.shift(3599)
    assert browser.get(PAGE).status_code == 200
    time_machine.shift(3601)
    answer = browser.get(PAGE)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=%2Fmy-data%2F")
    assert store(key(browser)).load() == {ENDED: "idle"}
    page = browser.get(answer["Location"]).content.decode()
    assert "しばらく操作がなかったため" in page
    assert "/sign-in/?again=1&amp;next=%2Fmy-data%2F" in page


def test_a_session_that_is_used_all_day_ends_all_the_same(
    engine: str, hanako: Resident, time_machine: Any
) -> None:
    browser = signed_in(hanako)
    for _ in range(23):
        time_machine.shift(1800)
        assert browser.get(PAGE).status_code == 200
    time_machine.shift(1800)
    assert browser.get(PAGE).status_code == 302
    assert "サインインしてから長い時間" in browser.get("/sign-in/").content.decode()


def test_a_remembered_device_holds_for_two_weeks_without_use_and_a_month_in_all(
    engine: str, hanako: Resident, time_machine: Any
) -> None:
    browser = signed_in(hanako, remembered=True)
    for days in (13, 13):
        time_machine.shift(timedelta(days=days))
        assert browser.get(PAGE).status_code == 200
    time_machine.shift(timedelta(days=4, seconds=1))
    assert browser.get(PAGE).status_code == 302
    browser = signed_in(Resident.objects.create_user(username="taro"), remembered=True)
    time_machine.shift(timedelta(days=14, seconds=1))
    assert browser.get(PAGE).status_code == 302


def test_use_is_noted_once_a_minute_and_costs_nothing_between(
    engine: str, hanako: Resident, time_machine: Any
) -> None:
    browser = signed_in(hanako)
    browser.get(PAGE)

    def writes() -> list[str]:
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(PAGE).status_code == 200
        asked = [
            one["sql"] for one in caught if "django_session" in one["sql"] or "oidcsession" in one["sql"]
        ]
        if engine == "identity.sessions.engine_cached_db":
            return asked
        return [sql for sql in asked if not sql.startswith("SELECT")]

    assert writes() == []
    time_machine.shift(59)
    assert writes() == []
    time_machine.shift(1)
    assert len(writes()) == 2
    assert writes() == []
    row = OidcSession.objects.get()
    assert row.seen_at == NOON + timedelta(seconds=60)
    assert store(key(browser))[SEEN] == int(row.seen_at.timestamp())


def test_a_session_that_was_ended_elsewhere_does_not_come_back_by_being_used(
    engine: str, hanako: Resident, time_machine: Any
) -> None:
    browser = signed_in(hanako)
    here = store(key(browser))
    held = dict(here.load())
    portal_sessions.end(iss=hanako.issuer, sub=hanako.subject, sid="")
    cache.set(getattr(here, "cache_key", "none"), held)  # a cache that did not hear of it
    time_machine.shift(61)
    assert browser.get(PAGE).status_code == 302
    assert not store(None).exists(key(browser))
    assert browser.get(PAGE).status_code == 302


def test_a_request_to_save_what_was_ended_meanwhile_is_no_session(engine: str, hanako: Resident) -> None:
    browser = signed_in(hanako)
    session = store(key(browser))
    session["x"] = 1
    portal_sessions.end(iss=hanako.issuer, sub=hanako.subject, sid="")
    from django.contrib.sessions.backends.base import UpdateError

    with pytest.raises(UpdateError):
        session.save()


def test_whoever_is_signed_in_without_times_gets_them_when_the_session_is_stored(
    engine: str, hanako: Resident
) -> None:
    browser = signed_in(hanako)
    assert store(key(browser))[BEGUN] == int(NOON.timestamp())
    guest = store(None)
    guest["x"] = 1
    guest.save()
    assert BEGUN not in store(guest.session_key).load()


def test_the_cookie_outlives_the_browser_only_where_the_device_is_remembered(
    engine: str, hanako: Resident
) -> None:
    for remembered in (False, True):
        KnownDevice.objects.all().delete()
        OidcSession.objects.all().delete()
        browser = signed_in(hanako, remembered=remembered)
        session = browser.session
        session["x"] = 1
        assert session.get_expire_at_browser_close() is not remembered
        days = 30 if remembered else 0.5
        assert session.get_expiry_age() == (days + 1) * 24 * 3600
        assert session.get_expiry_date() == NOON + timedelta(days=days + 1)


def test_the_sweep_leaves_only_why_and_writes_it_down(
    engine: str, hanako: Resident, time_machine: Any
) -> None:
    browser = signed_in(hanako)
    time_machine.shift(1800)
    assert portal_sessions.end_by_time() == 0
    time_machine.shift(3600)
    assert portal_sessions.end_by_time() == 1
    assert portal_sessions.end_by_time() == 0
    assert not OidcSession.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.who, entry.by) == ("session_ended", str(hanako.handle), "portal")
    assert entry.detail["why"] == "idle"
    assert store(key(browser)).load() == {ENDED: "idle"}
    assert "しばらく操作がなかったため" in browser.get("/sign-in/").content.decode()


def test_the_sweep_leaves_remembered_devices_alone(engine: str, hanako: Resident, time_machine: Any) -> None:
    browser = signed_in(hanako, remembered=True)
    time_machine.shift(timedelta(days=10))
    assert portal_sessions.end_by_time() == 0
    assert browser.get(PAGE).status_code == 200
