"""Compiles items into one matrix Z and a reader into one vector q, so that score = Z q + recency.

The model is the one of docs/explanation/recommender: log expected clicks, as a sum of families of weights.
Until clicks are learnt every weight is the editors' prior below.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recommender.errors import CatalogueError, WeightsError
from recommender.types import Item, Profile, Value

DAY = 86_400.0
# A decayed item is never pushed further down than this many half-lives.
MAX_HALF_LIVES = 6.0

Floats = NDArray[np.float64]
Column = tuple[str, str]

# Any value of an attribute that has no row of its own.
ANY = "*"


def _attribute_priors() -> dict[tuple[str, str], dict[str, float]]:
    """(attribute, value) → topic → weight: what the editors expect before anybody has clicked.

    Access needs are left out on purpose: from how somebody reads nothing follows about what they want.
    """
    priors: dict[tuple[str, str], dict[str, float]] = {
        ("household.has_child", "true"): {"childcare": 0.5, "school": 0.3},
        ("household.school_years", "preschool"): {"childcare": 0.6},
        ("age_band", "0-17"): {"school": 0.5, "hobby": 0.2, "sports": 0.2},
        ("age_band", "18-24"): {"work": 0.4, "music": 0.2, "festival": 0.2},
        ("age_band", "25-34"): {"work": 0.3, "sports": 0.1},
        ("age_band", "35-44"): {"work": 0.2},
        ("age_band", "45-54"): {"work": 0.2, "health": 0.1},
        ("age_band", "55-64"): {"health": 0.3, "hobby": 0.1},
        ("age_band", "65-74"): {"elderly": 0.7, "health": 0.5, "hobby": 0.2},
        ("age_band", "75+"): {"elderly": 0.9, "health": 0.6, "transport": 0.2},
        ("language", "en"): {"foreigners": 0.9, "procedures": 0.2},
        ("language", "ja-simple"): {"foreigners": 0.7, "procedures": 0.2},
    }
    for year in ("e1", "e2", "e3", "e4", "e5", "e6"):
        priors["household.school_years", year] = {"school": 0.7, "childcare": 0.2}
    for year in ("j1", "j2", "j3"):
        priors["household.school_years", year] = {"school": 0.7}
    for year in ("h1", "h2", "h3"):
        priors["household.school_years", year] = {"school": 0.4, "work": 0.1}
    return priors


@dataclass(frozen=True)
class Weights:
    """The editors' prior of every family; natural logarithms of a factor on expected clicks.

    `own_district`, `followed` and `elsewhere` are what an item of such a place gets in the end.
    """

    own_district: float = 0.7
    followed: float = 0.5
    elsewhere: float = -0.7
    declared: float = 0.7
    audience: float = 0.5
    same_language: float = 0.3
    other_language: float = -0.7
    # What never grows old stands behind this week's news unless something speaks for it.
    base: Mapping[str, float] = field(
        default_factory=lambda: {
            "alert": 0.5,
            "notice": 0.2,
            "event": -0.3,
            "service": -1.0,
            "gadget": -1.2,
        }
    )
    half_life_days: Mapping[str, float] = field(
        default_factory=lambda: {
            "alert": 1.0,
            "news": 7.0,
            "notice": 7.0,
            "event": 14.0,
            "gadget": 180.0,
            "service": 365.0,
        }
    )
    default_half_life_days: float = 14.0
    attribute_topic: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=_attribute_priors)

    def check(self) -> None:
        """Raise WeightsError unless every number is finite and every half-life positive."""
        numbers = [
            self.own_district,
            self.followed,
            self.elsewhere,
            self.declared,
            self.audience,
            self.same_language,
            self.other_language,
            self.default_half_life_days,
            *self.base.values(),
            *self.half_life_days.values(),
        ]
        for row in self.attribute_topic.values():
            numbers.extend(row.values())
        if not all(math.isfinite(number) for number in numbers):
            raise WeightsError("every weight must be a finite number")
        if min(self.default_half_life_days, *self.half_life_days.values(), math.inf) <= 0:
            raise WeightsError("every half-life must be positive")


@dataclass(frozen=True, slots=True)
class Part:
    """One summand of q: what of the profile put `weight` into which column of Z."""

    family: str
    key: str
    column: int
    weight: float


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Items compiled for ranking: immutable, ordered newest first and then by id.

    `z` is items × columns (float64); `published`, `expires` and `anchor` (from which an item ages) are POSIX
    seconds, `rate` is the loss of
    score a second. A mask given to a ranker follows the order of `items`.
    """

    items: tuple[Item, ...]
    index: Mapping[str, int]
    weights: Weights
    columns: Mapping[Column, int]
    z: Floats
    published: Floats
    anchor: Floats
    expires: Floats
    rate: Floats

    @classmethod
    def compile(cls, items: Iterable[Item], weights: Weights | None = None) -> Self:
        """Compile items (a second item of the same id is left out: the newer one stands)."""
        weights = weights or Weights()
        weights.check()
        ordered = _ordered(items)
        columns = _columns(ordered)
        z = np.zeros((len(ordered), len(columns)))
        for row, item in enumerate(ordered):
            _fill(z[row], item, columns, weights)
        half_lives = np.array(
            [weights.half_life_days.get(item.kind, weights.default_half_life_days) for item in ordered]
        )
        return cls(
            items=ordered,
            index={item.id: row for row, item in enumerate(ordered)},
            weights=weights,
            columns=columns,
            z=z,
            published=np.array([item.published_at.timestamp() for item in ordered]),
            anchor=np.array([(item.starts_at or item.published_at).timestamp() for item in ordered]),
            expires=np.array(
                [item.expires_at.timestamp() if item.expires_at else math.inf for item in ordered]
            ),
            rate=math.log(2) / (half_lives * DAY) if ordered else np.zeros(0),
        )

    def live(self, now: datetime) -> NDArray[np.bool_]:
        """Mask of the items that are published and not expired at `now`."""
        moment = now.timestamp()
        return (self.published <= moment) & (moment < self.expires)

    def recency(self, now: datetime) -> Floats:
        """What each item has lost by its distance in time, at most MAX_HALF_LIVES half-lives."""
        age = np.abs(now.timestamp() - self.anchor)
        return -np.minimum(age * self.rate, MAX_HALF_LIVES * math.log(2))

    def parts(self, profile: Profile) -> list[Part]:
        """The summands of q for a profile; what the catalogue does not know is passed over."""
        parts = [Part("base", "", self.columns["one", ""], 1.0)]
        parts += _place_parts(self.columns, profile, self.weights)
        parts += _topic_parts(self.columns, profile, self.weights)
        parts += _language_parts(self.columns, profile, self.weights)
        parts += [
            Part("audience", key, self.columns["audience", key], self.weights.audience)
            for key in sorted(profile.attributes)
            if ("audience", key) in self.columns
        ]
        return parts


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
    names: set[Column] = set()
    for item in items:
        names.update(("topic", topic) for topic in item.topics)
        names.update(("place", place) for place in item.places)
        names.update(("audience", key) for key in item.audience_keys)
        if item.language:
            names.add(("language", item.language))
    return {name: number for number, name in enumerate([("one", ""), ("placed", ""), *sorted(names)])}


