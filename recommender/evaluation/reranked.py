"""Measures what re-ranking costs and gives on a folder with the truth: value, topics, taste, and providers seen.

Lists of ten, of residents who are in no log; the boosts of the floor are settled on other residents.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import numpy as np

from recommender.domain.item_matrix import Catalogue, Mask
from recommender.domain.ranking import AttributeRanker
from recommender.domain.reranking import FLOOR, PLAIN, Plan, shares_of, step
from recommender.domain.types import Item, Profile
from recommender.domain.weights import Weights
from recommender.evaluation.files import City
from recommender.evaluation.scoring import COLD, DEPTH, DISCOUNT, Floats, Truth

READERS = 300
SETTLED_ON = 200
ROUNDS = 12
SMOOTHING = 0.01

PLANS = {
    "plain": PLAIN,
    "caps": replace(Plan(), calibration=0.0),
    "calibration": replace(PLAIN, calibration=Plan().calibration),
    "floor": PLAIN,
    "all": Plan(),
}
WITH_FLOOR = frozenset({"floor", "all"})


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one way to choose. `short` are providers shown less than half as often as their share of the items."""

    name: str
    value: float
    entropy: float
    divergence: float
    short: float
    least: float


def settle(
    catalogue: Catalogue,
    profiles: Sequence[Profile],
    *,
    now: datetime,
    allowed: Mask,
    plan: Plan,
    rounds: int = ROUNDS,
    depth: int = DEPTH,
) -> Plan:
    """The plan with the boosts at which these readers' lists keep the floor."""
    items = [catalogue.items[row] for row in np.flatnonzero(catalogue.live(now) & allowed).tolist()]
    shares = shares_of(items)
    for _ in range(rounds):
        ranker = AttributeRanker(catalogue, plan)
        shown = Counter(
            catalogue.items[catalogue.index[one.item_id]].provider
            for profile in profiles
            for one in ranker.rank(profile, now=now, allowed=allowed, limit=depth)
        )
        plan = replace(plan, boosts=step(plan.boosts, shown, shares))
    return plan


def measure(city: City, truth: Truth, weights: Weights, *, readers: int = READERS) -> Iterator[Figures]:
    """The figures of each of PLANS."""
    names = list(islice((name for name, group in city.tested.items() if group == COLD), readers))
    others = [one.profile for name, one in city.residents.items() if name not in city.tested]
    sample = others[:: max(len(others) // SETTLED_ON, 1)][:SETTLED_ON]
    for name, plan in PLANS.items():
        sums = _Sums()
        for day, at in city.days.items():
            catalogue = Catalogue.compile(city.live(at), weights)
            calm = np.array([not item.urgent for item in catalogue.items], dtype=bool)
            if name in WITH_FLOOR:
                plan = settle(catalogue, sample, now=at, allowed=calm, plan=plan)
            ranker = AttributeRanker(catalogue, plan)
            lists = [
                [
                    catalogue.items[catalogue.index[one.item_id]]
                    for one in ranker.rank(city.residents[who].profile, now=at, allowed=calm, limit=DEPTH)
                ]
                for who in names
            ]
            live = [item for item, yes in zip(catalogue.items, calm.tolist(), strict=True) if yes]
            sums.add(live, lists, [truth.chances(who, day, [item.id for item in live]) for who in names])
        yield sums.figures(name)


class _Sums:
    def __init__(self) -> None:
        self.values: list[float] = []
        self.entropies: list[float] = []
        self.divergences: list[float] = []
        self.exposure: Counter[str] = Counter()
        self.items: Counter[str] = Counter()

    def add(self, live: Sequence[Item], lists: Sequence[Sequence[Item]], chances: Sequence[Floats]) -> None:
        """The lists of one day."""
        topics = sorted({topic for item in live for topic in item.topics})
        known = {item.id: row for row, item in enumerate(live)}
        shares = np.array(
            [[(topic in item.topics) / max(len(set(item.topics)), 1) for topic in topics] for item in live]
        )
        for ranked, p in zip(lists, chances, strict=True):
            rows = [known[item.id] for item in ranked]
            best = np.sort(p)[::-1][:DEPTH]
            self.values.append(float(p[rows] @ DISCOUNT[: len(rows)]) / float(best @ DISCOUNT[: best.size]))
            shown = shares[rows].sum(axis=0)
            self.entropies.append(_entropy(shown / shown.sum()))
            self.divergences.append(_divergence(p @ shares, shown))
            self.exposure.update(item.provider for item in ranked)
        self.items.update(item.provider for item in live)

    def figures(self, name: str) -> Figures:
        """Means over lists; providers over all of them."""
        shown, items = sum(self.exposure.values()), sum(self.items.values())
        ratios = [
            self.exposure[one] / shown / (count / items) for one, count in sorted(self.items.items()) if one
        ]
        return Figures(
            name,
            float(np.mean(self.values)),
            float(np.mean(self.entropies)),
            float(np.mean(self.divergences)),
            float(np.mean([ratio < 0.5 for ratio in ratios])) if ratios else 0.0,
            min(ratios, default=math.nan),
        )


def _entropy(shares: Floats) -> float:
    found = shares[shares > 0]
    return float(-(found * np.log2(found)).sum())


def _divergence(taste: Floats, shown: Floats) -> float:
    """KL in nats of what the reader would open from what the list has, smoothed as Steck does."""
    p = taste / taste.sum()
    q = (1 - SMOOTHING) * shown / shown.sum() + SMOOTHING * p
    found = p > 0
    return float((p[found] * np.log(p[found] / q[found])).sum())


__all__ = ["FLOOR", "Figures", "measure", "settle"]
