"""The audit chain: who did what, in codes and handles only, each entry bound to the one before it by its hash.

A person stands in it by `Resident.handle`, a random number that is gone with the person's row: an erased person's
entries stay in the chain and name nobody. Detail holds codes (recipient, names of items, ids), never a value.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from identity.models import AuditEntry, Resident
from identity.roles import Actor

GENESIS = "0" * 64
_LOCK = 0x6D61646F  # any number that nothing else of this database locks by

KINDS = frozenset(
    {
        # the ledger
        "granted", "refused", "withdrawn", "released", "attributes_changed",
        # the person
        "registered", "confidential_set", "confidential_lifted", "exported", "erasure_asked", "erasure_undone",
        "erased",
        # sessions
        "signed_in", "signed_out", "session_ended", "reauthenticated", "device_forgotten",
        # acting for somebody
        "guardianship_asked", "guardianship_began", "guardianship_refused", "guardianship_ended",
        # privileged
        "roles_set", "client_saved", "client_rotated", "client_suspended", "client_resumed", "client_removed",
        "keycloak_synced",
    }
)  # fmt: skip


def digest(
    seq: int, at: datetime, kind: str, who: str, by: str, detail: Mapping[str, Any], previous: str
) -> str:
    """SHA-256 (hex) over the canonical JSON of an entry and the hash of the one before it."""
    body = [seq, at.astimezone(UTC).isoformat(timespec="microseconds"), kind, who, by, dict(detail), previous]
    return hashlib.sha256(
        json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def record(kind: str, *, who: UUID | None = None, by: Actor | None = None, **detail: Any) -> None:
    """Appends an entry in the caller's transaction; call it last, because one writer at a time holds the chain.

    `who` is the resident concerned (None: nobody in particular); `by` the one who acted (None: the resident in
    person; `Actor.id` None: a program of the portal). Detail must be JSON: codes, numbers, lists of them.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of audit entry: {kind}")
    handles = _handles({one for one in (who, by.id if by else None) if one is not None})
    subject = handles.get(who, "") if who else ""
    actor = subject if by is None else ("portal" if by.id is None else handles.get(by.id, ""))
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = AuditEntry.objects.order_by("-seq").values_list("seq", "sha256").first()
        seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
        at = timezone.now()
        AuditEntry.objects.create(
            seq=seq, at=at, kind=kind, who=subject, by=actor, detail=detail, previous=previous,
            sha256=digest(seq, at, kind, subject, actor, detail, previous),
        )  # fmt: skip


def _handles(ids: set[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    rows = Resident.objects.filter(pk__in=ids).values_list("pk", "handle")
    return {key: str(handle) for key, handle in rows}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk over the chain found: `broken_at` is the first entry that does not hold, None when all do."""

    entries: int
    head: str
    broken_at: int | None
    reason: str = ""


def verify() -> Verdict:
    """Walks the whole chain from its first entry."""
    expected, previous, count = 1, GENESIS, 0
    for row in AuditEntry.objects.order_by("seq").iterator(chunk_size=2000):
        if row.seq != expected:
            return Verdict(count, previous, row.seq, "an entry before this one is missing")
        if row.previous != previous:
            return Verdict(count, previous, row.seq, "it does not follow the one before it")
        if row.sha256 != digest(row.seq, row.at, row.kind, row.who, row.by, row.detail, row.previous):
            return Verdict(count, previous, row.seq, "it was changed")
        expected, previous, count = row.seq + 1, row.sha256, count + 1
    return Verdict(count, previous, None)
