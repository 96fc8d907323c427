"""What a resident may know of the events that were told to providers about them: told, on its way, or given up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from core.texts import Texts
from gadgets.models import EventDelivery
from gadgets.webhooks.events import GIVEN_UP
from gadgets.webhooks.recipients import addressees

State = Literal["told", "waiting", "not_confirmed"]
_STATES: dict[str, State] = {
    EventDelivery.State.WAITING: "waiting",
    EventDelivery.State.SENDING: "waiting",
    EventDelivery.State.DONE: "told",
    EventDelivery.State.NOT_CONFIRMED: "not_confirmed",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One event about one resident. `items` were taken back `at`; while `waiting`, `next_try` and `until` hold.

    `told_at` is when the provider answered, or when the portal gave up. `tries`: how often it was told in vain.
    """

    gadget_id: str
    title: Texts
    provider_name: str
    kind: str
    items: tuple[str, ...]
    state: State
    at: datetime
    told_at: datetime | None
    next_try: datetime | None
    until: datetime | None
    tries: int


def notices(resident_id: UUID, limit: int = 50) -> tuple[Notice, ...]:
    """The events of the last 90 days about this resident, the newest first. Two queries; one when there are none."""
    rows = list(EventDelivery.objects.filter(resident_id=resident_id).order_by("-created_at", "txn")[:limit])
    if not rows:
        return ()
    places = {to.gadget_id: to for to in addressees(gadget_id__in={row.gadget_id for row in rows})}
    found = []
    for row in rows:
        to = places.get(row.gadget_id)
        waits = row.settled_at is None
        found.append(
            Notice(
                gadget_id=row.gadget_id,
                title=to.title if to else {"ja": row.gadget_id},
                provider_name=to.provider_name if to else row.gadget_id,
                kind=row.kind,
                items=tuple(row.items),
                state=_STATES[row.state],
                at=row.created_at,
                told_at=row.settled_at,
                next_try=row.next_at if waits else None,
                until=row.created_at + GIVEN_UP if waits else None,
                tries=row.tries,
            )
        )
    return tuple(found)
