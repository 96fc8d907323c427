"""Chooses a list from the best items: calibrated, capped, no provider unseen, and one place for what is new; pure.

Scores stay the model's. What is done here changes places only, and says so (`Ranked.lifted`, `Ranked.exploring`).

Calibration follows H. Steck, Calibrated recommendations (2018): each next item is the best of
(1 − λ)·score − λ·KL(expected taste ‖ topics of the list with it). The floor: a provider's boost is added to the score of
each of its items until it is shown as often as FLOOR times its share of what could be shown.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from recommender.domain.types import Item

Single = NDArray[np.float32]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

PER_TOPIC = 3
PER_PROVIDER = 2
CALIBRATION = 0.2
BEGINNING = 0.1
"""Of how much of an item the topics of an empty list are taken to be the reader's own taste."""
FLOOR = 0.8
POOL = 60
"""How many of the best are looked at; deeper only where the caps leave the list short."""
MOST_BOOST = 3.0
"""Some 20 times as often; a provider whose items nobody may see stops here."""
MOST_MISSING = 1.0
STEP = 0.3
"""How much of what is missing (a logarithm, at most MOST_MISSING) one round makes good.

Many readers have nearly the same list: a longer step would bring an item from nobody to everybody and back."""
SLOT = 4
"""The place for what is new: the last of the five that stand open."""
NEW_FOR = timedelta(hours=48)
AMONG = 4
"""From so many of the least seen one is drawn: a count that is an hour old does not send everybody to one item."""


@dataclass(frozen=True)
class Plan:
    """How lists are chosen, made by a job and the same for everybody.

    `boosts` by provider, `seen` by item: how often it was shown since it was published (what is missing was never).
    """

    boosts: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, float] = field(default_factory=dict)
    per_topic: int = PER_TOPIC
    per_provider: int = PER_PROVIDER
    calibration: float = CALIBRATION


PLAIN = Plan(per_topic=10**9, per_provider=10**9, calibration=0.0)
"""The order of the score alone."""


@dataclass(frozen=True, slots=True)
class Explore:
    """The draws of one visit: always the same for the same visit, and even over all visits."""

    visit: UUID

    @property
    def drawn(self) -> bool:
        """Whether this visit sees something new in the slot: every second one does."""
        return bool(self.visit.int & 1)

    def of(self, count: int) -> int:
        """Which of `count` is drawn; bits that `drawn` does not use (nor the fixed ones of a UUID)."""
        return ((self.visit.int >> 1) & 0xFFFF_FFFF) % count


# --- the list --------------------------------------------------------------------------------------------------


class Chooser:
    """Takes rows for one list within the caps, the best by score and calibration first.

    Rows come with their topics (rows × topics, the sum of a row 1 or 0) and the number of their provider, −1 for none.
    """

    def __init__(self, plan: Plan, limit: int, *, topics: int, providers: int) -> None:
        self.chosen: list[int] = []
        self._plan, self._limit = plan, limit
        self._topics = np.zeros(topics, dtype=np.intp)
        # The last place is that of −1, and stays 0.
        self._providers = np.zeros(providers + 1, dtype=np.intp)

    @property
    def full(self) -> bool:
        """Whether nothing more is wanted."""
        return len(self.chosen) >= self._limit

    @property
    def full_topics(self) -> Rows:
        """Topics of which there are enough."""
        return np.flatnonzero(self._topics >= self._plan.per_topic)

    @property
    def full_providers(self) -> Mask:
        """By number, whether there is enough of a provider."""
        return np.asarray(self._providers >= self._plan.per_provider)

    def take(self, rows: Rows, scores: Floats, shares: Floats, providers: Rows) -> None:
        """Take of `rows` (best first) what the caps admit until the list is full; the very best stays first."""
        about = shares > 0
        open_ = ~self.full_providers[providers] & ~about[:, self.full_topics].any(axis=1)
        value, shares, taste = self._taste(scores, shares)
        # The list begins as a small piece of the reader's own taste, so that nothing is divided by zero.
        so_far = BEGINNING * taste
        while not self.full and open_.any():
            gain = value
            if self.chosen and taste.size:
                # KL but for what is the same for all of them: −Σ taste·log(topics of the list with this item).
                # Rounded, because a product of matrices may differ in the last bit between equal rows.
                gain = value + self._plan.calibration * (np.log(so_far + shares) @ taste).round(9)
            best = int(np.where(open_, gain, -math.inf).argmax())
            so_far += shares[best]
            open_[best] = False
            self.keep(int(rows[best]), about[best], int(providers[best]))
            if self.full_providers[providers[best]]:
                open_ &= providers != providers[best]
            full = about[best] & (self._topics >= self._plan.per_topic)
            if full.any():
                open_ &= ~about[:, full].any(axis=1)

    def _taste(self, scores: Floats, shares: Floats) -> tuple[Floats, Floats, Floats]:
        """Scores, topics and the expected taste; to be about no topic counts as one. Empty where nothing is calibrated."""
        strength = self._plan.calibration
        if not strength or not shares.any():
            return scores, np.zeros((len(scores), 0)), np.zeros(0)
        shares = np.column_stack([shares, 1.0 - shares.sum(axis=1)]).clip(0.0, 1.0)
        taste = np.exp(scores - scores[0]) @ shares
        found = taste > 0
        return (1 - strength) * scores, shares[:, found], taste[found] / taste.sum()

    def keep(self, row: int, about: Mask, provider: int) -> None:
        """Take this row, whatever its score; it counts for the caps."""
        self.chosen.append(row)
        self._topics += about
        if provider >= 0:
            self._providers[provider] += 1


def lifted(chosen: Sequence[int], others: Rows, scores: Single, boosts: Single | None) -> set[int]:
    """What of `chosen` stands before an item of a higher score because its provider is raised."""
    if boosts is None:
        return set()
    plain, raised = scores[others], scores[others] + boosts[others]
    return {
        row
        for row in chosen
        if boosts[row] > 0 and bool(np.any((plain > scores[row]) & (raised < scores[row] + boosts[row])))
    }


# --- the floor -------------------------------------------------------------------------------------------------


def step(
    boosts: Mapping[str, float],
    exposure: Mapping[str, float],
    shares: Mapping[str, float],
    *,
    floor: float = FLOOR,
) -> dict[str, float]:
    """The boosts of the next round: up where a provider was shown too seldom, down where it needs less.

    `exposure` counts places shown, `shares` is each provider's share of what could be shown. A boost is never below 0
    nor above MOST_BOOST; a provider that has nothing any more has none. Without any exposure nothing changes.
    """
    total = sum(exposure.values())
    if total <= 0:
        return {name: boost for name, boost in boosts.items() if name in shares}
    found = {}
    for name, share in shares.items():
        wanted = floor * share * total
        # Half a showing is added on both sides: nothing shown is no reason for an infinite boost.
        missing = math.log((wanted + 0.5) / (exposure.get(name, 0.0) + 0.5))
        boost = min(
            max(boosts.get(name, 0.0) + STEP * min(max(missing, -MOST_MISSING), MOST_MISSING), 0.0),
            MOST_BOOST,
        )
        if boost > 0:
            found[name] = boost
    return found


def shares_of(items: Iterable[Item]) -> dict[str, float]:
    """Each provider's share of these items; what has no provider counts in the whole only."""
    counts: dict[str, int] = {}
    total = 0
    for item in items:
        total += 1
        if item.provider:
            counts[item.provider] = counts.get(item.provider, 0) + 1
    return {name: count / total for name, count in sorted(counts.items())}
