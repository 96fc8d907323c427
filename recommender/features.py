"""Which cells of which families speak about an item that was shown to a reader: the model, as sparse columns.

    log expected clicks = bias + position + recency curve of the kind + Σ over families of Σ x·w

The same features make a list (`catalogue`) and are learnt from (`fitting`, `learning`).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender import weights as families
from recommender.errors import CatalogueError
from recommender.types import Item, Profile, Value
from recommender.weights import Prior, key_of

DAY = 86_400.0
# A decayed item is never pushed further down than this many half-lives.
MAX_HALF_LIVES = 6.0
# Ages in days at which one bucket of recency ends and the next begins.
AGE_EDGES = np.array([0.25, 0.5, 1, 2, 4, 8, 16, 32, 64])

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Pair = tuple[str, float]
"""The key of a cell and its x."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An item on a list that somebody saw: to which features, when, at which place (0 = top), and what came of it.

    `clicks` is 1 when it was opened, else 0. `subject` tells people apart and is nobody's name.
    """

    profile: Profile
    item: Item
    at: datetime
    position: int
    clicks: float
    subject: str = ""


def age_days(item: Item, at: datetime) -> float:
    """Distance from the time from which the item ages: its beginning, or else its publication."""
    return abs((at - (item.starts_at or item.published_at)).total_seconds()) / DAY


def bucket(age: float) -> int:
    """Which bucket of AGE_EDGES an age in days falls into."""
    return int(np.searchsorted(AGE_EDGES, age, side="right"))


def faded(prior: Prior, kind: str, age: float) -> float:
    """What an item has lost by its age, by the half-life of its kind."""
    return -math.log(2) * min(age / prior.half_life(kind), MAX_HALF_LIVES)


def plain(value: Value) -> tuple[str, ...]:
    """The values of an attribute as words; several of one attribute share a length of 1."""
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))


def topics_of(item: Item) -> tuple[Pair, ...]:
    """The topics of an item; they share a length of 1."""
    topics = tuple(dict.fromkeys(item.topics))
    return tuple((topic, 1 / math.sqrt(len(topics))) for topic in topics)


def places_of(profile: Profile) -> dict[str, str]:
    """Place → PLACE or FOLLOWED; the reader's own district is not followed as well."""
    found = {place: families.FOLLOWED for place in profile.followed if place}
    if profile.district:
        found[profile.district] = families.PLACE
    return found


def impersonal(item: Item) -> Iterator[tuple[str, str, float]]:
    """Cells that an item has whoever reads it, but for its age."""
    yield families.BASE, item.kind, 1.0
    yield families.ITEM, item.id, 1.0
    if item.provider:
        yield families.PROVIDER, item.provider, 1.0
    for topic, x in topics_of(item):
        yield families.TOPIC, topic, x


def personal(profile: Profile, item: Item) -> Iterator[tuple[str, str, float]]:
    """Cells that an item has for this reader."""
    yield from _of_place(profile, item)
    yield from _of_topics(profile, topics_of(item))
    language = profile.attributes.get("language")
    if item.language and isinstance(language, str):
        yield families.LANGUAGE, key_of(language, item.language), 1.0
    for key in dict.fromkeys(item.audience_keys):
        if key in profile.attributes:
            yield families.AUDIENCE, key, 1.0


def _of_place(profile: Profile, item: Item) -> Iterator[tuple[str, str, float]]:
    places = places_of(profile)
    if places and item.places:
        yield families.ELSEWHERE, "", 1.0
        for place in dict.fromkeys(item.places):
            if place in places:
                yield places[place], "", 1.0


def _of_topics(profile: Profile, topics: Sequence[Pair]) -> Iterator[tuple[str, str, float]]:
    declared = set(profile.declared)
    for topic, x in topics:
        if topic in declared:
            yield families.DECLARED, "", x
            yield families.DECLARED_TOPIC, topic, x
    for key in sorted(profile.attributes):
        values = plain(profile.attributes[key])
        share = 1 / math.sqrt(len(values)) if values else 0.0
        for value in values:
            for topic, x in topics:
                yield families.ATTRIBUTE + key, key_of(value, topic), x * share


