"""The order of gadgets on a resident's home: default slots of the city merged with what the resident changed; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gadgets.types import Setting

Direction = Literal["up", "down", "first"]
DIRECTIONS: tuple[Direction, ...] = ("up", "down", "first")


@dataclass(frozen=True, slots=True)
class Slot:
    """A gadget that the city puts on every home; a locked one can be moved, never hidden."""

    gadget_id: str
    size: str = "S"
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Placement:
    """What one resident changed for one gadget."""

    gadget_id: str
    position: int
    hidden: bool = False
    size: str = "S"
    settings: Mapping[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arranged:
    """One gadget in the order that holds now. `own`: added by the resident, not a default slot."""

    gadget_id: str
    size: str
    hidden: bool
    locked: bool
    own: bool
    settings: Mapping[str, Setting] = field(default_factory=dict)


def arrange(slots: Sequence[Slot], placements: Sequence[Placement]) -> tuple[Arranged, ...]:
    """Placements in their order; a slot without one stands at its place in the city's order."""
    # A page that is still being edited may hold a slot without its gadget.
    slots = [slot for slot in slots if slot.gadget_id]
    by_id = {slot.gadget_id: slot for slot in slots}
    placed = sorted(placements, key=lambda placement: placement.position)
    arranged = [_placed(placement, by_id.get(placement.gadget_id)) for placement in placed]
    known = {placement.gadget_id for placement in placed}
    for index, slot in enumerate(slots):
        if slot.gadget_id not in known:
            arranged.insert(
                index, Arranged(slot.gadget_id, slot.size, hidden=False, locked=slot.locked, own=False)
            )
    return tuple(arranged)


def _placed(placement: Placement, slot: Slot | None) -> Arranged:
    locked = slot is not None and slot.locked
    return Arranged(
        placement.gadget_id,
        placement.size,
        hidden=placement.hidden and not locked,
        locked=locked,
        own=slot is None,
        settings=placement.settings,
    )


def moved(order: Sequence[str], gadget_id: str, direction: Direction) -> list[str]:
    """The order after one step; at the end of the list nothing changes. ValueError for an id not in it."""
    ids = list(order)
    index = ids.index(gadget_id)
    target = {"up": max(index - 1, 0), "down": min(index + 1, len(ids) - 1), "first": 0}[direction]
    ids.insert(target, ids.pop(index))
    return ids
