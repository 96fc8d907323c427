"""Writes of the consent ledger: what a resident allows, refuses and takes back, and what left because of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from identity import attributes, consent, queries
from identity.consent import Notice
from identity.errors import NothingAsked, UndeclaredItem, UnknownItem, UnknownLevel
from identity.models import (
    AccessLog,
    ConsentReceipt,
    ConsentState,
    GadgetClient,
    NoticeVersion,
    Resident,
    Subject,
)
from identity.roles import Actor
from identity.writing import changed, locked, own_only


@transaction.atomic
def grant(
    *,
    resident_id: UUID,
    recipient: str,
    purpose: str,
    items: Sequence[str],
    declared: Iterable[str],
    level: str,
    notice: Notice,
    controller: str,
    by: Actor,
    expires_at: datetime | None = None,
) -> UUID:
    """Appends a receipt that `items` may be told to `recipient`; returns its id.

    `declared` is what the recipient's approved manifest asks for: nothing else can be granted. At the level
    `pairwise` the way back from the gadget's pseudonym is written in the same transaction.
    Raises `NothingAsked`, `UnknownItem`, `UndeclaredItem`, `UnknownLevel`, `NotAllowed`, `NoSuchResident`.
    """
    own_only(by, resident_id)
    _check(items, declared, level)
    resident = locked(resident_id)
    receipt = _append(
        resident, consent.GRANTED, recipient, purpose, items, level, notice, controller, expires_at=expires_at
    )
    if level == "pairwise":
        _remember_subject(resident, recipient)
    return receipt.id


@transaction.atomic
def refuse(
    *,
    resident_id: UUID,
    recipient: str,
    purpose: str,
    items: Sequence[str],
    declared: Iterable[str],
    level: str,
    notice: Notice,
    controller: str,
    by: Actor,
) -> UUID:
    """Appends a receipt of a refusal, so that nobody asks again unbidden; returns its id. Errors as `grant`."""
    own_only(by, resident_id)
    _check(items, declared, level)
    resident = locked(resident_id)
    return _append(resident, consent.REFUSED, recipient, purpose, items, level, notice, controller).id


@transaction.atomic
def withdraw(*, resident_id: UUID, recipient: str, items: Iterable[str] | None = None, by: Actor) -> int:
    """Takes back what `recipient` was granted (all of it when `items` is None); returns how many items.

    One receipt for each receipt that is taken back, pointing to it. Taking back nothing changes nothing.
    """
    own_only(by, resident_id)
    resident = locked(resident_id)
    states = ConsentState.objects.filter(
        resident_id=resident_id, recipient=recipient, status=consent.GRANTED
    ).select_related("receipt")
    if items is not None:
        states = states.filter(item__in=list(items))
    by_receipt: dict[ConsentReceipt, list[str]] = {}
    for state in states:
        by_receipt.setdefault(state.receipt, []).append(state.item)
    for earlier, taken in by_receipt.items():
        _append(
            resident,
            consent.WITHDRAWN,
            recipient,
            earlier.purpose,
            taken,
            earlier.level,
            None,
            earlier.controller,
            withdraws=earlier,
        )
    return sum(len(taken) for taken in by_receipt.values())


def opt_in_personalisation(*, resident_id: UUID, notice: Notice, controller: str, by: Actor) -> UUID:
    """Lets the portal order content by the resident's attributes: a grant like any other."""
    return grant(
        resident_id=resident_id,
        recipient=consent.RECOMMENDER,
        purpose=consent.PURPOSE_RANKING,
        items=consent.RANKING_ITEMS,
        declared=consent.RANKING_ITEMS,
        level="none",
        notice=notice,
        controller=controller,
        by=by,
    )


def opt_out(*, resident_id: UUID, by: Actor) -> int:
    """Back to the chronological order."""
    return withdraw(resident_id=resident_id, recipient=consent.RECOMMENDER, by=by)


def record_release(*, resident_id: UUID, recipient: str, items: Iterable[str], via: str) -> None:
    """Notes that these items left, in the caller's transaction; names only, never a value."""
    names = list(items)
    for item in names:
        _known(item)
    if names:
        AccessLog.objects.create(resident_id=resident_id, recipient=recipient, items=names, via=via)


def keep(notice: Notice) -> NoticeVersion:
    """The row of a text that was shown, one for each text."""
    kept, _ = NoticeVersion.objects.get_or_create(
        sha256=notice.sha256, defaults={"language": notice.language, "text": notice.text}
    )
    return kept


def _known(item: str) -> None:
    if item not in attributes.DEFINITIONS:
        raise UnknownItem(item)


def _check(items: Sequence[str], declared: Iterable[str], level: str) -> None:
    if not items:
        raise NothingAsked
    if level not in consent.LEVELS:
        raise UnknownLevel(f"「{level}」という段階はありません。")
    allowed = set(declared)
    for item in items:
        _known(item)
        if item not in allowed:
            raise UndeclaredItem(item)


def _append(
    resident: Resident,
    kind: str,
    recipient: str,
    purpose: str,
    items: Sequence[str],
    level: str,
    notice: Notice | None,
    controller: str,
    *,
    expires_at: datetime | None = None,
    withdraws: ConsentReceipt | None = None,
) -> ConsentReceipt:
    """One more entry of the ledger, and what now holds for each of its items."""
    receipt = ConsentReceipt.objects.create(
        resident=resident,
        kind=kind,
        controller=controller,
        recipient=recipient,
        purpose=purpose,
        items=[item for item in attributes.KEYS if item in items],
        level=level,
        notice=keep(notice) if notice else None,
        withdraws=withdraws,
        expires_at=expires_at,
    )
    ConsentState.objects.bulk_create(
        (
            ConsentState(
                resident=resident,
                recipient=recipient,
                purpose=purpose,
                item=item,
                status=kind,
                level=level,
                receipt=receipt,
                expires_at=expires_at,
            )
            for item in receipt.items
        ),
        update_conflicts=True,
        unique_fields=["resident", "recipient", "purpose", "item"],
        update_fields=["status", "level", "receipt", "expires_at"],
    )
    changed(resident, recipient, kind)
    return receipt


def _remember_subject(resident: Resident, recipient: str) -> None:
    client = GadgetClient.objects.filter(gadget_id=recipient).first()
    if client is not None:
        sub = queries.subject_for(resident.id, client.client_id)
        Subject.objects.get_or_create(client=client, sub=sub, defaults={"resident": resident})
