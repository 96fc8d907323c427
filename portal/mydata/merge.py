"""What somebody chose as a guest, offered once after sign-in: what is new in it, and what taking it over sets.

Pure. Nothing is taken over unasked; of two districts the resident says which holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.texts import pick
from identity.domain import attributes
from identity.domain.attributes import DISTRICTS, TOPICS, Value
from portal.home.guest import Choices

GUEST, HELD = "guest", "held"
"""Which of two districts holds from now on."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the guest's choices would add. `held` is the district that the resident has already, if it differs."""

    district: str | None
    held: str | None
    topics: tuple[str, ...]

    def title(self, locale: str) -> str:
        """What is offered, as it stands in the question."""
        names = [pick(DISTRICTS[self.district].name, locale)] if self.district else []
        names += [pick(TOPICS[topic], locale) for topic in self.topics]
        return (", " if locale == "en" else "・").join(names)

    def districts(self, locale: str) -> tuple[tuple[str, str], ...]:
        """The two to choose from, when there are two."""
        if not (self.district and self.held):
            return ()
        return tuple(
            (choice, pick(DISTRICTS[code].name, locale))
            for choice, code in ((HELD, self.held), (GUEST, self.district))
        )


def offer(choices: Choices, values: Mapping[str, Value]) -> Offer | None:
    """What is worth asking about; None when the resident has all of it already."""
    held = values.get("area.district")
    held = held if isinstance(held, str) and held in DISTRICTS else None
    district = choices.district if choices.district != held else None
    topics = tuple(topic for topic in choices.topics if topic not in _interests(values))
    if not district and not topics:
        return None
    return Offer(district, held if district else None, topics)


def taken_over(offered: Offer, values: Mapping[str, Value], *, district: str = GUEST) -> dict[str, Value]:
    """The attributes to set; topics are added to those that there are."""
    new: dict[str, Value] = {}
    if offered.district and (district == GUEST or not offered.held):
        new["area.district"] = offered.district
    if offered.topics:
        new["interests"] = attributes.validate("interests", [*_interests(values), *offered.topics])
        avoided = values.get("avoids")
        if isinstance(avoided, tuple) and not set(avoided).isdisjoint(offered.topics):
            new["avoids"] = tuple(topic for topic in avoided if topic not in offered.topics)
    return new


def _interests(values: Mapping[str, Value]) -> tuple[str, ...]:
    found = values.get("interests")
    return found if isinstance(found, tuple) else ()