def _fill(row: Floats, item: Item, columns: Mapping[Column, int], weights: Weights) -> None:
    row[columns["one", ""]] = weights.base.get(item.kind, 0.0)
    if item.places:
        row[columns["placed", ""]] = 1.0
    topics = set(item.topics)
    for topic in topics:
        row[columns["topic", topic]] = 1.0 / math.sqrt(len(topics))
    for place in item.places:
        row[columns["place", place]] = 1.0
    for key in item.audience_keys:
        row[columns["audience", key]] = 1.0
    if item.language:
        row[columns["language", item.language]] = 1.0


def _place_parts(columns: Mapping[Column, int], profile: Profile, weights: Weights) -> list[Part]:
    """A reader who told no place has no "elsewhere"."""
    wanted: dict[str, tuple[str, float]] = {
        place: ("followed", weights.followed) for place in profile.followed if place
    }
    if profile.district:
        wanted[profile.district] = ("place", weights.own_district)
    if not wanted:
        return []
    parts = [Part("elsewhere", "", columns["placed", ""], weights.elsewhere)]
    for place, (family, weight) in sorted(wanted.items()):
        if ("place", place) in columns:
            parts.append(Part(family, place, columns["place", place], weight - weights.elsewhere))
    return parts


def _topic_parts(columns: Mapping[Column, int], profile: Profile, weights: Weights) -> list[Part]:
    parts = [
        Part("declared", topic, columns["topic", topic], weights.declared)
        for topic in sorted(set(profile.declared))
        if ("topic", topic) in columns
    ]
    for key in sorted(profile.attributes):
        strongest: dict[str, float] = {}
        for value in _plain(profile.attributes[key]):
            row = weights.attribute_topic.get((key, value)) or weights.attribute_topic.get((key, ANY)) or {}
            for topic, weight in row.items():
                # Two children in school are one reason, not two.
                strongest[topic] = max(weight, strongest.get(topic, -math.inf))
        parts += [
            Part("attribute", key, columns["topic", topic], weight)
            for topic, weight in sorted(strongest.items())
            if ("topic", topic) in columns
        ]
    return parts


def _language_parts(columns: Mapping[Column, int], profile: Profile, weights: Weights) -> list[Part]:
    language = profile.attributes.get("language")
    if not isinstance(language, str):
        return []
    parts = []
    for family, name in columns:
        if family == "language":
            weight = weights.same_language if _reads(language, name) else weights.other_language
            parts.append(Part("language", name, columns[family, name], weight))
    return parts


def _reads(reader: str, written: str) -> bool:
    """A reader of Japanese reads easy Japanese too, not the other way round."""
    return reader == written or (reader, written) == ("ja", "ja-simple")


def _plain(value: Value) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return (value,) if isinstance(value, str) else tuple(value)


def vector(parts: Iterable[Part], size: int) -> Floats:
    """The vector q: the parts added up by column."""
    q = np.zeros(size)
    for part in parts:
        q[part.column] += part.weight
    return q
