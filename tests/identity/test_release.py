"""Releases: the grant is read and the release written down in one step, in the resident's own order, without a lock for all."""

import ast
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from gadgets.disclosure import views
from identity import actions, rate
from identity.audit import chain, verify
from identity.closure import erasure, retention
from identity.consent import access_log
from identity.domain.roles import SYSTEM, Actor
from identity.errors import NotAllowed
from identity.household import guardianships
from identity.models import AccessLog, AuditEntry, ConsentReceipt, Resident, SealedAccess
from identity.queries import Bundle
from identity.residents.protection import CONFIRMATIONS
from tests import cast
from tests.gadgets.published import publish_client
from tests.identity.test_ledger import LUNCH, SHOWN, WASTE, ZONE, ask
from tests.identity.tokens import register, token_of

pytestmark = pytest.mark.django_db
IDENTITY = Path(access_log.__file__).parents[1]


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def hanako() -> Resident:
    return cast.hanako(opted_in=False)


def leave(resident: Resident, via: str = "card", *, items: list[str] | None = None) -> bool:
    """Releases what is granted to the waste gadget now; whether anything was."""

    def decide(bundle: Bundle | None) -> list[str]:
        held = bundle.grants.get(WASTE, frozenset()) if bundle else frozenset()
        return [item for item in items or ZONE if item in held]

    return bool(actions.release(resident_id=resident.id, recipient=WASTE, via=via, decide=decide))


def in_order(resident: Resident) -> list[str]:
    """What happened to this resident's consent, by the numbers of the sequence."""
    receipts = ConsentReceipt.objects.filter(resident=resident).values_list("number", "kind")
    released = AccessLog.objects.filter(resident=resident).values_list("number", "via")
    found = sorted([*receipts, *((number, "released") for number, _ in released)])
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    assert Resident.objects.get(pk=resident.pk).sequence == len(found)
    return [kind for _, kind in found]


# --- one sequence --------------------------------------------------------------------------------------------


def test_releases_and_changes_of_consent_share_the_residents_own_numbers(hanako: Resident) -> None:
    taro = cast.taro(opted_in=False)
    ask(hanako)
    ask(taro)
    assert leave(hanako)
    actions.withdraw(resident_id=hanako.id, recipient=WASTE, by=cast.as_actor(hanako))
    assert not leave(hanako)
    ask(hanako, decision="refuse")
    assert in_order(hanako) == ["granted", "released", "withdrawn", "refused"]
    assert in_order(taro) == ["granted"]


def test_what_is_not_granted_never_leaves_whatever_the_caller_says(hanako: Resident) -> None:
    for items in (["age_band"], [*ZONE, "age_band"]):
        ask(hanako)
        with pytest.raises(NotAllowed):
            actions.release(resident_id=hanako.id, recipient=WASTE, via="card", decide=lambda _, it=items: it)
    assert not AccessLog.objects.exists()


def test_nobody_and_whoever_is_closed_release_nothing(hanako: Resident) -> None:
    ask(hanako)
    seen: list[object] = []
    Resident.objects.filter(pk=hanako.pk).update(erase_at=timezone.now())
    for one in (hanako.pk, uuid4()):
        given = actions.release(
            resident_id=one, recipient=WASTE, via="card", decide=lambda bundle: seen.append(bundle) or ZONE
        )
        assert given == {}
    assert seen == [None, None]


def test_a_whole_save_never_turns_the_sequence_back(hanako: Resident) -> None:
    """Frameworks save a row whole, as it was when they read it: a number would be given twice."""
    ask(hanako)
    assert leave(hanako)
    hanako.set_password("another")
    hanako.save()
    assert Resident.objects.get(pk=hanako.pk).check_password("another")
    assert leave(hanako, "form")
    assert in_order(hanako) == ["granted", "released", "released"]


@pytest.mark.parametrize(
    ("via", "entries"), [("card", 1), ("claims", 1), ("frame", 1), ("query", 1), ("form", 3)]
)
def test_the_same_answer_within_a_minute_is_one_entry(hanako: Resident, via: str, entries: int) -> None:
    """A form is an act of its own each time."""
    ask(hanako)
    assert [leave(hanako, via) for _ in range(3)] == [True] * 3
    assert AccessLog.objects.count() == entries


