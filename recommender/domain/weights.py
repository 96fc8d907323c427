"""What each feature is worth: the editors' prior, and the weights that were learnt on top of it.

Every weight is a natural logarithm of a factor on expected clicks, and belongs to a family. A cell is one weight:
a family and a key inside it, whose parts are joined by "|" ("25-34|sports" of "attribute:age_band").
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from recommender.errors import WeightsError

BASE = "base"  # the kind of an item
ITEM = "item"  # one item, by its id
PROVIDER = "provider"
RECENCY = "recency"  # kind|bucket of age: what the half-life of the kind leaves to be said
TOPIC = "topic"
ELSEWHERE = "elsewhere"  # the item has a place, and the reader told one
PLACE = "place"  # it is the reader's district: on top of ELSEWHERE
FOLLOWED = "followed"  # the reader follows the place: on top of ELSEWHERE
DECLARED = "declared"  # a topic that the reader chose, whichever
DECLARED_TOPIC = "declared_topic"  # the topic that it is
AVOIDED = "avoided"  # a topic of which the reader asked for less
LANGUAGE = "language"  # reader|item
AUDIENCE = "audience"  # the attribute by which the item's audience was chosen
ATTRIBUTE = "attribute:"  # attribute:KEY, value|topic
BIAS = "bias"  # how often anything is opened; used in learning only
POSITION = "position"  # how far down it stood; used in learning only

IMPERSONAL = (BASE, ITEM, PROVIDER, RECENCY, TOPIC)
"""Families that say nothing about the reader."""


LEAST_AVOIDED = -0.5
"""What was asked for less of stands lower by at least this, whatever was learnt: it was promised."""


def key_of(*parts: str) -> str:
    """The key of a cell."""
    return "|".join(parts)


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
class Prior:
    """What the editors expect before anybody has opened anything; m_f of the model.

    `own_district`, `followed` and `elsewhere` are what an item of such a place gets in the end.
    """

    own_district: float = 0.7
    followed: float = 0.5
    elsewhere: float = -0.7
    declared: float = 0.7
    avoided: float = -1.0
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
            self.avoided,
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

    def mean(self, family: str, key: str) -> float:
        """What a cell is worth as long as nothing was learnt about it."""
        if family.startswith(ATTRIBUTE):
            value, _, topic = key.rpartition("|")
            row: Mapping[str, float] = self.attribute_topic.get((family.removeprefix(ATTRIBUTE), value), {})
            return row.get(topic, 0.0)
        if family == LANGUAGE:
            reader, _, written = key.partition("|")
            return self.same_language if _reads(reader, written) else self.other_language
        if family == BASE:
            return self.base.get(key, 0.0)
        return {
            ELSEWHERE: self.elsewhere,
            PLACE: self.own_district - self.elsewhere,
            FOLLOWED: self.followed - self.elsewhere,
            DECLARED: self.declared,
            AVOIDED: self.avoided,
            AUDIENCE: self.audience,
        }.get(family, 0.0)

    def half_life(self, kind: str) -> float:
        """Days after which an item of this kind is worth half."""
        return self.half_life_days.get(kind, self.default_half_life_days)


def _reads(reader: str, written: str) -> bool:
    """A reader of Japanese reads easy Japanese too, not the other way round."""
    return reader == written or (reader, written) == ("ja", "ja-simple")


@dataclass(frozen=True)
class Weights:
    """The prior and what was learnt: family → key → weight. A cell that is not there has its prior's mean."""

    prior: Prior = field(default_factory=Prior)
    learnt: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, family: str, key: str = "") -> float:
        """The weight of one cell."""
        found = self.learnt.get(family)
        weight = found.get(key) if found is not None else None
        return self.prior.mean(family, key) if weight is None else weight

    def knows(self, family: str, key: str = "") -> bool:
        """Whether the weight of a cell was learnt; what is learnt is of 20 people at least."""
        return key in self.learnt.get(family, ())

    def check(self) -> None:
        """Raise WeightsError unless every weight is a finite number and every half-life positive."""
        self.prior.check()
        if not isinstance(self.learnt, Mapping):
            raise WeightsError("a table of families is expected")
        for family, cells in self.learnt.items():
            if not isinstance(cells, Mapping) or not all(_finite(weight) for weight in cells.values()):
                raise WeightsError(f"{family}: every weight must be a finite number")


def _finite(weight: object) -> bool:
    return isinstance(weight, int | float) and not isinstance(weight, bool) and math.isfinite(weight)
