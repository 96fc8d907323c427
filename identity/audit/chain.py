"""The audit chain: who did what, in codes and handles only, each entry bound to the one before it by its hash.

A person stands in it by `Resident.handle`, a random number that is gone with the person's row: an erased person's
entries stay in the chain and name nobody. Detail holds codes (recipient, names of items, ids), never a value.
What is checked afterwards is in `identity.audit.verify`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from identity.domain.roles import Actor
from identity.models import AuditEntry, ConsentReceipt, Resident

GENESIS = "0" * 64
LONGEST_CODE = 255
_LOCK = 0x6D61646F  # any number that nothing else of this database locks by

KINDS = frozenset(
    {
        # the ledger
        "granted", "refused", "withdrawn", "attributes_changed",
        # the access log; "released" is of programs that wrote an entry for each release
        "accesses_sealed", "accesses_expired", "released",
        # the person
        "registered", "confidential_asked", "household_asked", "confidential_set", "confidential_lift_asked",
        "confidential_lifted", "exported", "erasure_asked",
        "erasure_undone", "erased",
        # sessions
        "signed_in", "signed_out", "session_ended", "reauthenticated", "device_forgotten",
        "second_factor_set_up",
        # acting for somebody
        "guardianship_asked", "guardianship_approved", "guardianship_agreed", "guardianship_code_made",
        "guardianship_code_refused",
        "guardianship_began", "guardianship_refused", "guardianship_ended",
        # privileged
        "roles_set", "reach_asked", "client_saved", "client_rotated", "client_suspended", "client_resumed",
        "client_removed", "keycloak_synced", "region_trusted", "region_forgotten", "order_changed",
        "data_owner_set", "data_owner_removed", "organisation_verified", "alerts_allowed", "alerts_stopped",
        "card_reported", "card_reports_settled",
        "alert_published", "alert_corrected", "alert_withdrawn",
    }
)  # fmt: skip


Written = tuple[str, str, str, Mapping[str, Any]]
"""Kind, `who`, `by`, detail of an entry."""
_waiting: ContextVar[list[Written] | None] = ContextVar("entries_of_this_act", default=None)


@contextmanager
def together() -> Iterator[None]:
    """One transaction for several writes; their entries are appended at its end, after everything else.

    Whoever holds the chain waits for nobody then: two acts never wait for each other. Usable as a decorator, and
    within itself.
    """
    with transaction.atomic():
        outer = _waiting.get()
        if outer is not None:
            before = len(outer)
            try:
                yield
            except BaseException:
                del outer[before:]  # the savepoint is rolled back, so nothing of this happened
                raise
            return
        waiting: list[Written] = []
        token = _waiting.set(waiting)
        try:
            yield
        finally:
            _waiting.reset(token)
        _write(waiting)


def digest(
    seq: int, at: datetime, kind: str, who: str, by: str, detail: Mapping[str, Any], previous: str
) -> str:
    """SHA-256 (hex) over the canonical JSON of an entry and the hash of the one before it."""
    body = [seq, moment(at), kind, who, by, dict(detail), previous]
    return hashlib.sha256(canonical(body)).hexdigest()


def record(kind: str, *, who: UUID | None = None, by: Actor | None = None, **detail: Any) -> None:
    """Appends an entry in the caller's transaction; call it last, or within `together`: one writer holds the chain.

    `who` is the resident concerned (None: nobody in particular); `by` the one who acted (None: the resident in
    person; `Actor.id` None: a program of the portal). Detail must be codes, numbers, lists of them.
    """
    handles = _handles({one for one in (who, by.id if by else None) if one is not None})
    subject = handles.get(who, "") if who else ""
    actor = subject if by is None else ("portal" if by.id is None else handles.get(by.id, ""))
    _append([(kind, subject, actor, detail)])


def record_receipts(receipts: Sequence[ConsentReceipt], *, by: Actor, terms: str = "") -> None:
    """One entry for each receipt, with the digest of all that it says; call it last, as `record`.

    `terms`: the version of the recipient's terms that a decision was made about; it stands in the state only.
    """
    other = {} if by.id is None else _handles({by.id} - {receipt.resident_id for receipt in receipts})
    entries = []
    for receipt in receipts:
        own = str(receipt.resident.handle)
        actor = (
            "portal" if by.id is None else (own if by.is_self(receipt.resident_id) else other.get(by.id, ""))
        )
        detail = {
            "recipient": receipt.recipient,
            "purpose": receipt.purpose,
            "items": list(receipt.items),
            "level": receipt.level,
            "receipt": str(receipt.id),
            "content": receipt_digest(receipt),
            "terms": terms,
        }
        entries.append((receipt.kind, own, actor, detail))
    _append(entries)


def receipt_digest(receipt: ConsentReceipt) -> str:
    """SHA-256 (hex) over every field of a receipt; it cannot be turned back, for two of them are random ids."""
    said = {field.attname: _plain(getattr(receipt, field.attname)) for field in receipt._meta.concrete_fields}
    if said.get("number") is None:  # older than the column: its digest was made without it
        said.pop("number", None)
    return hashlib.sha256(canonical(said)).hexdigest()


def moment(at: datetime) -> str:
    """A time as every hash here has it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return moment(value)
    return str(value) if isinstance(value, UUID) else value


