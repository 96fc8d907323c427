"""The daily cleaning: each table keeps what is within its time and nothing beyond it, in batches."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from identity import queries, tasks
from identity.audit import verify
from identity.closure import retention
from identity.models import (
    AccessLog,
    AuditEntry,
    ConsentEvent,
    ConsentReceipt,
    GadgetClient,
    LogoutDelivery,
    OidcSession,
    ProviderCode,
    ProviderSession,
    Resident,
    SeenToken,
)
from tests import cast
from tests.identity.test_ledger import WASTE, ask

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MOMENT = timedelta(seconds=1)


@pytest.fixture
def hanako() -> Resident:
    return cast.hanako(opted_in=False)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)


def session(key: str, *, ends: datetime = NOW + timedelta(days=1)) -> None:
    Session.objects.create(session_key=key, session_data="", expire_date=ends)


def logout(number: int, state: str, at: datetime) -> None:
    client, _ = GadgetClient.objects.get_or_create(
        gadget_id=WASTE, defaults={"client_id": WASTE, "sector_host": "x", "salt_sealed": b""}
    )
    LogoutDelivery.objects.create(
        client=client, jti=str(number), token_sealed=b"", state=state, next_at=at, token_expires_at=at
    )


def provider_session(resident: Resident, sid: str, **values: Any) -> ProviderSession:
    made = ProviderSession.objects.create(
        resident=resident, client_id="c", sid=sid, sign_in=sid, session_key=sid, auth_time=NOW, **values
    )
    ProviderCode.objects.create(code_sha256=sid, session=made)
    return made


def test_logouts_that_are_settled_go_after_a_week_and_those_under_way_stay() -> None:
    limit = NOW - retention.LOGOUTS
    for number, state in enumerate(("done", "failed", "done", "failed", "done")):
        logout(number, state, limit - MOMENT)
    logout(10, "done", limit)
    logout(11, "waiting", limit - MOMENT)
    logout(12, "sending", limit - MOMENT)
    assert retention.clean(now=NOW)["logouts"] == 5
    assert sorted(LogoutDelivery.objects.values_list("jti", flat=True)) == ["10", "11", "12"]


def test_seen_tokens_go_when_they_could_not_be_used_any_more() -> None:
    SeenToken.objects.create(issuer="i", jti="over", expires_at=NOW - MOMENT)
    SeenToken.objects.create(issuer="i", jti="alive", expires_at=NOW)
    assert retention.clean(now=NOW)["seen_tokens"] == 1
    assert SeenToken.objects.get().jti == "alive"


def test_sign_ins_that_ended_go_after_a_month_with_their_codes(hanako: Resident) -> None:
    limit = NOW - retention.SIGN_INS
    provider_session(hanako, "over", ended_at=limit - MOMENT)
    provider_session(hanako, "ended", ended_at=limit)
    session("open")
    provider_session(hanako, "open", created_at=limit - MOMENT)
    provider_session(hanako, "silently-over", created_at=limit - MOMENT)
    provider_session(hanako, "young", created_at=limit)
    assert retention.clean(now=NOW)["sign_ins"] == 2
    kept = ["ended", "open", "young"]
    assert sorted(ProviderSession.objects.values_list("sid", flat=True)) == kept
    assert sorted(ProviderCode.objects.values_list("code_sha256", flat=True)) == kept


@pytest.mark.parametrize("old", [0, 1, 2, 3, 4, 5])
def test_accesses_and_events_go_by_age_in_batches(hanako: Resident, old: int) -> None:
    ConsentEvent.objects.all().delete()
    for age, table in ((retention.ACCESSES, "accesses"), (retention.EVENTS, "events")):
        for number in range(old + 3):
            at = NOW - age - (MOMENT if number < old else -number * MOMENT)
            if table == "accesses":
                AccessLog.objects.create(resident=hanako, recipient=WASTE, items=[], via="card", at=at)
            else:
                ConsentEvent.objects.create(resident_id=hanako.id, recipient=WASTE, kind="granted", at=at)
    gone = retention.clean(now=NOW)
    assert (gone["accesses"], gone["events"]) == (old, old)
    assert (AccessLog.objects.count(), ConsentEvent.objects.count()) == (3, 3)


def test_sessions_that_expired_go_and_so_do_those_at_the_id_without_one() -> None:
    session("over", ends=NOW - MOMENT)
    session("alive")
    for key, age in (("alive", 9), ("over", 9), ("gone", 9), ("just-now", 0)):
        OidcSession.objects.create(
            issuer="i", sub="s", session_key=key, created_at=NOW - timedelta(days=age), seen_at=NOW
        )
    gone = retention.clean(now=NOW)
    assert (gone["sessions"], gone["orphans"]) == (1, 2)
    assert Session.objects.get().session_key == "alive"
    assert sorted(OidcSession.objects.values_list("session_key", flat=True)) == ["alive", "just-now"]


def test_ledger_and_chain_are_never_cleaned(hanako: Resident) -> None:
    ask(hanako)
    before = (ConsentReceipt.objects.count(), AuditEntry.objects.count())
    retention.clean(now=NOW + timedelta(days=36500))
    assert (ConsentReceipt.objects.count(), AuditEntry.objects.count()) == before
    assert verify.verify().holds
    assert queries.overview(hanako.id)


def test_a_second_run_finds_nothing(hanako: Resident) -> None:
    session("over", ends=NOW - MOMENT)
    retention.clean(now=NOW)
    assert set(retention.clean(now=NOW).values()) == {0}


def test_it_runs_every_day() -> None:
    found = {job.name: (job.seconds, job.run) for job in tasks.JOBS}
    seconds, run = found["identity.clean"]
    assert seconds <= 86400
    session("over", ends=timezone.now() - MOMENT)
    run()
    assert not Session.objects.exists()
