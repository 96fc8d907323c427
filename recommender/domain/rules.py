"""Editors' rules: what stands first, higher, lower or not at all on the list, for whom, from when until when; pure.

A rule stands outside the model and never touches what is urgent: urgent notices are pinned before anything is ranked.
Whether somebody belongs to a rule's audience is said by the caller: an audience is no matter of this package.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from recommender.domain.types import Item, Term
from recommender.errors import RuleRefusedError

Mask = NDArray[np.bool_]
Single = NDArray[np.float32]

Effect = Literal["pin", "boost", "hide"]
Of = Literal["item", "topic", "provider", "kind"]

FAMILY = "rule"
MOST_PINNED = 2
"""So many stand first at once, as many as a list has of one provider; what began last goes before."""
MOST_AMOUNT = 3.0
"""Some 20 times as often: a rule that needs more wants to pin or to hide."""
LEAST_AMOUNT = 0.1
LONGEST = timedelta(days=366)
MOST_RULES = 20
"""Rules that hold or will hold, at once: whoever needs more means a weight."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `amount` (of a boost) is a natural logarithm of a factor; `audience` as its JSON, empty = everybody.

    `id` is 0 as long as the rule is tried and not yet made.
    """

    id: int
    effect: Effect
    of: Of
    target: str
    amount: float
    audience: Mapping[str, Any]
    reason: str
    starts_at: datetime
    ends_at: datetime

    def check(self, now: datetime) -> None:
        """Raise RuleRefusedError unless it may be made at `now`; the error names the field (`.field`)."""
        if self.effect not in get_args(Effect):
            raise RuleRefusedError("effect")
        if self.of not in get_args(Of) or not self.target or (self.effect == "pin" and self.of != "item"):
            raise RuleRefusedError("target")
        strength = abs(self.amount)
        if self.effect == "boost" and not LEAST_AMOUNT <= strength <= MOST_AMOUNT:
            raise RuleRefusedError("amount")
        if not math.isfinite(self.amount):
            raise RuleRefusedError("amount")
        if not self.reason.strip():
            raise RuleRefusedError("reason")
        if self.ends_at <= max(self.starts_at, now) or self.ends_at - self.starts_at > LONGEST:
            raise RuleRefusedError("ends_at")

    def holds(self, now: datetime) -> bool:
        """Whether it is in force; no job is needed for its end."""
        return self.starts_at <= now < self.ends_at

    def names(self, item: Item) -> bool:
        """Whether it speaks of this item; never of an urgent one."""
        if item.urgent:
            return False
        if self.of == "topic":
            return self.target in item.topics
        return self.target == {"item": item.id, "provider": item.provider, "kind": item.kind}[self.of]


@dataclass(frozen=True, eq=False)
class Ruled:
    """A rule and the rows of a catalogue that it names."""

    rule: Rule
    rows: Mask


@dataclass(frozen=True, eq=False)
class Ruling:
    """What the rules in force do to one list, by the rows of its catalogue."""

    ruled: tuple[Ruled, ...]
    hidden: Mask
    lifts: Single

    def pinned(self, allowed: Mask) -> list[int]:
        """The rows that stand first, of those that may be shown."""
        pins = sorted(
            (one for one in self.ruled if one.rule.effect == "pin"),
            key=lambda one: (one.rule.starts_at, one.rule.id),
            reverse=True,
        )
        rows = dict.fromkeys(row for one in pins for row in np.flatnonzero(one.rows & allowed).tolist())
        return list(rows)[:MOST_PINNED]

    def terms(self, row: int) -> tuple[Term, ...]:
        """The summands that boosts add to the score of a row."""
        return tuple(
            Term(FAMILY, str(one.rule.id), one.rule.amount)
            for one in self.ruled
            if one.rule.effect == "boost" and one.rows[row]
        )


def compiled(rules: Iterable[Rule], items: Sequence[Item]) -> tuple[Ruled, ...]:
    """Each rule with its rows; a rule that names nothing stays, for what it names may come."""
    return tuple(Ruled(rule, np.array([rule.names(item) for item in items], dtype=bool)) for rule in rules)


def ruling(ruled: Iterable[Ruled], count: int) -> Ruling | None:
    """What these rules do to a list of `count` rows; None when there is none."""
    found = tuple(ruled)
    if not found:
        return None
    hidden, lifts = np.zeros(count, dtype=bool), np.zeros(count, dtype=np.float32)
    for one in found:
        if one.rule.effect == "hide":
            hidden |= one.rows
        elif one.rule.effect == "boost":
            lifts[one.rows] += np.float32(one.rule.amount)
    return Ruling(found, hidden, lifts)
