"""`ContextSource`: where entities are read from. A context broker in operation, samples while a gadget is checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gadgets.cityos.places import Point

Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: a type, its attributes, at most so many, around a place within so many metres."""

    type: str
    attrs: tuple[str, ...]
    limit: int
    around: Point | None = None
    within: int = 0


class ContextSource(Protocol):
    """Entities in any form of NGSI-LD, in no certain order; what was not asked for may be among them."""

    def entities(self, wish: Wish, *, deadline: float) -> Sequence[Entity]:
        """Raises CityOsError; over after `deadline` seconds."""
        ...