@dataclass(frozen=True, eq=False)
class Block:
    """One family of a design: entry n says that row `rows[n]` has x[n] of cell `keys[cells[n]]`."""

    keys: tuple[str, ...]
    rows: Ints
    cells: Ints
    x: Floats

    def sums(self, values: Floats) -> Floats:
        """Σ x·value by cell."""
        return np.asarray(
            np.bincount(self.cells, self.x * values[self.rows], len(self.keys)), dtype=np.float64
        )

    def squares(self, values: Floats) -> Floats:
        """Σ x²·value by cell."""
        return np.asarray(
            np.bincount(self.cells, self.x * self.x * values[self.rows], len(self.keys)), dtype=np.float64
        )

    def bounds(self, values: Floats) -> Floats:
        """Σ x·(Σ x of the row)·value by cell: never below the curvature, however much the cells overlap."""
        wide = np.bincount(self.rows, self.x, len(values))
        return np.asarray(
            np.bincount(self.cells, self.x * (wide * values)[self.rows], len(self.keys)), dtype=np.float64
        )

    def apply(self, weights: Floats, size: int) -> Floats:
        """Σ x·w by row."""
        return np.asarray(np.bincount(self.rows, self.x * weights[self.cells], size), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Design:
    """What was shown, as sparse columns by family; `offset` is the recency curve, `clicks` what came of it."""

    blocks: Mapping[str, Block]
    offset: Floats
    clicks: Floats

    @property
    def size(self) -> int:
        """How many were shown."""
        return len(self.clicks)

    @classmethod
    def of(cls, shown: Sequence[Shown], prior: Prior) -> "Design":
        """Encode; readers and items that come again are encoded once. A time without a zone is a CatalogueError."""
        entries = _Entries()
        known: dict[tuple[int, int], tuple[tuple[str, str, float], ...]] = {}
        alone: dict[int, tuple[tuple[str, str, float], ...]] = {}
        offset = np.zeros(len(shown))
        for row, one in enumerate(shown):
            if one.at.tzinfo is None:
                raise CatalogueError(f"item {one.item.id}: shown at a time without a zone: {one.at}")
            age = age_days(one.item, one.at)
            offset[row] = faded(prior, one.item.kind, age)
            entries.add(row, families.BIAS, "", 1.0)
            entries.add(row, families.POSITION, str(one.position), 1.0)
            entries.add(row, families.RECENCY, key_of(one.item.kind, str(bucket(age))), 1.0)
            name = id(one.item)
            if name not in alone:
                alone[name] = tuple(impersonal(one.item))
            pair = (id(one.profile), name)
            if pair not in known:
                known[pair] = tuple(personal(one.profile, one.item))
            for family, key, x in (*alone[name], *known[pair]):
                entries.add(row, family, key, x)
        return cls(entries.blocks(), offset, np.array([one.clicks for one in shown], dtype=float))

    def expected(self, weights: Callable[[str, str], float]) -> Floats:
        """Expected clicks by row, under weights given by family and key."""
        total = self.offset.copy()
        for family, block in self.blocks.items():
            total += block.apply(np.array([weights(family, key) for key in block.keys]), self.size)
        return np.exp(total)


class _Entries:
    """Collects the entries of a design."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[dict[str, int], list[int], list[int], list[float]]] = {}

    def add(self, row: int, family: str, key: str, x: float) -> None:
        block = self._found.get(family)
        if block is None:
            block = self._found[family] = ({}, [], [], [])
        numbers, rows, cells, xs = block
        cell = numbers.setdefault(key, len(numbers))
        rows.append(row)
        cells.append(cell)
        xs.append(x)

    def blocks(self) -> dict[str, Block]:
        return {
            family: Block(tuple(numbers), np.array(rows, np.intp), np.array(cells, np.intp), np.array(xs))
            for family, (numbers, rows, cells, xs) in self._found.items()
        }
