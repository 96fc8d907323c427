"""Protected persons (domestic violence, stalking): found by their own number, set and lifted by an operator.

While it is set nothing is told to any provider. What was granted before is withdrawn, so that the providers are told as
of any withdrawal and learn no reason; lifting therefore brings nothing back by itself. Nobody can list these persons:
there is one look-up, by the number that the resident reads on わたしのデータ, and it leaves an entry in the chain.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from identity import audit, household, numbers
from identity.errors import NoSuchNumber, NotAllowed, NotConfirmed
from identity.ledger import take_back
from identity.models import Resident
from identity.roles import OPERATOR, Actor
from identity.writing import hold, locked, newer_version

CONFIRMATIONS = ("person_checked", "consequences_told")
"""What the operator confirms, one by one: who asks was checked, and they know what follows."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a number belongs to, as the desk sees it."""

    resident_id: UUID
    number: str
    name: str
    protected: bool


def find(*, number: str, by: Actor) -> Found:
    """The one resident with this number; the look-up itself is written down. `NotAllowed`, `NoSuchNumber`.

    Every handle is hashed for it: half a second for 100,000 residents, for a desk that asks a few times a year.
    """
    _operator(by)
    wanted = numbers.tidy(number)
    living = Resident.objects.filter(is_active=True, erase_at=None)
    handles = living.values_list("pk", "handle").iterator(chunk_size=5000)
    matching = [key for key, handle in handles if numbers.number_of(handle) == wanted] if wanted else []
    resident = living.filter(pk=matching[0]).first() if len(matching) == 1 else None
    if resident is None or wanted is None:
        raise NoSuchNumber
    audit.record("confidential_asked", who=resident.id, by=by)
    return Found(resident.id, wanted, resident.display_name, resident.confidential)


@audit.together()
def set_confidential(*, resident_id: UUID, on: bool, by: Actor, confirmed: Collection[str]) -> bool:
    """Sets or lifts the protection; returns whether that changed anything. Only an operator may.

    Raises `NotAllowed`, `NotConfirmed` (unless `confirmed` has each of `CONFIRMATIONS`), `NoSuchResident`.
    """
    _operator(by)
    if set(confirmed) != set(CONFIRMATIONS):
        raise NotConfirmed
    hold(resident_id, *household.protected_with(resident_id))
    resident = locked(resident_id)
    if resident.confidential == on:
        return False
    resident.confidential = on
    resident.save(update_fields=["confidential"])
    newer_version(resident)
    taken = take_back(resident, method="operator") if on else []
    audit.record_receipts(taken, by=by)
    kind = "confidential_set" if on else "confidential_lifted"
    audit.record(kind, who=resident_id, by=by, confirmed=list(CONFIRMATIONS))
    for ward in household.protected_with(resident_id):  # a child would tell where its parent lives
        set_confidential(resident_id=ward, on=on, by=by, confirmed=confirmed)
    return True


def _operator(by: Actor) -> None:
    if not by.has(OPERATOR):
        raise NotAllowed("この設定を変えられるのは運用者だけです。")