def canonical(body: object) -> bytes:
    """JSON with sorted keys, no spaces and no escapes: what every hash here is made over."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _append(entries: Sequence[Written]) -> None:
    for kind, _, _, detail in entries:
        if kind not in KINDS:
            raise ValueError(f"no such kind of audit entry: {kind}")
        _codes_only(detail)
    waiting = _waiting.get()
    if waiting is None:
        _write(entries)
    else:
        waiting.extend(entries)


def _write(entries: Sequence[Written]) -> None:
    if not entries:
        return
    with transaction.atomic(savepoint=False):  # what fails here takes the act with it
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # Foreign keys are checked now: at the commit the check would wait for a row with the chain held.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = AuditEntry.objects.order_by("-seq").values_list("seq", "sha256").first()
        seq, previous = last or (0, GENESIS)
        at = timezone.now()
        made = []
        for kind, who, by, detail in entries:
            seq += 1
            sha256 = digest(seq, at, kind, who, by, detail, previous)
            made.append(
                AuditEntry(
                    seq=seq,
                    at=at,
                    kind=kind,
                    who=who,
                    by=by,
                    detail=dict(detail),
                    previous=previous,
                    sha256=sha256,
                )
            )
            previous = sha256
        AuditEntry.objects.bulk_create(made, batch_size=500)


def _codes_only(detail: object) -> None:
    """A name, an address or a sentence is no code; whoever tries to write one down has made a mistake."""
    if isinstance(detail, Mapping):
        for value in detail.values():
            _codes_only(value)
    elif isinstance(detail, list | tuple):
        for value in detail:
            _codes_only(value)
    elif isinstance(detail, str):
        if len(detail) > LONGEST_CODE or any(letter.isspace() or letter == "@" for letter in detail):
            raise ValueError("the audit chain takes codes only")
    elif detail is not None and not isinstance(detail, bool | int):
        raise ValueError("the audit chain takes codes only")


def _handles(ids: set[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    rows = Resident.objects.filter(pk__in=ids).values_list("pk", "handle")
    return {key: str(handle) for key, handle in rows}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it may be shown: codes and handles."""

    seq: int
    at: datetime
    kind: str
    who: str
    by: str
    detail: Mapping[str, Any]


def entries(
    *, since: datetime | None = None, kinds: Sequence[str] = (), limit: int = 1000
) -> tuple[Entry, ...]:
    """Entries from `since` on, of these kinds (all when none is named), the oldest first."""
    rows = AuditEntry.objects.order_by("seq")
    if since is not None:
        rows = rows.filter(at__gte=since)
    if kinds:
        rows = rows.filter(kind__in=list(kinds))
    return tuple(Entry(row.seq, row.at, row.kind, row.who, row.by, row.detail) for row in rows[:limit])