def test_another_answer_is_another_entry(hanako: Resident) -> None:
    both = [*ZONE, "age_band"]
    ask(hanako, items=both, declared=both)
    leave(hanako)
    leave(hanako, items=both)
    leave(hanako, "claims")
    actions.set_attributes(
        resident_id=hanako.id, values={"area.district": "yashima"}, by=cast.as_actor(hanako)
    )
    leave(hanako)  # the value is another one
    assert AccessLog.objects.count() == 4
    leave(hanako)
    assert AccessLog.objects.count() == 4
    # The program never changes a row, so the time is moved as whoever owns the database could.
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute("DROP TRIGGER identity_access_unchanged")
        cursor.execute(
            "UPDATE identity_accesslog SET at = %s",
            [timezone.now() - access_log.REPEATED_WITHIN - timedelta(seconds=1)],
        )
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = DEFAULT")
    leave(hanako)
    assert AccessLog.objects.count() == 5


# --- many at once --------------------------------------------------------------------------------------------


@contextmanager
def at_once(count: int, work: Callable[[int], object]) -> Iterator[list[BaseException]]:
    """`work(number)` again and again in so many threads while the block runs."""
    over, faults = threading.Event(), list[BaseException]()

    def run(number: int) -> None:
        try:
            while not over.wait(count / 32):  # the one who withdraws wants to work as well
                work(number)
        except BaseException as fault:  # noqa: BLE001  shown by the test, in its own thread
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield faults
    finally:
        over.set()
        for thread in threads:
            thread.join()


