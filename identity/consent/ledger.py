"""Writes of the consent ledger: what a resident allows, refuses and takes back."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from core import sweeps
from core.texts import gettext_noop
from identity.audit import chain
from identity.consent import learning
from identity.domain import attributes, consent
from identity.domain.consent import Notice
from identity.domain.roles import PORTAL, Actor
from identity.errors import (
    NoSuchResident,
    NotAllowed,
    NothingAsked,
    NotLearntFrom,
    ProtectedPerson,
    UndeclaredItem,
    UnknownItem,
    UnknownLevel,
)
from identity.models import (
    ConsentReceipt,
    ConsentState,
    GadgetClient,
    NoticeVersion,
    Resident,
)
from identity.oidc import clients
from identity.residents.guards import changed, locked, next_number, own_only

MOST_STOPS, STOPS_WITHIN = 2, timedelta(days=30)
"""A stop deletes how much a resident has said already: who could stop and begin at will could say ever more."""


@chain.together()
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
    terms: str = "",
) -> UUID:
    """Appends a receipt that `items` may be told to `recipient`; returns its id.

    `declared` is what the recipient's approved manifest asks for: nothing else can be granted. `terms` is the
    version of the recipient's terms that was on the screen ("" where it has only one). At the level `pairwise` the way back from the gadget's pseudonym is written in the same transaction.
    It holds for `consent.GRANT_DAYS` unless `expires_at` says otherwise; granting again renews it. A protected person
    grants to the recommender only. Learning is granted by grown-ups for themselves alone, beside the personalised order.
    Raises `NothingAsked`, `UnknownItem`, `UndeclaredItem`, `UnknownLevel`, `ProtectedPerson`, `NotLearntFrom`,
    `NotAllowed`, `NoSuchResident`.
    """
    own_only(by, resident_id)
    _check(items, declared, level)
    resident = locked(resident_id)
    if resident.confidential and recipient != consent.RECOMMENDER:
        raise ProtectedPerson
    if recipient == consent.LEARNING:
        _may_be_learnt_from(resident, by)
    over: list[ConsentReceipt] = []
    if recipient == consent.RECOMMENDER:
        expires_at = expires_at or _end_of_the_order(resident, items)
        if not _granted(resident, consent.RECOMMENDER):
            # A yes to the order that ran out ended learning, and this one does not bring it back unasked.
            over = take_back(resident, recipient=consent.LEARNING, method="expiry")
    receipt = _append(
        resident,
        consent.GRANTED,
        recipient,
        purpose,
        items,
        level,
        notice,
        controller,
        expires_at=expires_at,
        method=_method(by, resident_id),
        terms=terms,
    )
    if level == "pairwise":
        _remember_subject(resident, recipient)
    chain.record_receipts(over, by=by)
    chain.record_receipts([receipt], by=by, terms=terms)
    return receipt.id


@chain.together()
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
    terms: str = "",
) -> UUID:
    """Appends a receipt of a refusal, so that nobody asks again unbidden; returns its id. Errors as `grant`."""
    own_only(by, resident_id)
    _check(items, declared, level)
    resident = locked(resident_id)
    receipt = _append(
        resident,
        consent.REFUSED,
        recipient,
        purpose,
        items,
        level,
        notice,
        controller,
        method=_method(by, resident_id),
        terms=terms,
    )
    chain.record_receipts([receipt], by=by, terms=terms)
    return receipt.id


@chain.together()
def withdraw(*, resident_id: UUID, recipient: str, items: Iterable[str] | None = None, by: Actor) -> int:
    """Takes back what `recipient` was granted (all of it when `items` is None); returns how many items.

    One receipt for each receipt that is taken back, pointing to it. Taking back nothing changes nothing. With the
    personalised order ends learning, which is for nothing else; its items are not among those that are returned.
    """
    own_only(by, resident_id)
    resident = locked(resident_id)
    method = _method(by, resident_id)
    receipts = take_back(resident, recipient=recipient, items=items, method=method)
    also = []
    if recipient == consent.RECOMMENDER and not _granted(resident, consent.RECOMMENDER):
        also = take_back(resident, recipient=consent.LEARNING, method=method)
    chain.record_receipts([*receipts, *also], by=by)
    return sum(len(receipt.items) for receipt in receipts)


def end_learning_without_order(now: datetime | None = None) -> int:
    """Takes learning back where the yes to the order has run out by date; returns of how many residents.

    Else a later yes to the order alone would bring it back unasked.
    """
    residents = learning.without_the_order(now)
    return len(sweeps.each(learning.JOB, residents, _end_learning, key=lambda one: f"order:{one[1]}").done)


@chain.together()
def _end_learning(resident: tuple[UUID, UUID]) -> None:
    receipts = take_back(locked(resident[0]), recipient=consent.LEARNING, method="expiry")
    chain.record_receipts(receipts, by=PORTAL)


def take_back(
    resident: Resident,
    *,
    recipient: str | None = None,
    items: Iterable[str] | None = None,
    method: str = "form",
) -> list[ConsentReceipt]:
    """The withdrawals of what holds now (towards every gadget when `recipient` is None), not yet in the audit chain.

    The caller holds the resident's row and checked who asks.
    """
    states = (
        ConsentState.objects.filter(resident=resident, status=consent.GRANTED)
        .exclude(expires_at__lte=timezone.now())
        .select_related("receipt")
        .order_by("receipt__given_at")
    )
    if recipient is None:
        states = states.exclude(recipient=consent.RECOMMENDER)
    else:
        states = states.filter(recipient=recipient)
    if items is not None:
        states = states.filter(item__in=list(items))
    by_receipt: dict[ConsentReceipt, list[str]] = {}
    for state in states:
        by_receipt.setdefault(state.receipt, []).append(state.item)
    return [
        _append(
            resident,
            consent.WITHDRAWN,
            earlier.recipient,
            earlier.purpose,
            taken,
            earlier.level,
            None,
            earlier.controller,
            withdraws=earlier,
            method=method,
        )
        for earlier, taken in by_receipt.items()
    ]


def end_grants(*, recipient: str, most: int, by: Actor) -> int:
    """A recipient that is no more: takes back what up to `most` residents granted to it; returns how many residents.

    By the portal itself only. Call it until it returns 0.
    """
    if by.id is not None:
        raise NotAllowed
    living = ConsentState.objects.filter(
        recipient=recipient,
        status=consent.GRANTED,
        resident__is_active=True,
        resident__erase_at=None,
    ).exclude(expires_at__lte=timezone.now())
    residents = list(living.values_list("resident_id", flat=True).distinct()[:most])
    return sum(_end_grants(resident_id, recipient, by) for resident_id in residents)


@chain.together()
def _end_grants(resident_id: UUID, recipient: str, by: Actor) -> bool:
    try:
        resident = locked(resident_id)
    except NoSuchResident:  # closed since
        return False
    receipts = take_back(resident, recipient=recipient, method="recipient_ended")
    chain.record_receipts(receipts, by=by)
    return bool(receipts)


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


def opt_in_learning(*, resident_id: UUID, notice: Notice, controller: str, by: Actor) -> UUID:
    """Lets the portal learn from what the resident does with the list: a grant like any other."""
    return grant(
        resident_id=resident_id,
        recipient=consent.LEARNING,
        purpose=consent.PURPOSE_LEARNING,
        items=consent.LEARNING_ITEMS,
        declared=consent.LEARNING_ITEMS,
        level="none",
        notice=notice,
        controller=controller,
        by=by,
    )


@chain.together()
def refuse_learning(*, resident_id: UUID, notice: Notice, controller: str, by: Actor) -> UUID:
    """A no to learning; what was granted before is withdrawn first."""
    withdraw(resident_id=resident_id, recipient=consent.LEARNING, by=by)
    return refuse(
        resident_id=resident_id,
        recipient=consent.LEARNING,
        purpose=consent.PURPOSE_LEARNING,
        items=consent.LEARNING_ITEMS,
        declared=consent.LEARNING_ITEMS,
        level="none",
        notice=notice,
        controller=controller,
        by=by,
    )


def opt_out(*, resident_id: UUID, by: Actor) -> int:
    """Back to the chronological order."""
    return withdraw(resident_id=resident_id, recipient=consent.RECOMMENDER, by=by)


def keep(notice: Notice) -> NoticeVersion:
    """The row of a text that was shown, one for each text."""
    kept, _ = NoticeVersion.objects.get_or_create(
        sha256=notice.sha256, defaults={"language": notice.language, "text": notice.text}
    )
    return kept


def _method(by: Actor, resident_id: UUID) -> str:
    """How a decision was made: by the person, or by who acts for them."""
    return "form" if by.is_self(resident_id) else "guardian"


def _known(item: str) -> None:
    if item not in consent.ITEMS:
        raise UnknownItem(item)


def _granted(resident: Resident, recipient: str) -> bool:
    states = ConsentState.objects.filter(resident=resident, recipient=recipient, status=consent.GRANTED)
    return states.exclude(expires_at__lte=timezone.now()).exists()


def _end_of_the_order(resident: Resident, items: Sequence[str]) -> datetime | None:
    """What is added to a yes to the order ends with it: nothing that came later keeps the order on by itself."""
    holds = ConsentState.objects.filter(
        resident=resident,
        recipient=consent.RECOMMENDER,
        status=consent.GRANTED,
        expires_at__gt=timezone.now(),
    )
    ends = [end for item, end in holds.values_list("item", "expires_at") if item not in items]
    return min((end for end in ends if end is not None), default=None)


def _may_be_learnt_from(resident: Resident, by: Actor) -> None:
    if not by.is_self(resident.id):
        raise NotLearntFrom(gettext_noop("ほかの人の代わりに、学習を許可することはできません。"))
    if not consent.learns_from(attributes.from_json(resident.attributes)):
        raise NotLearntFrom
    if not _granted(resident, consent.RECOMMENDER):
        raise NotLearntFrom(gettext_noop("学習は、おすすめの並べかえを使っているときだけ許可できます。"))
    lately = timezone.now() - STOPS_WITHIN
    stops = ConsentReceipt.objects.filter(
        resident=resident, recipient=consent.LEARNING, kind=consent.WITHDRAWN, given_at__gt=lately
    )
    if stops.count() >= MOST_STOPS:
        raise NotLearntFrom(gettext_noop("学習を何度か止めたため、しばらく（30日まで）は許可できません。"))


def _check(items: Sequence[str], declared: Iterable[str], level: str) -> None:
    if not items:
        raise NothingAsked
    if level not in consent.LEVELS:
        raise UnknownLevel(gettext_noop("「%(level)s」という段階はありません。"), level=level)
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
    method: str = "form",
    terms: str = "",
) -> ConsentReceipt:
    """One more entry of the ledger, and what now holds for each of its items."""
    now = timezone.now()
    if kind == consent.GRANTED and expires_at is None:
        expires_at = consent.ends(now)
    receipt = ConsentReceipt.objects.create(
        resident=resident,
        kind=kind,
        controller=controller,
        recipient=recipient,
        purpose=purpose,
        items=[item for item in consent.ITEMS if item in items],
        level=level,
        notice=keep(notice) if notice else None,
        withdraws=withdraws,
        method=method,
        given_at=now,
        expires_at=expires_at,
        number=next_number(resident),
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
                terms=terms,
            )
            for item in receipt.items
        ),
        update_conflicts=True,
        unique_fields=["resident", "recipient", "purpose", "item"],
        update_fields=["status", "level", "receipt", "expires_at", "terms"],
    )
    changed(resident, recipient, kind)
    if recipient == consent.LEARNING and kind != consent.GRANTED:
        learning.ended(resident.id)
    return receipt


def _remember_subject(resident: Resident, recipient: str) -> None:
    client = GadgetClient.objects.filter(gadget_id=recipient).first()
    if client is not None:
        clients.remember(client, [resident])
