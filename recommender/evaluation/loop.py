"""A closed loop of some weeks: lists are shown, opened by chance, learnt from, and shown again.

Who opens what is drawn from a world that is ours: the weights that the log of a folder teaches, with a quality of each
item and a taste of each resident that no ranker knows, drawn anew by each seed. It resembles the model, so its clicks a
visit flatter the model; the ways to choose are compared in the same world, with the same visits and the same luck.

Learning starts from the editors' prior alone and refits every LEARN_EVERY days on those who let it be learnt from. The
boosts make one step a day and the counts are an hour old, as in the product.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np

from recommender.domain import fitting
from recommender.domain.features import Design, Shown
from recommender.domain.item_matrix import Catalogue, Floats
from recommender.domain.ranking import LIMIT, AttributeRanker
from recommender.domain.reranking import NEW_FOR, PLAIN, SLOT, Explore, Plan, shares_of, step
from recommender.domain.types import Item
from recommender.domain.weights import BIAS, Prior, Weights
from recommender.evaluation.files import City

DAYS = 24
VISITS = 300
LEARN_EVERY = 4
OPEN = SLOT + 1
QUALITY, TASTE = 0.5, 0.4
STEEPNESS = 0.18
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to choose lists."""

    name: str
    plan: Plan
    floor: bool
    slot: bool