def deadlocks() -> int:
    """How many this database has had; its own count, which every session tells when it ends or is idle."""
    time.sleep(1.1)  # PostgreSQL hands the figures on once a second
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("releasers", "withdrawals"),
    [(4, 15), pytest.param(16, 200, marks=[pytest.mark.full, pytest.mark.timeout(1200)])],
)
def test_releases_never_block_or_follow_a_withdrawal(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch, releasers: int, withdrawals: int
) -> None:
    assert connection.vendor == "postgresql"
    monkeypatch.setattr(views, "MOST", 10**9)
    client_id = register(WASTE, tuple(ZONE))
    publish_client(WASTE, client_id=client_id, claims=ZONE)
    token = token_of(hanako, client_id, seconds=3600)
    before = deadlocks()
    answers: set[int] = set()

    def call(number: int) -> None:
        if number % 2:
            leave(hanako, ("card", "frame", "query", "form")[number // 2 % 4])
        else:
            client = Client(
                HTTP_HOST=cast.portal_client().defaults["HTTP_HOST"], raise_request_exception=False
            )
            answers.add(client.get("/api/claims", headers={"Authorization": f"Bearer {token}"}).status_code)
        if not number:
            access_log.seal()

    me = cast.sign_in(cast.portal_client(), hanako)
    me.raise_request_exception = False
    with at_once(releasers, call) as faults:
        for _ in range(withdrawals):
            ask(hanako, level="pairwise")
            time.sleep(0.01)
            assert me.post(f"/my-data/stop/{WASTE}/").status_code == 302
    assert faults == []
    assert answers == {200}
    assert deadlocks() == before
    order, granted = in_order(hanako), False
    for kind in order:
        granted = kind == "granted" or (granted and kind != "withdrawn")
        assert kind != "released" or granted
    assert order.count("withdrawn") == withdrawals
    assert order.count("released") >= withdrawals // 4
    access_log.seal()
    assert verify.verify().holds


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_release_needs_no_lock_that_others_need(hanako: Resident) -> None:
    """While somebody else holds the chain it goes on; what it holds itself is a row of this resident's."""
    assert connection.vendor == "postgresql"
    ask(hanako)
    held, go_on = threading.Event(), threading.Event()

    def hold_the_chain() -> None:
        with transaction.atomic():
            chain.record("reach_asked", keys=[])
            held.set()
            go_on.wait(20)
        connection.close()

    holder = threading.Thread(target=hold_the_chain)
    holder.start()
    try:
        assert held.wait(10)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            assert leave(hanako)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(
                "SELECT locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid'"
            )
            locks = set(cursor.fetchall())
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            assert cursor.fetchone()[0] == 1
    finally:
        go_on.set()
        holder.join()
    assert {kind for kind, _ in locks} <= {"relation", "transactionid"}
    assert {mode for kind, mode in locks if kind == "relation"} <= {
        "AccessShareLock", "RowShareLock", "RowExclusiveLock",
    }  # fmt: skip


def _a_child(person: Resident) -> Any:
    return guardianships.add_child(
        guardian=person.id,
        name="ゆい",
        ends_on=timezone.localdate() + timedelta(days=300),
        values={},
        by=cast.as_actor(person),
    )


def _decided_twice(person: Resident) -> None:
    with actions.together():
        actions.withdraw(resident_id=person.id, recipient=WASTE, by=cast.as_actor(person))
        ask(person, decision="refuse", notice=SHOWN.__class__("ja", "まだだれにも見せていない文"))


def _protected(person: Resident) -> None:
    _a_child(person)
    _a_child(person)
    actions.set_confidential(resident_id=person.id, on=True, by=SYSTEM, confirmed=CONFIRMATIONS)


def _order_and_learning(person: Resident) -> None:
    by = cast.as_actor(person)
    actions.opt_in_personalisation(resident_id=person.id, notice=cast.NOTICE, controller="x", by=by)
    actions.opt_in_learning(resident_id=person.id, notice=cast.NOTICE, controller="x", by=by)
    actions.refuse_learning(resident_id=person.id, notice=cast.NOTICE, controller="x", by=by)
    actions.opt_out(resident_id=person.id, by=by)


def _erased(person: Resident) -> None:
    from portal.mydata.account import erasing

    _a_child(person)
    asked = erasure.ask(resident_id=person.id, announced=[], by=cast.as_actor(person))
    assert erasing.carry_out(now=asked.due_at) == 1


ACTS: dict[str, Callable[[Resident], object]] = {
    "grant": lambda person: ask(person, recipient=LUNCH, level="pairwise"),
    "withdraw": lambda person: actions.withdraw(
        resident_id=person.id, recipient=WASTE, by=cast.as_actor(person)
    ),
    "withdraw and refuse in one act": _decided_twice,
    "the order and learning": _order_and_learning,
    "attributes": lambda person: actions.set_attributes(
        resident_id=person.id, values={"age_band": "0-17"}, by=cast.as_actor(person)
    ),
    "roles": lambda person: actions.set_roles(resident_id=person.id, roles=["editor"], by=SYSTEM),
    "protection of a household": _protected,
    "a recipient that ends": lambda _: actions.end_grants(
        recipient=WASTE, most=5, by=Actor(id=None)
    ),
    "a client of a gadget": lambda _: register(WASTE, tuple(ZONE)),
    "the sweep of the log": lambda person: (leave(person), access_log.seal()),
    "retention": lambda person: (
        leave(person), retention.clean(now=timezone.now() + retention.ACCESSES + timedelta(days=1)),
    ),
    "erasure of a household": _erased,
}  # fmt: skip


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ACTS)
def test_whoever_holds_the_chain_waits_for_nothing(hanako: Resident, act: str) -> None:
    """The resident first, the chain last: after its lock an act reads, and writes entries, and commits."""
    assert connection.vendor == "postgresql"
    ask(hanako)
    entries, waits = [], []

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "identity_auditentry" in sql and sql.startswith("INSERT"):
            entries.append(sql)
        elif _could_wait(sql):
            raw = connection.connection.cursor()
            raw.execute("SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'")
            waits.extend([sql] if raw.fetchone() else [])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        ACTS[act](hanako)
    assert entries
    assert waits == []


def _could_wait(sql: str) -> bool:
    """Whether a statement could wait for a row; savepoints and reads do not."""
    return sql.startswith(("INSERT", "UPDATE", "DELETE")) or " FOR " in sql


def test_every_lock_of_a_resident_lets_foreign_keys_pass() -> None:
    """A lock FOR UPDATE conflicts with the check of a foreign key: only who deletes the row may take it."""
    allowed = {("erasure.py", "forget")}
    found = set()
    for path in IDENTITY.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Attribute)
                    and call.func.attr == "select_for_update"
                    and ast.unparse(call.func.value).startswith("Resident.")
                    and "no_key=True" not in ast.unparse(call)
                ):
                    found.add((path.name, function.name))
    assert found == allowed


