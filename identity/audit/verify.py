"""Checks the audit chain from its first entry, and that ledger, access log and residents are what the chain says."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from sys import intern
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from identity.audit.chain import GENESIS, digest, receipt_digest
from identity.closure import retention
from identity.consent import access_log
from identity.domain import consent, merkle
from identity.domain.consent import Notice
from identity.domain.roles import GROUPS
from identity.models import (
    AccessLog,
    AuditEntry,
    ConsentReceipt,
    ConsentState,
    NoticeVersion,
    Resident,
    SealedAccess,
)

BATCH = 1000
_DECISIONS = frozenset({consent.GRANTED, consent.REFUSED, consent.WITHDRAWN})
_PROTECTION = {"confidential_set": True, "confidential_lifted": False}
_NEW_WARD = frozenset({"guardianship_began", "guardianship_asked"})
_SLACK = timedelta(minutes=1)
"""Between a row of the release before and its entry in the chain, which was written after it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: `broken` is the first place that does not hold ("entry 12", "receipt …"), "" when all do.

    `unsealed`: rows of the access log that wait for the next sweep, `since` the oldest of them; a row of these that
    is taken out is noticed by its number, one that is changed is not. `erased`: people whose rows are gone lawfully;
    `expired`: rows of the log that retention took.
    """

    entries: int
    head: str
    broken: str = ""
    reason: str = ""
    unsealed: int = 0
    since: datetime | None = None
    erased: int = 0
    expired: int = 0

    @property
    def holds(self) -> bool:
        return not self.broken


@dataclass(frozen=True, slots=True)
class Expected:
    """An entry that somebody noted elsewhere: without it nobody can tell that the last entries were cut off."""

    seq: int
    sha256: str


class _BrokenError(Exception):
    """The first place that does not hold."""

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(place)


State = tuple[str, str, str]
"""Recipient, purpose, item."""


@dataclass(slots=True)
class _Person:
    """What the chain says of one handle."""

    states: dict[State, tuple[UUID, str | None]] = field(default_factory=dict)
    """The receipt that decided last, and the terms (None: the entry is older than their being written down)."""
    roles: list[str] = field(default_factory=list)
    protected: bool = False
    erased: int = 0


@dataclass(slots=True)
class _Chain:
    """What the chain says, as far as tables are compared with it."""

    people: dict[str, _Person] = field(default_factory=dict)
    seals: dict[int, tuple[int, str, int]] = field(default_factory=dict)
    """By the id of the seal: rows, root, entry."""
    expired_through: int = 0
    expired_before: str = ""
    released: dict[tuple[str, str, str, str], list[datetime]] = field(default_factory=dict)
    """Entries of the release before, which wrote one for each release: handle, recipient, via, items."""
    count: int = 0
    head: str = GENESIS

    def person(self, handle: str) -> _Person:
        found = self.people.get(handle)
        if found is None:
            found = self.people[intern(handle)] = _Person()
        return found


def verify(expect: Expected | None = None) -> Verdict:
    """Reads the chain once, derives what must hold from it, and compares; some 300 bytes of memory for each state.

    All of it is one look at the database, so that who goes on using the portal meanwhile raises no false alarm.
    """
    chain = _Chain()
    found: dict[str, Any] = {}
    try:
        with _one_look():
            living = {str(handle) for handle in Resident.objects.values_list("handle", flat=True).iterator()}
            _read(chain, living, expect)
            _handles_are_somebodys(chain, living)
            _residents_as_decided(chain)
            _receipts_have_entries()
            _texts_as_shown()
            _states_as_decided(chain, living)
            _numbers_without_a_hole()
            expired = _log_as_sealed(chain, living)
            _log_of_the_release_before(chain, living)
            waiting = AccessLog.objects.filter(seal=None).order_by("at").values_list("at", flat=True)
            found = {
                "unsealed": waiting.count(),
                "since": waiting.first(),
                "erased": sum(1 for one in chain.people.values() if one.erased),
                "expired": expired,
            }
    except _BrokenError as problem:
        return Verdict(chain.count, chain.head, problem.place, problem.reason)
    return Verdict(chain.count, chain.head, **found)


@contextmanager
def _one_look() -> Iterator[None]:
    """The database as it is at one moment, without a lock that a writer would wait for."""
    if connection.in_atomic_block:  # the caller's own look
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")  # `atomic` would take the one writer's place
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


# --- the chain -----------------------------------------------------------------------------------------------


def _read(chain: _Chain, living: set[str], expect: Expected | None) -> None:
    for batch in _batches(AuditEntry.objects.order_by("seq").iterator(chunk_size=BATCH)):
        for row in batch:
            _follows(row, chain)
            if expect and expect.seq == row.seq and expect.sha256 != row.sha256:
                raise _BrokenError(f"entry {row.seq}", "it is not the one that was expected here")
            try:
                _learn(row, chain)
            except (KeyError, TypeError, ValueError) as error:
                raise _BrokenError(f"entry {row.seq}", f"its detail is not that of {row.kind}") from error
        _receipts_as_written(batch, living)
    if expect and expect.seq > chain.count:
        raise _BrokenError(
            f"entry {chain.count + 1}", f"the chain ends before entry {expect.seq}: its end was cut off"
        )


def _batches(rows: Iterable[AuditEntry]) -> Iterator[list[AuditEntry]]:
    batch: list[AuditEntry] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _follows(row: AuditEntry, chain: _Chain) -> None:
    place = f"entry {row.seq}"
    if row.seq != chain.count + 1:
        raise _BrokenError(place, "an entry before this one is missing")
    if row.previous != chain.head:
        raise _BrokenError(place, "it does not follow the one before it")
    if row.sha256 != digest(row.seq, row.at, row.kind, row.who, row.by, row.detail, row.previous):
        raise _BrokenError(place, "it was changed")
    chain.count, chain.head = row.seq, row.sha256


def _learn(row: AuditEntry, chain: _Chain) -> None:
    """What this entry changes of what must hold."""
    detail = row.detail
    if row.kind == "accesses_sealed":
        chain.seals[detail["seal"]] = (detail["rows"], detail["root"], row.seq)
    elif row.kind == "accesses_expired":
        chain.expired_through = max(chain.expired_through, detail["through"])
        chain.expired_before = max(chain.expired_before, detail["before"])
    elif row.kind == "released":
        key = (
            intern(row.who),
            intern(detail["recipient"]),
            intern(detail["via"]),
            "\n".join(detail["items"]),
        )
        chain.released.setdefault(key, []).append(row.at)
    if row.who:
        first = row.who not in chain.people
        _learn_of(chain.person(row.who), row, chain, first=first)


def _learn_of(person: _Person, row: AuditEntry, chain: _Chain, *, first: bool) -> None:
    detail = row.detail
    if row.kind in _DECISIONS:
        decided = (UUID(detail["receipt"]), detail.get("terms"))
        recipient, purpose = intern(detail["recipient"]), intern(detail["purpose"])
        for item in detail["items"]:
            person.states[recipient, purpose, intern(item)] = decided
    elif row.kind in _PROTECTION:
        person.protected = _PROTECTION[row.kind]
    elif row.kind == "roles_set":
        person.roles = list(detail["roles"])
    elif row.kind == "erased":
        person.erased = row.seq
        person.states.clear()
    elif row.kind in _NEW_WARD and first:
        # A ward is made as protected as who makes it.
        person.protected = row.by in chain.people and chain.people[row.by].protected


# --- people --------------------------------------------------------------------------------------------------


def _handles_are_somebodys(chain: _Chain, living: set[str]) -> None:
    """Whoever stands in the chain is here under the same handle, or was erased."""
    for handle, person in chain.people.items():
        if person.erased and handle in living:
            raise _BrokenError(f"entry {person.erased}", f"it says that {handle} was erased, who is here")
        if not person.erased and handle not in living:
            raise _BrokenError(f"handle {handle}", "nobody has it, and nobody who had it was erased")


def _residents_as_decided(chain: _Chain) -> None:
    names = {name: role for role, name in GROUPS.items()}
    mirrored: dict[UUID, set[str]] = {}
    for resident_id, name in Group.objects.filter(name__in=names).values_list("user", "name"):
        if resident_id is not None:
            mirrored.setdefault(resident_id, set()).add(names[name])
    nobody = _Person()
    rows = Resident.objects.values_list("id", "handle", "confidential", "roles", "is_superuser")
    for resident_id, handle, protected, roles, superuser in rows.iterator(chunk_size=BATCH):
        place = f"resident {handle}"
        person = chain.people.get(str(handle), nobody)
        if protected != person.protected:
            raise _BrokenError(place, f"protected: {protected}, and the chain says {person.protected}")
        if sorted(roles) != sorted(person.roles):
            raise _BrokenError(place, "its roles are not those that the chain says were given")
        if mirrored.get(resident_id, set()) != {role for role in roles if role in GROUPS} or superuser:
            raise _BrokenError(place, "it has rights in the admin beyond its roles, or lacks some")


# --- the ledger ----------------------------------------------------------------------------------------------


def _receipts_as_written(batch: list[AuditEntry], living: set[str]) -> None:
    """Each receipt that a living person's entry names is there, that person's, and unchanged."""
    told = {UUID(row.detail["receipt"]): row for row in batch if row.kind in _DECISIONS}
    missing = {key for key, row in told.items() if row.who in living}
    receipts = ConsentReceipt.objects.filter(id__in=list(told))
    owners = dict(receipts.values_list("id", "resident__handle"))
    for receipt in receipts:
        row = told[receipt.id]
        place = f"receipt {receipt.id}"
        if receipt_digest(receipt) != row.detail["content"]:
            raise _BrokenError(place, f"it was changed since entry {row.seq}")
        if str(owners.get(receipt.id)) != row.who:
            raise _BrokenError(place, f"its owner has another handle than in entry {row.seq}")
        missing.discard(receipt.id)
    if missing:
        first = min(missing, key=lambda key: told[key].seq)
        raise _BrokenError(f"receipt {first}", f"entry {told[first].seq} names it, and it is gone")


def _receipts_have_entries() -> None:
    """No receipt that the chain does not name; as many as it names are there already."""
    with connection.cursor() as cursor:
        cursor.execute(_UNNAMED[connection.vendor])
        row = cursor.fetchone()
    if row is not None:
        raise _BrokenError(f"receipt {UUID(str(row[0]))}", "no entry of the chain speaks of it")


_UNNAMED = {
    "postgresql": """
        SELECT r.id FROM identity_consentreceipt r
        LEFT JOIN (SELECT (detail ->> 'receipt')::uuid AS id FROM identity_auditentry
                   WHERE kind IN ('granted', 'refused', 'withdrawn')) e ON e.id = r.id
        WHERE e.id IS NULL LIMIT 1""",
    "sqlite": """
        SELECT r.id FROM identity_consentreceipt r
        LEFT JOIN (SELECT replace(json_extract(detail, '$.receipt'), '-', '') AS id FROM identity_auditentry
                   WHERE kind IN ('granted', 'refused', 'withdrawn')) e ON e.id = r.id
        WHERE e.id IS NULL LIMIT 1""",
}


def _texts_as_shown() -> None:
    for notice in NoticeVersion.objects.iterator(chunk_size=BATCH):
        if Notice(notice.language, notice.text).sha256 != notice.sha256:
            raise _BrokenError(f"text {notice.sha256}", "it is not the text that was shown")


def _states_as_decided(chain: _Chain, living: set[str]) -> None:
    """What is released follows the states: each is what the last entry of the chain about it decided, and is there."""
    states = ConsentState.objects.select_related("receipt").annotate(
        whose=Subquery(Resident.objects.filter(pk=OuterRef("resident")).values("handle")[:1])
    )
    for state in states.order_by("id").iterator(chunk_size=BATCH):
        place, receipt = f"state {state.pk}", state.receipt
        same = ("resident_id", "recipient", "purpose", "level", "expires_at")
        if any(getattr(state, name) != getattr(receipt, name) for name in same) or (
            state.status != receipt.kind or state.item not in receipt.items
        ):
            raise _BrokenError(place, f"it is not what receipt {receipt.id} says")
        person = chain.people.get(str(state.whose))
        decided = person.states.pop((state.recipient, state.purpose, state.item), None) if person else None
        if decided is None or decided[0] != receipt.id:
            raise _BrokenError(
                place,
                f"receipt {decided[0]} decided otherwise after it"
                if decided
                else "no entry of the chain decided it",
            )
        if decided[1] is not None and decided[1] != state.terms:
            raise _BrokenError(place, "it was decided under other terms")
    for handle, person in chain.people.items():
        if person.states and handle in living:
            (recipient, _, item), (receipt_id, _) = next(iter(person.states.items()))
            raise _BrokenError(
                f"receipt {receipt_id}",
                f"what it decided on {item} towards {recipient} does not stand in the states",
            )


# --- the access log ------------------------------------------------------------------------------------------


def _numbers_without_a_hole() -> None:
    """Receipts, releases and what retention left of them have the numbers 1 to `sequence`, each once."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.handle, r.sequence, count(n.number) FROM identity_resident r LEFT JOIN (
                SELECT resident_id, number FROM identity_consentreceipt WHERE number IS NOT NULL
                UNION ALL SELECT resident_id, number FROM identity_accesslog WHERE number IS NOT NULL
                UNION ALL SELECT o.id, s.number FROM identity_sealedaccess s
                    JOIN identity_resident o ON o.handle = s.handle
                    LEFT JOIN identity_accesslog l ON l.id = s.id WHERE l.id IS NULL
            ) n ON n.resident_id = r.id
            GROUP BY r.id, r.handle, r.sequence
            HAVING count(n.number) <> r.sequence
                OR coalesce(sum(n.number), 0) <> r.sequence * (r.sequence + 1) / 2
                OR coalesce(max(n.number), 0) <> r.sequence
            LIMIT 1
            """
        )
        row = cursor.fetchone()
    if row is not None:
        raise _BrokenError(
            f"resident {UUID(str(row[0]))}",
            f"{row[1]} numbers were drawn for consent and releases, and {row[2]} rows are there or not their own",
        )


def _log_as_sealed(chain: _Chain, living: set[str]) -> int:
    """Each seal is whole; each row is what its hash says; a row that is gone went lawfully. How many expired."""
    expired, open_seal, leaves = 0, None, list[str]()
    unseen = dict(chain.seals)
    for one in SealedAccess.objects.order_by("seal", "id").iterator(chunk_size=BATCH):
        if one.seal != open_seal:
            _close(open_seal, leaves, unseen, chain)
            open_seal, leaves = one.seal, []
        leaves.append(one.sha256)
    _close(open_seal, leaves, unseen, chain)
    if unseen:
        first = min(unseen)
        raise _BrokenError(f"seal {first}", f"entry {unseen[first][2]} names it, and its hashes are gone")
    for batch in _batches_of_hashes():
        expired += _rows_as_hashed(batch, chain, living)
    lost = AccessLog.objects.exclude(seal=None).exclude(id__in=SealedAccess.objects.values("id"))
    for key in lost.values_list("id", flat=True)[:1]:
        raise _BrokenError(f"access {key}", "it says that it is sealed, and there is no hash of it")
    return expired


def _close(
    seal: int | None, leaves: list[str], unseen: dict[int, tuple[int, str, int]], chain: _Chain
) -> None:
    if seal is None:
        return
    if seal not in chain.seals:
        raise _BrokenError(f"seal {seal}", "no entry of the chain speaks of it")
    rows, root, entry = unseen.pop(seal)
    if (rows, root) != (len(leaves), merkle.root(leaves)):
        raise _BrokenError(f"seal {seal}", f"its hashes are not those of entry {entry}")


def _batches_of_hashes() -> Iterator[dict[int, SealedAccess]]:
    batch: dict[int, SealedAccess] = {}
    for one in SealedAccess.objects.order_by("id").iterator(chunk_size=BATCH):
        batch[one.id] = one
        if len(batch) == BATCH:
            yield batch
            batch = {}
    yield batch


def _rows_as_hashed(batch: dict[int, SealedAccess], chain: _Chain, living: set[str]) -> int:
    gone = dict(batch)
    for row in AccessLog.objects.filter(id__in=list(batch)).annotate(
        whose=Subquery(Resident.objects.filter(pk=OuterRef("resident")).values("handle")[:1])
    ):
        hashed = gone.pop(row.pk)
        if merkle.leaf(access_log.content(row, row.whose)) != hashed.sha256 or row.seal != hashed.seal:
            raise _BrokenError(f"access {row.pk}", f"it was changed since seal {hashed.seal}")
        if (row.whose, row.number) != (hashed.handle, hashed.number):
            raise _BrokenError(f"access {row.pk}", "its hash was given to somebody else")
    expired = 0
    for key, hashed in gone.items():
        if str(hashed.handle) not in living:
            continue  # erased: `_handles_are_somebodys` has seen the entry
        if key > chain.expired_through:
            raise _BrokenError(f"access {key}", "it was taken out: neither an erasure nor retention took it")
        expired += 1
    return expired


def _log_of_the_release_before(chain: _Chain, living: set[str]) -> None:
    """Each entry that a release left in the chain itself has its row, unless that was taken lawfully."""
    if not chain.released:
        return
    rows: dict[tuple[str, str, str, str], int] = {}
    old = AccessLog.objects.filter(version=None).values_list("resident__handle", "recipient", "via", "items")
    for handle, recipient, via, items in old.iterator(chunk_size=BATCH):
        key = (str(handle), recipient, via, "\n".join(items))
        rows[key] = rows.get(key, 0) + 1
    limit = _expired_until(chain)
    for key, times in chain.released.items():
        wanted = sum(1 for at in times if at > limit)
        if key[0] in living and not wanted <= rows.get(key, 0) <= len(times):
            raise _BrokenError(
                f"handle {key[0]}",
                f"the chain has {wanted} releases to {key[1]} that the access log should hold, it holds {rows.get(key, 0)}",
            )


def _expired_until(chain: _Chain) -> datetime:
    """What is older may be gone: by an entry of the chain, or, before there were such entries, by its age."""
    old = timezone.now() - retention.ACCESSES
    said = datetime.fromisoformat(chain.expired_before) if chain.expired_before else old
    return max(said, old) + _SLACK