WAYS = (
    Way("score alone", PLAIN, floor=False, slot=False),
    Way("re-ranked, no slot", Plan(), floor=True, slot=False),
    Way("re-ranked, with the slot", Plan(), floor=True, slot=True),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one way in one world. `unseen` is the share of new items that stood open on no list within 48 hours.

    `short` is the share of providers shown less than half as often as their share of what could be shown.
    """

    clicks: float
    unseen: float
    short: float
    least: float


@dataclass(frozen=True)
class World:
    """Who visits when and what they would open."""

    city: City
    numbers: Mapping[str, int]
    items: tuple[Item, ...]
    truth: Catalogue
    quality: Floats
    taste: Floats
    bias: float
    start: datetime
    visits: Sequence[tuple[datetime, str, UUID]]
    luck: Floats

    @classmethod
    def make(
        cls, city: City, weights: Weights, seed: int, *, days: int = DAYS, visits: int = VISITS
    ) -> "World":
        """A world of this seed: the last `days` days before the last day to rank at."""
        rng = np.random.default_rng(seed)
        start = max(city.days.values()) - timedelta(days=days)
        items = tuple(item for item in city.items.values() if not item.urgent)
        truth = Catalogue.compile(items, weights)
        names = list(city.residents)
        moments = np.sort(rng.uniform(0, days, days * visits)).tolist()
        found = [
            (
                start + timedelta(days=moment),
                names[int(rng.integers(len(names)))],
                UUID(bytes=rng.bytes(16)),
            )
            for moment in moments
        ]
        return cls(
            city=city,
            numbers={name: number for number, name in enumerate(names)},
            items=items,
            truth=truth,
            quality=rng.normal(0, QUALITY, len(truth.items)),
            taste=rng.normal(0, TASTE, (len(names), len(truth.topics))),
            bias=weights.of(BIAS),
            start=start,
            visits=found,
            luck=rng.random((len(found), OPEN)),
        )

    def chances(self, resident: str, rows: list[int], at: datetime) -> Floats:
        """Of a click on each of these rows of `truth`, in their places."""
        catalogue, profile = self.truth, self.city.residents[resident].profile
        score = catalogue.z[rows] @ catalogue.vector(catalogue.parts(profile))
        score = score + catalogue.recency(at)[rows] + self.quality[rows]
        own = self.taste[self.numbers[resident]]
        score = score + catalogue.shares(np.asarray(rows, dtype=np.intp)) @ own
        found: Floats = np.minimum(np.exp(self.bias + score), 0.95) / (1 + STEEPNESS * np.arange(len(rows)))
        return found


@dataclass
class _Run:
    """One way in one world, visit by visit."""

    world: World
    way: Way
    weights: Weights = field(default_factory=Weights)
    boosts: dict[str, float] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    first: dict[str, datetime] = field(default_factory=dict)
    today: Counter[str] = field(default_factory=Counter)
    exposure: Counter[str] = field(default_factory=Counter)
    live: Counter[str] = field(default_factory=Counter)
    clicks: float = 0.0

    def outcome(self) -> Outcome:
        """Everything, from the first visit to the last."""
        world = self.world
        catalogue = Catalogue.compile(world.items, self.weights)
        ranker, hour, day = AttributeRanker(catalogue, self._plan()), -1, 0
        for number, (at, resident, visit) in enumerate(world.visits):
            passed = at - world.start
            if passed.days > day:
                day = passed.days
                self._night(at)
                if day % LEARN_EVERY == 0:
                    catalogue = self._learn()
            if passed // HOUR > hour:
                hour = passed // HOUR
                ranker = AttributeRanker(catalogue, self._plan())
            self._visit(ranker, number, at, resident, visit)
        return self._told()

    def _plan(self) -> Plan:
        return replace(self.way.plan, boosts=dict(self.boosts), seen=dict(self.seen))

    def _visit(self, ranker: AttributeRanker, number: int, at: datetime, resident: str, visit: UUID) -> None:
        world = self.world
        known = world.city.residents[resident]
        explore = Explore(visit) if self.way.slot else None
        ranked = ranker.rank(known.profile, now=at, limit=LIMIT, explore=explore)[:OPEN]
        rows = [world.truth.index[one.item_id] for one in ranked]
        chances = world.chances(resident, rows, at)
        # What is expected, not what chance made of it: the same with less noise.
        self.clicks += float(chances.sum())
        for place, row in enumerate(rows):
            item = world.truth.items[row]
            self.seen[item.id] += 1
            self.first.setdefault(item.id, at)
            self.today[item.provider] += 1
            if known.learns:
                click = float(world.luck[number, place] < chances[place])
                self.shown.append(Shown(known.profile, item, at, place, click, resident))

    def _night(self, at: datetime) -> None:
        live = [item for item in self.world.items if _is_live(item, at)]
        self.live.update(item.provider for item in live)
        self.exposure.update(self.today)
        if self.way.floor:
            self.boosts = step(self.boosts, self.today, shares_of(live))
        self.today = Counter()

    def _learn(self) -> Catalogue:
        prior = Prior()
        self.weights = fitting.fit(Design.of(self.shown, prior), prior).weights(prior)
        return Catalogue.compile(self.world.items, self.weights)

    def _told(self) -> Outcome:
        world = self.world
        end = world.visits[-1][0]
        new = [item for item in world.items if world.start <= item.published_at <= end - NEW_FOR]
        unseen = [
            item
            for item in new
            if item.id not in self.first or self.first[item.id] > item.published_at + NEW_FOR
        ]
        shown, items = sum(self.exposure.values()), sum(self.live.values())
        ratios = [
            self.exposure[name] / shown / (count / items) for name, count in sorted(self.live.items()) if name
        ]
        return Outcome(
            clicks=self.clicks / len(world.visits),
            unseen=len(unseen) / len(new) if new else 0.0,
            short=float(np.mean([ratio < 0.5 for ratio in ratios])) if ratios else 0.0,
            least=min(ratios, default=math.nan),
        )


def _is_live(item: Item, at: datetime) -> bool:
    return item.published_at <= at and (item.expires_at is None or at < item.expires_at)


def simulate(
    city: City, weights: Weights, seeds: Sequence[int], *, days: int = DAYS, visits: int = VISITS
) -> Iterator[tuple[int, dict[str, Outcome]]]:
    """Seed by seed the outcome of each of WAYS."""
    for seed in seeds:
        world = World.make(city, weights, seed, days=days, visits=visits)
        yield seed, {way.name: _Run(world, way).outcome() for way in WAYS}


def mean(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error."""
    found = np.asarray(values, dtype=float)
    error = float(found.std(ddof=1) / math.sqrt(found.size)) if found.size > 1 else math.nan
    return float(found.mean()), error