# --- sealing -------------------------------------------------------------------------------------------------


def test_a_sweep_puts_one_root_for_all_new_rows_into_the_chain(hanako: Resident) -> None:
    taro = cast.taro(opted_in=False)
    for person in (hanako, taro, hanako):
        cast.released(person, WASTE, ZONE)
    before = AuditEntry.objects.count()
    assert access_log.seal() == 3
    assert access_log.seal() == 0
    assert AuditEntry.objects.count() == before + 1
    entry = AuditEntry.objects.latest("seq")
    first = AccessLog.objects.earliest("id")
    assert (entry.kind, entry.who, entry.by) == ("accesses_sealed", "", "portal")
    assert (entry.detail["seal"], entry.detail["rows"]) == (first.id, 3)
    assert set(AccessLog.objects.values_list("seal", flat=True)) == {first.id}
    assert list(SealedAccess.objects.order_by("id").values_list("number", flat=True)) == [1, 1, 2]


def test_rows_beyond_a_batch_have_a_seal_of_their_own(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "BATCH", 2)
    for _ in range(5):
        cast.released(hanako, WASTE, ZONE)
    assert access_log.seal() == 5
    assert AuditEntry.objects.filter(kind="accesses_sealed").count() == 3


def test_rows_of_the_release_before_get_their_numbers_from_the_sweep(hanako: Resident) -> None:
    ask(hanako)
    old = timezone.now() - timedelta(days=9)
    for days in (3, 1, 2):
        AccessLog.objects.create(
            resident=hanako, recipient=WASTE, items=ZONE, via="card", at=old + timedelta(days=days)
        )
    assert access_log.seal() == 3
    rows = AccessLog.objects.order_by("at").values_list("number", "version")
    assert list(rows) == [(2, None), (3, None), (4, None)]
    assert len(set(AccessLog.objects.values_list("nonce", flat=True)) - {""}) == 3
    assert Resident.objects.get(pk=hanako.pk).sequence == 4


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_seal_each_row_once(hanako: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "BATCH", 3)
    for _ in range(20):
        cast.released(hanako, WASTE, ZONE)
    sealed: list[int] = []
    with at_once(3, lambda _: sealed.append(access_log.seal())) as faults:
        while AccessLog.objects.filter(seal=None).exists():
            time.sleep(0.01)
    assert faults == []
    assert sum(sealed) == 20 == SealedAccess.objects.count()
    assert verify.verify().holds


@pytest.mark.parametrize(
    "change",
    ["recipient = 'x'", "items = '[]'", "via = 'x'", "at = '2020-01-01'", "number = 9", "seal = NULL"],
)
def test_the_database_refuses_to_change_a_row(hanako: Resident, change: str) -> None:
    cast.released(hanako, WASTE, ZONE)
    access_log.seal()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE identity_accesslog SET {change}")  # noqa: S608  one of the list above
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE identity_sealedaccess SET number = 9")


# --- how often -----------------------------------------------------------------------------------------------


def test_a_client_asks_about_one_subject_only_so_often(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST", 3)
    taro = cast.taro(opted_in=False)
    waste, lunch = register(WASTE, tuple(ZONE)), register(LUNCH, tuple(ZONE))
    publish_client(WASTE, client_id=waste, claims=ZONE)
    ask(hanako, level="pairwise")
    portal = cast.portal_client()

    def ask_for(person: Resident, client_id: str) -> Any:
        return portal.get("/api/claims", headers={"Authorization": f"Bearer {token_of(person, client_id)}"})

    monkeypatch.setattr(rate.time, "time", lambda: 1_800_000_000.0)
    assert [ask_for(hanako, waste).status_code for _ in range(4)] == [200, 200, 200, 429]
    monkeypatch.setattr(rate.time, "time", lambda: 1_800_000_000.0 + 13.5)
    refused = ask_for(hanako, waste)  # a new token is no new allowance
    assert refused.headers["Retry-After"] == "47"
    assert refused.json() == {"error": "too_many_requests"}
    assert AccessLog.objects.count() == 1
    assert ask_for(hanako, lunch).status_code == ask_for(taro, waste).status_code == 200
    monkeypatch.setattr(rate.time, "time", lambda: 1_800_000_000.0 + 60)
    assert ask_for(hanako, waste).status_code == 200
