"""The access log: what left to whom, read from the grant and written down in one transaction.

`release` is the only way out for an attribute: claims endpoint, card, form, frame and query all go through it. It
holds the resident's row and no other lock, and numbers the release in the resident's own sequence, which changes of
consent share: after a withdrawal no release can follow. A sweep puts the hashes of new rows into the audit chain, by
one Merkle root for many rows.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import sweeps
from identity import queries
from identity.audit import chain
from identity.domain import consent, merkle
from identity.domain.attributes import Value
from identity.domain.roles import PORTAL
from identity.errors import NotAllowed, UnknownItem
from identity.models import AccessLog, Resident, SealedAccess
from identity.queries import Bundle
from identity.residents.guards import next_number

REPEATED_WITHIN = timedelta(seconds=60)
"""The same answer through the same door within this time is one entry."""
BATCH = 1000
JOB = "identity.seal_accesses"
_EACH_BY_ITSELF = frozenset({"form"})
"""Doors where a repetition is an act of its own."""

Decide = Callable[[Bundle | None], Sequence[str]]


def release(*, resident_id: UUID, recipient: str, via: str, decide: Decide) -> Mapping[str, Value]:
    """Lets `decide` say which items leave, by what the resident grants at this moment, and writes them down.

    Returns their values. Nothing is written where `decide` names nothing or raises. It gets None for an account that
    is closed. The caller sends after this returns, so that what left is always written down; commit first.
    Raises `NotAllowed` for an item that is not granted.
    """
    with transaction.atomic():
        held = Resident.objects.select_for_update(no_key=True).filter(id=resident_id).first()
        bundle = queries.bundle(resident_id) if held is not None else None
        items = list(decide(bundle))
        if not items or bundle is None or held is None:
            return {}
        _check(items, bundle.grants.get(recipient, frozenset()))
        append(held, recipient=recipient, items=items, via=via)
    return {item: bundle.attributes[item] for item in items if item in bundle.attributes}


def _check(items: Sequence[str], granted: frozenset[str]) -> None:
    for item in items:
        if item not in consent.ITEMS:
            raise UnknownItem(item)
        if item not in granted:
            raise NotAllowed


def append(resident: Resident, *, recipient: str, items: Sequence[str], via: str) -> None:
    """One more entry, or none for a repetition; the caller holds the resident's row."""
    now = timezone.now()
    if via in _EACH_BY_ITSELF or not _repeated(resident, recipient, items, via, now):
        add(resident, recipient=recipient, items=items, via=via, at=now)


def add(resident: Resident, *, recipient: str, items: Sequence[str], via: str, at: datetime) -> None:
    """One more entry; the caller holds the resident's row."""
    AccessLog.objects.create(
        resident=resident,
        recipient=recipient,
        items=list(items),
        via=via,
        at=at,
        number=next_number(resident),
        version=resident.consent_version,
        nonce=secrets.token_hex(16),
    )


def _repeated(resident: Resident, recipient: str, items: Sequence[str], via: str, now: datetime) -> bool:
    """Whether the same left a moment ago, and nothing of the resident's consent or attributes changed since."""
    lately = AccessLog.objects.filter(
        resident=resident,
        recipient=recipient,
        via=via,
        version=resident.consent_version,
        at__gt=now - REPEATED_WITHIN,
    )
    return any(sorted(row) == sorted(items) for row in lately.values_list("items", flat=True))


# --- sealing -------------------------------------------------------------------------------------------------


def content(row: AccessLog, handle: UUID) -> bytes:
    """What the hash of a row is made over. The nonce goes with the row, and with it what the hash could tell."""
    body = [
        row.pk, str(handle), row.number, row.recipient, row.items, row.via, chain.moment(row.at), row.version, row.nonce,
    ]  # fmt: skip
    return chain.canonical(body)


def seal() -> int:
    """Puts the hashes of every row that is new into the chain; returns how many. Any number may run it at once."""
    if not AccessLog.objects.filter(
        seal=None
    ).exists():  # SQLite has one writer: who finds nothing writes nothing
        return 0
    _number_the_old()
    sealed = 0
    while made := _seal_some():
        sealed += made
    return sealed


@chain.together()
def _seal_some() -> int:
    rows = list(
        AccessLog.objects.filter(seal=None)
        .exclude(number=None)
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .select_related("resident")
        .only("recipient", "items", "via", "at", "number", "version", "nonce", "seal", "resident__handle")
        .order_by("id")[:BATCH]
    )
    if not rows:
        return 0
    number = rows[0].pk  # a row is sealed once: its id is nobody else's seal
    made = [
        SealedAccess(
            id=row.pk,
            seal=number,
            handle=row.resident.handle,
            number=row.number or 0,  # those without one were left out above
            sha256=merkle.leaf(content(row, row.resident.handle)),
        )
        for row in rows
    ]
    AccessLog.objects.filter(id__in=[row.pk for row in rows]).update(seal=number)
    SealedAccess.objects.bulk_create(made, batch_size=500)
    root = merkle.root([one.sha256 for one in made])
    chain.record("accesses_sealed", by=PORTAL, seal=number, rows=len(made), root=root)
    return len(made)


def _number_the_old() -> None:
    """Rows that a program of the release before wrote, also while both ran, get their numbers."""
    waiting = AccessLog.objects.filter(seal=None, number=None)
    people = set(waiting.values_list("resident_id", "resident__handle")[:BATCH])
    sweeps.each(JOB, people, lambda one: _number_those_of(one[0]), key=lambda one: one[1])


@transaction.atomic
def _number_those_of(resident_id: UUID) -> None:
    resident = Resident.objects.select_for_update(no_key=True).get(id=resident_id)
    rows = AccessLog.objects.filter(resident=resident, seal=None, number=None).order_by("at", "id")
    while batch := list(rows[:BATCH]):
        for row in batch:
            resident.sequence += 1
            row.number, row.nonce = resident.sequence, secrets.token_hex(16)
        AccessLog.objects.bulk_update(batch, ["number", "nonce"], batch_size=200)
    Resident.objects.filter(id=resident.pk).update(sequence=resident.sequence)
