"""The audit chain: every act leaves an entry, and whatever is changed behind the program's back is noticed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from identity import actions
from identity.audit import chain, verify
from identity.audit.verify import Expected, Verdict
from identity.consent import access_log
from identity.domain import consent
from identity.domain.roles import SYSTEM, Actor
from identity.errors import AuditIsAppendOnly
from identity.models import AuditEntry, ConsentReceipt, ConsentState, Resident, SealedAccess
from tests import cast
from tests.identity.test_ledger import SHOWN, WASTE, ZONE, ask

pytestmark = pytest.mark.django_db


def kinds() -> list[str]:
    return list(AuditEntry.objects.order_by("seq").values_list("kind", flat=True))


def last() -> AuditEntry:
    return AuditEntry.objects.latest("seq")


def broken(expect: Expected | None = None) -> str:
    return verify.verify(expect).broken


@contextmanager
def behind_the_program(table: str) -> Iterator[Callable[..., None]]:
    """Raw SQL with the trigger of this table away, as somebody who owns the database could run it."""
    trigger = {
        "identity_auditentry": "identity_audit_append_only",
        "identity_consentreceipt": "identity_ledger_append_only",
    }.get(table, "")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        elif trigger:
            cursor.execute(f"DROP TRIGGER {trigger}")
        yield lambda sql, *params: cursor.execute(sql, params) and None
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = DEFAULT")


def some_history() -> Resident:
    """Six entries: registered, attributes, a grant, its withdrawal, a refusal, the seal of a release."""
    hanako = cast.hanako(opted_in=False)
    ask(hanako)
    actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako))
    ask(hanako, decision="refuse")
    cast.released(hanako, WASTE, ZONE, via="card")
    assert access_log.seal() == 1
    return hanako


def test_every_act_leaves_its_entry_in_codes_and_handles() -> None:
    hanako = some_history()
    assert kinds() == [
        "registered",
        "attributes_changed",
        "granted",
        "withdrawn",
        "refused",
        "accesses_sealed",
    ]
    rows = list(AuditEntry.objects.order_by("seq"))
    own = str(hanako.handle)
    assert [row.who for row in rows] == [own] * 5 + [""]
    assert [row.by for row in rows] == ["portal", own, own, own, own, "portal"]
    assert rows[1].detail["keys"] == sorted(rows[1].detail["keys"])
    assert "area.district" in rows[1].detail["keys"]
    receipt = ConsentReceipt.objects.get(kind="granted")
    assert rows[2].detail == {
        "recipient": WASTE,
        "purpose": "card",
        "items": ZONE,
        "level": "audience",
        "receipt": str(receipt.id),
        "content": chain.receipt_digest(receipt),
        "terms": "",
    }
    sealed = SealedAccess.objects.get()
    assert rows[5].detail == {"seal": sealed.id, "rows": 1, "root": sealed.sha256}
    assert verify.verify() == Verdict(6, rows[5].sha256)


def test_no_entry_holds_a_value_a_name_or_an_id_of_the_person() -> None:
    hanako = some_history()
    stored = " ".join(f"{row.detail} {row.who} {row.by}" for row in AuditEntry.objects.all())
    for personal in (
        str(hanako.id),
        hanako.email,
        hanako.username,
        hanako.display_name,
        "busshozan",
        SHOWN.text,
    ):
        assert personal not in stored


def test_roles_leave_an_entry_of_who_gave_them_to_whom() -> None:
    operator, editor = cast.operator(), cast.editor()
    actions.set_roles(resident_id=editor.id, roles=["provider"], by=cast.as_actor(operator))
    entry = last()
    assert (entry.kind, entry.who, entry.by) == ("roles_set", str(editor.handle), str(operator.handle))
    assert entry.detail == {"roles": ["provider"]}


def test_switching_the_order_on_and_off_is_in_the_chain_like_any_consent() -> None:
    hanako = cast.hanako(opted_in=True)
    assert last().detail["recipient"] == consent.RECOMMENDER
    actions.opt_out(resident_id=hanako.id, by=cast.as_actor(hanako))
    assert (last().kind, last().detail["recipient"]) == ("withdrawn", consent.RECOMMENDER)


def test_made_up_residents_have_an_entry_for_each_receipt() -> None:
    people: list[dict[str, Any]] = [{"age_band": "75+"}, {"age_band": "25-34"}, {}]
    actions.create_synthetic(people=people, notice=cast.NOTICE, controller="x", by=SYSTEM)
    assert kinds() == ["granted"] * 3
    assert len({row.who for row in AuditEntry.objects.all()}) == 3
    assert verify.verify().holds


def test_what_is_rolled_back_leaves_no_entry() -> None:
    hanako = cast.hanako(opted_in=False)
    before = kinds()
    with pytest.raises(RuntimeError), transaction.atomic():
        ask(hanako)
        raise RuntimeError
    assert kinds() == before
    assert verify.verify().holds


def test_an_entry_that_cannot_be_written_takes_the_act_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hanako = cast.hanako(opted_in=False)
    monkeypatch.setattr(chain, "KINDS", frozenset())
    with pytest.raises(ValueError, match="no such kind"):
        ask(hanako)
    assert not ConsentReceipt.objects.exists()
    assert not ConsentState.objects.exists()
    assert hanako.accesses.count() == 0


@pytest.mark.parametrize(
    "detail",
    [
        {"note": "高松 花子"},
        {"address": "hanako@region.localhost"},
        {"long": "x" * 256},
        {"items": ["area.district", "two words"]},
        {"deep": {"in": ["a\tb"]}},
        {"half": 0.5},
        {"when": timezone.now()},
    ],
)
def test_what_is_no_code_is_refused(detail: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="codes only"):
        chain.record("released", **detail)
    assert not AuditEntry.objects.exists()


def test_entries_are_neither_changed_nor_deleted_by_the_program() -> None:
    some_history()
    entry = last()
    entry.kind = "granted"
    for act in (
        entry.save,
        entry.delete,
        lambda: AuditEntry.objects.update(kind="granted"),
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.bulk_update([entry], ["kind"]),
    ):
        with pytest.raises(AuditIsAppendOnly):
            act()
    assert verify.verify().holds


def test_the_database_itself_refuses_a_change() -> None:
    some_history()
    statements = ["UPDATE identity_auditentry SET kind = 'refused'"]
    if connection.vendor == "postgresql":
        statements.append("DELETE FROM identity_auditentry")
    for statement in statements:
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert verify.verify().holds


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "2026-01-01 00:00:00"),
        ("kind", "refused"),
        ("who", "somebody-else"),
        ("by", "somebody-else"),
        ("detail", '{"recipient": "localhost.lunch.menu"}'),
        ("previous", "0" * 64),
        ("sha256", "f" * 64),
        ("seq", 300),
    ],
)
def test_a_change_of_any_column_is_noticed(column: str, value: object) -> None:
    some_history()
    with behind_the_program("identity_auditentry") as run:
        run(f'UPDATE identity_auditentry SET "{column}" = %s WHERE seq = 3', value)  # noqa: S608  a column of the list above
    assert broken() == ("entry 4" if column == "seq" else "entry 3")


def test_an_entry_that_was_changed_together_with_its_hash_breaks_the_next() -> None:
    some_history()
    row = AuditEntry.objects.get(seq=3)
    forged = chain.digest(3, row.at, "refused", row.who, row.by, row.detail, row.previous)
    with behind_the_program("identity_auditentry") as run:
        run("UPDATE identity_auditentry SET kind = 'refused', sha256 = %s WHERE seq = 3", forged)
    verdict = verify.verify()
    assert (verdict.broken, verdict.reason) == ("entry 4", "it does not follow the one before it")


def test_an_entry_that_was_taken_out_is_noticed() -> None:
    some_history()
    with behind_the_program("identity_auditentry") as run:
        run("DELETE FROM identity_auditentry WHERE seq = 2")
    assert broken() == "entry 3"


def test_the_first_entry_cannot_be_taken_out_either() -> None:
    some_history()
    with behind_the_program("identity_auditentry") as run:
        run("DELETE FROM identity_auditentry WHERE seq = 1")
    assert broken() == "entry 2"


def test_an_entry_that_was_put_in_between_is_noticed() -> None:
    some_history()
    with behind_the_program("identity_auditentry") as run:
        for seq in range(6, 2, -1):
            run("UPDATE identity_auditentry SET seq = %s WHERE seq = %s", seq + 1, seq)
        row = AuditEntry.objects.get(seq=2)
        at = timezone.now()
        AuditEntry.objects.create(
            seq=3, at=at, kind="exported", who=row.who, by="", detail={}, previous=row.sha256,
            sha256=chain.digest(3, at, "exported", row.who, "", {}, row.sha256),
        )  # fmt: skip
    assert broken() == "entry 4"


def test_an_entry_that_does_not_say_what_its_kind_says_is_named() -> None:
    hanako = some_history()
    chain.record("roles_set", who=hanako.id)
    verdict = verify.verify()
    assert (verdict.broken, verdict.reason) == ("entry 7", "its detail is not that of roles_set")


def test_an_end_that_was_cut_off_is_noticed_by_who_noted_the_head() -> None:
    some_history()
    chain.record("reach_asked", keys=[])
    head = verify.verify()
    noted = Expected(head.entries, head.head)
    assert verify.verify(noted).holds
    with behind_the_program("identity_auditentry") as run:
        run("DELETE FROM identity_auditentry WHERE seq = 7")
    assert verify.verify().holds
    assert broken(noted) == "entry 7"
    chain.record("reach_asked", keys=["age_band"])
    verdict = verify.verify(noted)
    assert (verdict.broken, verdict.reason) == ("entry 7", "it is not the one that was expected here")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("schema_version", "9.9"),
        ("kind", "granted"),
        ("controller", "Somebody"),
        ("recipient", "localhost.other"),
        ("purpose", "other"),
        ("items", '["age_band"]'),
        ("level", "pairwise"),
        ("basis", "law"),
        ("method", "voice"),
        ("notice_id", None),
        ("given_at", "2026-01-01 00:00:00"),
        ("expires_at", "2036-01-01 00:00:00"),
    ],
)
def test_a_receipt_that_was_changed_is_noticed_by_its_entry(column: str, value: object) -> None:
    some_history()
    receipt = ConsentReceipt.objects.get(kind="refused")
    with behind_the_program("identity_consentreceipt") as run:
        run(f"UPDATE identity_consentreceipt SET {column} = %s WHERE kind = 'refused'", value)  # noqa: S608  a column of the list above
    verdict = verify.verify()
    assert (verdict.broken, verdict.reason) == (f"receipt {receipt.id}", "it was changed since entry 5")


def test_a_withdrawal_that_points_elsewhere_is_noticed() -> None:
    some_history()
    withdrawal = ConsentReceipt.objects.get(kind="withdrawn")
    with behind_the_program("identity_consentreceipt") as run:
        run("UPDATE identity_consentreceipt SET withdraws_id = NULL WHERE kind = 'withdrawn'")
    assert broken() == f"receipt {withdrawal.id}"


def test_a_receipt_that_was_given_to_somebody_else_is_noticed() -> None:
    some_history()
    taro = cast.taro(opted_in=False)
    grant = ConsentReceipt.objects.get(kind="granted")
    with behind_the_program("identity_consentreceipt") as run:
        owner = taro.id.hex if connection.vendor == "sqlite" else str(taro.id)
        run("UPDATE identity_consentreceipt SET resident_id = %s WHERE kind = 'granted'", owner)
    assert broken() == f"receipt {grant.id}"


def test_a_receipt_that_nobody_entered_is_noticed() -> None:
    hanako = some_history()
    slipped_in = ConsentReceipt.objects.create(
        resident=hanako,
        kind="granted",
        controller="x",
        recipient=WASTE,
        purpose="card",
        items=ZONE,
        level="none",
    )
    assert broken() == f"receipt {slipped_in.id}"


def test_a_shown_text_that_was_changed_is_noticed() -> None:
    some_history()
    with behind_the_program("identity_noticeversion") as run:
        run("UPDATE identity_noticeversion SET text = 'ほかの文' WHERE sha256 = %s", SHOWN.sha256)
    assert broken() == f"text {SHOWN.sha256}"


@pytest.mark.parametrize(
    "change",
    [
        "status = 'granted'",
        "item = 'age_band'",
        "level = 'pairwise'",
        "recipient = 'localhost.other'",
        "purpose = 'other'",
        "expires_at = '2036-01-01 00:00:00'",
    ],
)
def test_what_holds_now_must_be_what_the_ledger_says(change: str) -> None:
    some_history()
    with behind_the_program("identity_consentstate") as run:
        run(f"UPDATE identity_consentstate SET {change}")  # noqa: S608  one of the list above
    assert broken() == f"state {ConsentState.objects.get().pk}"


def test_a_state_that_was_set_back_to_a_grant_since_withdrawn_is_noticed() -> None:
    some_history()
    grant = ConsentReceipt.objects.get(kind="granted")
    ConsentState.objects.update(status="granted", receipt=grant, expires_at=grant.expires_at)
    verdict = verify.verify()
    assert verdict.broken == f"state {ConsentState.objects.get().pk}"
    assert "decided otherwise" in verdict.reason


def test_a_grant_whose_recipient_was_later_decided_about_other_items_holds() -> None:
    hanako = cast.hanako(opted_in=False)
    both = ["area.district", "area.waste_zone"]
    ask(hanako, items=["area.district"], declared=both)
    ask(hanako, items=["area.waste_zone"], declared=both, decision="refuse")
    assert verify.verify().holds


# --- the command ---------------------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("audit", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_entries_and_head_and_takes_the_head_again() -> None:
    assert "entries: 0" in run("verify")
    some_history()
    told = run("verify")
    assert "entries: 6\n" in told
    head = told.split("head: ")[1].split()[0]
    assert head == f"6:{last().sha256}"
    assert run("verify", "--expect", head) == told


def test_the_command_ends_with_1_and_says_where_and_why() -> None:
    some_history()
    with behind_the_program("identity_auditentry") as change:
        change("UPDATE identity_auditentry SET kind = 'refused' WHERE seq = 3")
    with pytest.raises(CommandError, match="broken at entry 3: it was changed") as caught:
        run("verify")
    assert caught.value.returncode == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("verify", "--expect", "6"),
        ("verify", "--expect", "0:" + "a" * 64),
        ("verify", "--expect", "6:" + "g" * 64),
        ("show", "--since", "yesterday"),
        ("show", "--kind", "sung"),
        ("show", "--limit", "many"),
        (),
    ],
)
def test_the_command_refuses_what_it_does_not_know(wrong: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*wrong)


def test_show_prints_codes_and_handles_of_the_kinds_and_time_asked_for() -> None:
    hanako = some_history()
    lines = run("show").splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert f"who={hanako.handle} by=portal" in lines[0]
    assert "who=- by=portal" in lines[5]
    assert [
        line.split()[2] for line in run("show", "--kind", "granted", "--kind", "refused").splitlines()
    ] == [
        "granted",
        "refused",
    ]
    assert len(run("show", "--limit", "2").splitlines()) == 2
    later = (timezone.localtime() + timedelta(hours=1)).replace(tzinfo=None)
    assert run("show", "--since", later.isoformat()) == ""
    assert len(run("show", "--since", "2026-01-01").splitlines()) == 6


# --- writers at the same time --------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain() -> None:
    assert connection.vendor == "postgresql"
    people = [cast.newcomer(number) for number in (1, 2, 3, 4)]
    faults: list[BaseException] = []
    start = threading.Barrier(len(people))

    def write(resident: Resident) -> None:
        try:
            start.wait()
            for _ in range(10):
                ask(resident)
                cast.released(resident, WASTE, ZONE, via="card")
                actions.withdraw(resident_id=resident.id, recipient=WASTE, by=Actor(id=resident.id))
        except BaseException as fault:  # noqa: BLE001  shown below, in the thread of the test
            faults.append(fault)
        finally:
            connection.close()

    before = verify.verify().entries
    writers = [threading.Thread(target=write, args=(one,)) for one in people]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    verdict = verify.verify()
    assert verdict.holds, verdict
    assert verdict.entries == before + 4 * 10 * 2
    assert access_log.seal() == 40


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_entry_waits_for_the_one_before_it_to_be_decided() -> None:
    """A writer that rolls back leaves no hole: the next one waited and takes its number."""
    entered, go_on = threading.Event(), threading.Event()
    done: list[UUID] = []

    def first() -> None:
        try:
            with transaction.atomic():
                chain.record("keycloak_synced")
                entered.set()
                go_on.wait(20)
                transaction.set_rollback(True)
        finally:
            connection.close()

    def second() -> None:
        try:
            entered.wait(20)
            chain.record("client_saved")
            done.append(uuid4())
        finally:
            connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    assert entered.wait(20)
    with connection.cursor() as cursor:
        for _ in range(400):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            if cursor.fetchone()[0]:
                break
            threads[1].join(0.05)
        else:
            pytest.fail("the second writer did not wait")
    assert done == []
    go_on.set()
    for thread in threads:
        thread.join()
    assert kinds() == ["client_saved"]
    assert verify.verify().entries == 1
