"""Sign-ins from devices that are new: a mail for each, tried again until it is away, and never an address in it."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.http import HttpRequest
from django.test import RequestFactory

from identity import idp
from identity.errors import ProviderUnavailable
from identity.idp import Login
from identity.models import AuditEntry, KnownDevice, OidcSession, Resident, SignInLetter
from identity.sessions import devices, portal_sessions, sign_in_mail
from tests.identity.region import store

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 10, 5, 3, 0, tzinfo=UTC)
PHONE = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36"
ADDRESS = "hanako@example.jp"


@pytest.fixture(autouse=True)
def noon(time_machine: Any, settings: Any) -> None:
    settings.ID_PROVIDER = "embedded"
    idp.provider.cache_clear()
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def hanako() -> Resident:
    return Resident.objects.create_user(username="hanako", email=ADDRESS)


def sign_in(resident: Resident, device: str, *, agent: str = PHONE) -> HttpRequest:
    """A sign-in of this resident from a browser with this secret."""
    request = RequestFactory().get("/", HTTP_USER_AGENT=agent, REMOTE_ADDR="203.0.113.9")
    request.session = store(None)
    done = Login(resident.issuer, resident.subject, f"sid-{device}", "id-token", "ja", NOON)
    portal_sessions.open_session(request, done, device=device)
    return request


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (PHONE, "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/156.0 Safari/537.36 Edg/156.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/19.0 Safari/605.1", "Safari, macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox, Linux"),
        ("Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) CriOS/156.0 Mobile Safari/604.1", "Chrome, iPad"),
        ("curl/8", ""),
        ("", ""),
        ("<script>alert(1)</script> Firefox" + "x" * 5000, "Firefox"),
    ],
)  # fmt: skip
def test_a_device_is_named_in_two_words(agent: str, expected: str) -> None:
    assert devices.label(agent) == expected


def test_the_first_sign_in_ever_is_not_told_of_and_a_known_device_never(hanako: Resident) -> None:
    sign_in(hanako, "phone")
    sign_in(hanako, "phone")
    assert not SignInLetter.objects.exists()
    assert [entry.detail for entry in AuditEntry.objects.order_by("seq")] == [
        {"new_device": True},
        {"new_device": False},
    ]


def test_a_new_device_is_told_of_with_time_device_and_what_to_do(hanako: Resident, settings: Any) -> None:
    sign_in(hanako, "phone")
    sign_in(hanako, "laptop", agent="Mozilla/5.0 (Windows NT 10.0) Firefox/150.0")
    assert sign_in_mail.send_due() == 1
    (sent,) = mail.outbox
    assert sent.to == [ADDRESS]
    assert "2026-10-05 12:00" in sent.body
    assert "Firefox, Windows" in sent.body
    assert f"{settings.PORTAL_URL}/my-data/sessions/" in sent.body
    assert "パスワードを変えてください" in sent.body
    assert "203.0.113.9" not in sent.body + str(sent.message())
    assert sign_in_mail.send_due() == 0
    assert not SignInLetter.objects.exists()


@pytest.mark.parametrize(
    ("locale", "path"), [("en", "/en/my-data/sessions/"), ("ja-simple", "/ja-simple/my-data/sessions/")]
)
def test_the_mail_leads_to_the_page_in_the_language_of_the_resident(
    hanako: Resident, settings: Any, locale: str, path: str
) -> None:
    Resident.objects.update(locale=locale)
    sign_in(hanako, "phone")
    sign_in(hanako, "laptop")
    sign_in_mail.send_due()
    assert f"{settings.PORTAL_URL}{path}" in mail.outbox[0].body


def test_the_mail_goes_although_the_session_is_over_before_it_is_sent(hanako: Resident) -> None:
    sign_in(hanako, "phone")
    portal_sessions.sign_out(sign_in(hanako, "laptop"))
    assert OidcSession.objects.count() == 1
    assert sign_in_mail.send_due() == 1


def test_a_forgotten_device_is_new_again(hanako: Resident) -> None:
    sign_in(hanako, "phone")
    KnownDevice.objects.all().delete()
    sign_in(hanako, "phone")
    assert SignInLetter.objects.count() == 1


def test_who_proves_once_more_that_it_is_them_is_told_nothing(hanako: Resident) -> None:
    sign_in(hanako, "phone")
    request = sign_in(hanako, "laptop")
    SignInLetter.objects.all().delete()
    done = Login(hanako.issuer, hanako.subject, "sid", "id-token", "ja", NOON)
    portal_sessions.open_session(request, done, device="a cookie that was lost")
    assert not SignInLetter.objects.exists()


class Away:
    """Mail, or an ID, that cannot be reached."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("what", ["mail", "id"])
