"""Compiles items into one matrix Z and a reader into one vector q, so that score = Z q + recency.

The model is the one of docs/explanation/recommender: log expected clicks, as a sum of families of weights.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recommender.domain import weights as families
from recommender.domain.features import (
    AGE_EDGES,
    DAY,
    MAX_HALF_LIVES,
    impersonal,
    places_of,
    plain,
    topics_of,
)
from recommender.domain.types import Item, Profile, Term
from recommender.domain.weights import Weights, key_of
from recommender.errors import CatalogueError

# Read in full for each reader, so half the size is half the time.
Single = NDArray[np.float32]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Column = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """One summand of q: what of the profile put `weights` into the columns of Z from `start` on."""

    family: str
    key: str
    start: int
    weights: Floats


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Items compiled for ranking: immutable, ordered newest first and then by id.

    `z` is items × columns (float32), filled up with zeros to a multiple of REGISTER; `published`, `expires` and `anchor` (from which an item ages) are POSIX
    seconds. `kind_of` numbers the rows of `faded` (seconds of a half-life) and `learnt_recency` (by bucket of
    age). A mask given to a ranker follows the order of `items`.
    """

    items: tuple[Item, ...]
    index: Mapping[str, int]
    weights: Weights
    columns: Mapping[Column, int]
    topics: tuple[str, ...]
    languages: tuple[str, ...]
    z: Single
    published: Floats
    anchor: Floats
    expires: Floats
    kind_of: NDArray[np.intp]
    half_life: Floats
    learnt_recency: Floats
    _kept: dict[tuple[object, ...], Part] = field(default_factory=dict)
    _recency: dict[int, Single] = field(default_factory=dict)

    @classmethod
    def compile(cls, items: Iterable[Item], weights: Weights | None = None) -> Self:
        """Compile items (a second item of the same id is left out: the newer one stands)."""
        weights = weights or Weights()
        weights.check()
        ordered = _ordered(items)
        columns = _columns(ordered)
        # Rows of whole vector registers: the product takes half the time of one with a rest.
        width = -(-len(columns) // REGISTER) * REGISTER
        z = np.zeros((len(ordered), width), dtype=np.float32)
        for row, item in enumerate(ordered):
            _fill(z[row], item, columns, weights)
        kinds = {kind: number for number, kind in enumerate(sorted({item.kind for item in ordered}))}
        return cls(
            items=ordered,
            index={item.id: row for row, item in enumerate(ordered)},
            weights=weights,
            columns=columns,
            topics=tuple(name for family, name in columns if family == "topic"),
            languages=tuple(name for family, name in columns if family == "language"),
            z=z,
            published=np.array([item.published_at.timestamp() for item in ordered]),
            anchor=np.array([(item.starts_at or item.published_at).timestamp() for item in ordered]),
            expires=np.array(
                [item.expires_at.timestamp() if item.expires_at else math.inf for item in ordered]
            ),
            kind_of=np.array([kinds[item.kind] for item in ordered], dtype=np.intp),
            half_life=np.array([weights.prior.half_life(kind) * DAY for kind in kinds]),
            learnt_recency=np.array(
                [
                    [weights.of(families.RECENCY, key_of(kind, str(n))) for n in range(len(AGE_EDGES) + 1)]
                    for kind in kinds
                ]
            ),
        )

    def live(self, now: datetime) -> Mask:
        """Mask of the items that are published and not expired at `now`."""
        moment = now.timestamp()
        return (self.published <= moment) & (moment < self.expires)

    def recency(self, now: datetime) -> Single:
        """What each item has lost or won by its distance in time; the loss is at most MAX_HALF_LIVES half-lives.

        Reckoned at the beginning of the minute and kept until the next one.
        """
        minute = int(now.timestamp() // MINUTE)
        found = self._recency.get(minute)
        if found is None:
            found = self._recency_at(minute * MINUTE)
            if len(self._recency) >= MOST_MINUTES:
                self._recency.clear()
            self._recency[minute] = found
        return found

    def _recency_at(self, moment: float) -> Single:
        if not self.items:
            return np.zeros(0, dtype=np.float32)
        age = np.abs(moment - self.anchor)
        lost = -np.minimum(age / self.half_life[self.kind_of], MAX_HALF_LIVES) * math.log(2)
        learnt = self.learnt_recency[self.kind_of, np.searchsorted(AGE_EDGES * DAY, age, "right")]
        found: Single = (lost + learnt).astype(np.float32)
        found.flags.writeable = False
        return found

    def published_since(self, moment: float) -> int:
        """How many rows, from the first on, were published after this moment (POSIX seconds)."""
        return int(np.searchsorted(-self.published, -moment, "left"))

    def shares(self, rows: NDArray[np.intp]) -> Floats:
        """Rows × topics: which part of an item is about which topic; the sum of a row is 1, or 0 without topics."""
        found: Floats = np.square(self.by_topic[rows].astype(np.float64))
        return found

    @property
    def by_topic(self) -> Single:
        """The columns of Z that are topics, in the order of `topics`."""
        start = self.columns["topic", self.topics[0]] if self.topics else 0
        return self.z[:, start : start + len(self.topics)]

    def parts(self, profile: Profile) -> list[Part]:
        """The summands of q for a profile; what the catalogue does not know is passed over."""
        return [
            Part("base", "", self.columns["one", ""], np.ones(1)),
            *self._place_parts(profile),
            *self._topic_parts(profile),
            *self._language_parts(profile),
            *(
                self._one("audience", key, ("audience", key), (families.AUDIENCE, key))
                for key in sorted(profile.attributes)
                if ("audience", key) in self.columns
            ),
        ]

    def vector(self, parts: Iterable[Part]) -> Single:
        """The vector q: the parts added up by column, as wide as Z."""
        q = np.zeros(self.z.shape[1])
        for part in parts:
            if len(part.weights) == 1:
                q[part.start] += part.weights[0]
            else:
                q[part.start : part.start + len(part.weights)] += part.weights
        return q.astype(np.float32)

    def base_terms(self, row: int) -> tuple[Term, ...]:
        """What the term "base" of an item is made of: its kind, itself, its provider, its topics."""
        return tuple(
            Term(family, key, x * self.weights.of(family, key))
            for family, key, x in impersonal(self.items[row])
        )

    def _one(self, family: str, key: str, column: Column, *cells: tuple[str, str]) -> Part:
        """One column, with the sum of these cells."""
        found = self._kept.get((family, key, cells))
        if found is None:
            weight = sum(self.weights.of(*cell) for cell in cells)
            if family == families.AVOIDED:
                weight = min(weight, families.LEAST_AVOIDED)
            found = Part(family, key, self.columns[column], np.array([weight]))
            self._keep((family, key, cells), found)
        return found

    def _place_parts(self, profile: Profile) -> Iterator[Part]:
        """A reader who told no place has no "elsewhere"."""
        wanted = places_of(profile)
        if wanted:
            yield self._one("elsewhere", "", ("placed", ""), (families.ELSEWHERE, ""))
        for place, family in sorted(wanted.items()):
            if ("place", place) in self.columns:
                yield self._one(family, place, ("place", place), (family, ""))

    def _topic_parts(self, profile: Profile) -> Iterator[Part]:
        for topic in sorted(set(profile.declared)):
            if ("topic", topic) in self.columns:
                cells = (families.DECLARED, ""), (families.DECLARED_TOPIC, topic)
                yield self._one("declared", topic, ("topic", topic), *cells)
        for topic in sorted(set(profile.avoided)):
            if ("topic", topic) in self.columns:
                yield self._one("avoided", topic, ("topic", topic), (families.AVOIDED, ""))
        if not self.topics:
            return
        start = self.columns["topic", self.topics[0]]
        for key in sorted(profile.attributes):
            values = plain(profile.attributes[key])
            if values:
                yield self._attribute(key, values, start)

    def _attribute(self, key: str, values: tuple[str, ...], start: int) -> Part:
        """The values of one attribute, each with its weight for every topic."""
        found = self._kept.get((key, values))
        if found is None:
            family = families.ATTRIBUTE + key
            rows = [
                [self.weights.of(family, key_of(value, topic)) for topic in self.topics] for value in values
            ]
            found = Part("attribute", key, start, np.sum(rows, axis=0) / math.sqrt(len(values)))
            self._keep((key, values), found)
        return found

    def _keep(self, name: tuple[object, ...], part: Part) -> None:
        """Parts are the same for many readers."""
        if len(self._kept) < MOST_KEPT:
            self._kept[name] = part

    def _language_parts(self, profile: Profile) -> Iterator[Part]:
        language = profile.attributes.get("language")
        if not isinstance(language, str):
            return
        for name in self.languages:
            yield self._one("language", name, ("language", name), (families.LANGUAGE, key_of(language, name)))


REGISTER = 16
"""Numbers of four bytes in the widest vector register (AVX-512)."""
MINUTE = 60.0
MOST_MINUTES = 4
# Values come from forms: nobody can fill the memory with values of their own.
MOST_KEPT = 4096


def _ordered(items: Iterable[Item]) -> tuple[Item, ...]:
    by_id: dict[str, Item] = {}
    for item in items:
        for moment in (item.published_at, item.expires_at, item.starts_at):
            if moment is not None and moment.tzinfo is None:
                raise CatalogueError(f"item {item.id}: a time without a zone: {moment}")
        known = by_id.get(item.id)
        if known is None or item.published_at > known.published_at:
            by_id[item.id] = item
    return tuple(sorted(by_id.values(), key=lambda item: (-item.published_at.timestamp(), item.id)))


def _columns(items: tuple[Item, ...]) -> dict[Column, int]:
    """Topics stand side by side, so that an attribute speaks about all of them at once."""
    names: set[Column] = set()
    for item in items:
        names.update(("topic", topic) for topic in item.topics)
        names.update(("place", place) for place in item.places)
        names.update(("audience", key) for key in item.audience_keys)
        if item.language:
            names.add(("language", item.language))
    return {name: number for number, name in enumerate([("one", ""), ("placed", ""), *sorted(names)])}


def _fill(row: Single, item: Item, columns: Mapping[Column, int], weights: Weights) -> None:
    row[columns["one", ""]] = sum(x * weights.of(family, key) for family, key, x in impersonal(item))
    if item.places:
        row[columns["placed", ""]] = 1.0
    for topic, x in topics_of(item):
        row[columns["topic", topic]] = x
    for place in item.places:
        row[columns["place", place]] = 1.0
    for key in item.audience_keys:
        row[columns["audience", key]] = 1.0
    if item.language:
        row[columns["language", item.language]] = 1.0


def terms(catalogue: Catalogue, rows: list[int], parts: list[Part]) -> list[tuple[Term, ...]]:
    """For each row the summands of its score but for recency, by family and key, without zeros."""
    if not rows:
        return []
    chosen = catalogue.z[rows].astype(np.float64)
    columns = [chosen[:, part.start : part.start + len(part.weights)] @ part.weights for part in parts]
    return [
        tuple(Term(part.family, part.key, value) for part, value in zip(parts, values, strict=True) if value)
        for values in zip(*(column.tolist() for column in columns), strict=True)
    ]
