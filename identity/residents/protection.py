"""Protected persons (domestic violence, stalking): found by their own number, set by an operator, lifted by two.

While it is set nothing is told to any provider. What was granted before is withdrawn, so that the providers are told as
of any withdrawal and learn no reason; lifting therefore brings nothing back by itself. Nobody can list these persons:
there is one look-up, by the number that the resident reads on わたしのデータ, and it leaves an entry in the chain.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from core.texts import gettext_noop
from identity.audit import chain
from identity.consent.ledger import take_back
from identity.domain.roles import OPERATOR, Actor
from identity.errors import NoLiftAsked, NoSuchNumber, NotAllowed, NotConfirmed, SamePerson
from identity.household import authority
from identity.models import ProtectionLift, Resident
from identity.residents import resident_numbers
from identity.residents.guards import hold, locked, newer_version

CONFIRMATIONS = ("person_checked", "consequences_told")
"""What the operator confirms, one by one: who asks was checked, and they know what follows."""


LIFT_HOLDS = timedelta(days=7)
"""So long another operator may confirm what the first one asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a number belongs to, as the desk sees it."""

    resident_id: UUID
    number: str
    name: str
    protected: bool
    lift_asked_at: datetime | None = None
    """When an operator asked for the lifting that another one may confirm now."""
    lift_is_own: bool = False
    """Whether it was the one who looks: then somebody else must confirm."""


def find(*, number: str, by: Actor) -> Found:
    """The one resident with this number; the look-up itself is written down. `NotAllowed`, `NoSuchNumber`.

    Every handle is hashed for it: half a second for 100,000 residents, for a desk that asks a few times a year.
    """
    _operator(by)
    wanted = resident_numbers.tidy(number)
    living = Resident.objects.filter(is_active=True, erase_at=None)
    handles = living.values_list("pk", "handle").iterator(chunk_size=5000)
    matching = (
        [key for key, handle in handles if resident_numbers.number_of(handle) == wanted] if wanted else []
    )
    resident = living.filter(pk=matching[0]).first() if len(matching) == 1 else None
    if resident is None or wanted is None:
        raise NoSuchNumber
    chain.record("confidential_asked", who=resident.id, by=by)
    asked = _lift(resident.id, timezone.now())
    return Found(
        resident.id,
        wanted,
        resident.display_name,
        resident.confidential,
        lift_asked_at=asked.asked_at if asked else None,
        lift_is_own=asked is not None and asked.asked_by_id == by.id,
    )


def _lift(resident_id: UUID, now: datetime) -> ProtectionLift | None:
    return ProtectionLift.objects.filter(resident_id=resident_id, asked_at__gt=now - LIFT_HOLDS).first()


@chain.together()
def set_confidential(*, resident_id: UUID, on: bool, by: Actor, confirmed: Collection[str]) -> bool:
    """Sets the protection at once; returns whether that changed anything. Only an operator may.

    Nobody lifts it alone: without `on` it is refused, see `ask_to_lift` and `lift`. Whoever is protected anew has no
    lifting under way. Raises `NotAllowed`, `NotConfirmed` (unless `confirmed` has each of `CONFIRMATIONS`),
    `NoSuchResident`.
    """
    _check(by, confirmed)
    if not on:
        raise NotAllowed(gettext_noop("保護の解除は、二人の運用者で決めます。"))
    hold(resident_id, *authority.protected_with(resident_id))
    resident = locked(resident_id)
    ProtectionLift.objects.filter(resident_id=resident_id).delete()
    return _change(resident, on=True, by=by)


@chain.together()
def ask_to_lift(*, resident_id: UUID, by: Actor, confirmed: Collection[str], now: datetime) -> bool:
    """The first of two: asks for the lifting, which changes nothing yet; returns whether there was anything to ask.

    Raises as `set_confidential`; `NotAllowed` also for one's own protection.
    """
    _check(by, confirmed)
    if by.id is None or by.id == resident_id:
        raise NotAllowed(gettext_noop("ご自分の保護の解除は、ほかの運用者がします。"))
    resident = locked(resident_id)
    if not resident.confidential:
        return False
    known = _lift(resident_id, now)
    if known is not None and known.asked_by_id != by.id:
        return False  # it waits for a confirmation already, and this operator may give it
    ProtectionLift.objects.update_or_create(
        resident_id=resident_id, defaults={"asked_by_id": by.id, "asked_at": now}
    )
    chain.record("confidential_lift_asked", who=resident_id, by=by, confirmed=list(CONFIRMATIONS))
    return True


@chain.together()
def lift(*, resident_id: UUID, by: Actor, confirmed: Collection[str], now: datetime) -> bool:
    """The second of two: lifts what another operator asked to lift; returns whether that changed anything.

    Raises as `ask_to_lift`, `NoLiftAsked` where nobody asked within `LIFT_HOLDS`, `SamePerson` for the one who did.
    """
    _check(by, confirmed)
    if by.id is None or by.id == resident_id:
        raise NotAllowed(gettext_noop("ご自分の保護の解除は、ほかの運用者がします。"))
    hold(resident_id, *authority.protected_with(resident_id))
    resident = locked(resident_id)
    asked = _lift(resident_id, now)
    if asked is None:
        raise NoLiftAsked
    if asked.asked_by_id == by.id:
        raise SamePerson
    asked.delete()
    return _change(resident, on=False, by=by)


def _check(by: Actor, confirmed: Collection[str]) -> None:
    _operator(by)
    if set(confirmed) != set(CONFIRMATIONS):
        raise NotConfirmed


def _change(resident: Resident, *, on: bool, by: Actor) -> bool:
    if resident.confidential == on:
        return False
    resident.confidential = on
    resident.save(update_fields=["confidential"])
    newer_version(resident)
    taken = take_back(resident, method="operator") if on else []
    chain.record_receipts(taken, by=by)
    kind = "confidential_set" if on else "confidential_lifted"
    chain.record(kind, who=resident.pk, by=by, confirmed=list(CONFIRMATIONS))
    for ward in authority.protected_with(resident.pk):  # a child would tell where its parent lives
        _change(locked(ward), on=on, by=by)
    return True


def _operator(by: Actor) -> None:
    if not by.has(OPERATOR):
        raise NotAllowed(gettext_noop("この設定を変えられるのは運用者だけです。"))