def test_a_mail_that_cannot_be_sent_is_tried_again(
    hanako: Resident, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(hanako, "phone")
    sign_in(hanako, "laptop")
    with monkeypatch.context() as away, caplog.at_level(logging.INFO):
        if what == "mail":
            away.setattr(
                "identity.sessions.sign_in_mail.send_mail",
                Away(ConnectionRefusedError(f"no way to {ADDRESS}")),
            )
        else:
            away.setattr(type(idp.provider()), "email_of", Away(ProviderUnavailable()))
        assert sign_in_mail.send_due() == 0
        assert sign_in_mail.send_due() == 0
        row = SignInLetter.objects.get()
        assert (row.tries, row.next_at) == (1, NOON + timedelta(seconds=60))
        assert sign_in_mail.send_due(now=NOON + timedelta(seconds=60)) == 0
        assert SignInLetter.objects.get().next_at == NOON + timedelta(seconds=360)
    assert ADDRESS not in caplog.text
    assert sign_in_mail.send_due(now=NOON + timedelta(hours=1)) == 1
    assert mail.outbox[0].to == [ADDRESS]


def test_after_three_days_it_is_given_up_and_said(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(hanako, "phone")
    sign_in(hanako, "laptop")
    monkeypatch.setattr("identity.sessions.sign_in_mail.send_mail", Away(ConnectionRefusedError()))
    assert sign_in_mail.send_due(now=NOON + timedelta(days=3)) == 0
    assert SignInLetter.objects.exists()
    assert sign_in_mail.send_due(now=NOON + timedelta(days=3, hours=2)) == 0
    assert not SignInLetter.objects.exists()
    assert "given up" in caplog.text


def test_an_account_without_an_address_is_not_written_to(hanako: Resident) -> None:
    Resident.objects.update(email="")
    sign_in(hanako, "phone")
    sign_in(hanako, "laptop")
    assert sign_in_mail.send_due() == 1
    assert not mail.outbox
    assert not SignInLetter.objects.exists()


def test_two_workers_send_one_mail(hanako: Resident) -> None:
    sign_in(hanako, "phone")
    sign_in(hanako, "laptop")
    row = SignInLetter.objects.select_related("resident").get()
    assert sign_in_mail._claim(row, now=NOON)
    assert not sign_in_mail._claim(row, now=NOON)


def test_the_sign_in_before_this_one_is_told_on_the_page(hanako: Resident, time_machine: Any) -> None:
    sign_in(hanako, "laptop", agent="Mozilla/5.0 (Windows NT 10.0) Firefox/150.0")
    time_machine.shift(86400)
    request = sign_in(hanako, "phone")
    assert request.session[portal_sessions.BEFORE] == [int(NOON.timestamp()), "Firefox, Windows"]


def test_a_browsers_secret_is_kept_as_a_hash_and_a_bent_cookie_is_replaced(
    hanako: Resident, settings: Any
) -> None:
    secret = "A" * 32
    sign_in(hanako, secret)
    assert secret not in str(KnownDevice.objects.values_list("secret_sha256", flat=True).get())
    request = RequestFactory().get("/")
    for sent in ("", "short", "A" * 31 + "\n", "A" * 33, "あ" * 32):
        request.COOKIES = {settings.DEVICE_COOKIE_NAME: sent}
        assert devices.secret_of(request) != sent
    request.COOKIES = {settings.DEVICE_COOKIE_NAME: secret}
    assert devices.secret_of(request) == secret
