"""Editors' rules on a home: parsed once for a catalogue, and for each reader those that speak to them now."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from identity.domain.attributes import Value
from identity.domain.audience import Audience, AudienceError, matches
from portal.home.index.series import Days
from recommender.domain.rules import Rule, Ruled, Ruling, compiled, ruling
from recommender.domain.types import Item

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Rules:
    """The rules of a catalogue of `count` items, each with whom it is meant for."""

    count: int
    meant: tuple[tuple[Audience, Ruled], ...] = ()

    @classmethod
    def compile(cls, rules: Iterable[Rule], items: Sequence[Item], days: Days) -> "Rules":
        """A rule about one day of an event is about all of them.

        A rule for an audience that the vocabulary no longer knows is left out: else it would be everybody's.
        """
        found = []
        for one in compiled(rules, items):
            try:
                audience = Audience.parse(one.rule.audience)
            except AudienceError:
                log.warning("rule %d is left out: its audience cannot be read", one.rule.id)
                continue
            if one.rule.of == "item":
                for row in np.flatnonzero(one.rows).tolist():
                    one.rows[list(days.get(row, ()))] = True
            found.append((audience, one))
        return cls(len(items), tuple(found))

    def for_reader(self, attributes: Mapping[str, Value], now: datetime) -> Ruling | None:
        """What they do to the list of somebody with these attributes; None when nothing."""
        if not self.meant:
            return None
        return ruling(self.concerning(attributes, now), self.count)

    def concerning(self, attributes: Mapping[str, Value], now: datetime) -> tuple[Ruled, ...]:
        """Those that are in force for somebody with these attributes."""
        return tuple(
            one for audience, one in self.meant if one.rule.holds(now) and matches(audience, attributes)
        )
