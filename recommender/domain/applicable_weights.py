"""Lists every weight that can bear on one reader's order, by what the reader told: the page of all weights; pure.

It is made from the very wishes that a list is made from (`recommender.domain.features.wishes`), so that nothing can move an
order and not stand here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from recommender.domain import weights as families
from recommender.domain.explain import (
    AVOIDED,
    DECLARED,
    DISTRICT,
    FOLLOWED,
    FOLLOWS_FROM,
    LANGUAGE,
    LEAST_WEIGHT,
)
from recommender.domain.features import BY_LANGUAGE, BY_TOPIC, Wish, bucket, faded, wishes
from recommender.domain.item_matrix import Catalogue
from recommender.domain.types import Profile
from recommender.domain.weights import Weights, key_of

WEEK = 7.0
BY_PROVIDER = "provider"
_PREFERENCES = {
    families.PLACE: DISTRICT,
    families.FOLLOWED: FOLLOWED,
    families.DECLARED: DECLARED,
    families.DECLARED_TOPIC: DECLARED,
    families.AVOIDED: AVOIDED,
    families.LANGUAGE: LANGUAGE,
}


@dataclass(frozen=True, slots=True)
class Told:
    """One weight: which trait of an item (of the kind `about`) it speaks of, and through which value of the reader.

    `weight` is what an item gets that has this trait alone; `learnt` says whether it is of at least 20 residents, or
    else the editors' expectation. `key` is the attribute itself, also where it follows from another.
    """

    key: str
    about: str
    value: str
    trait: str
    weight: float
    learnt: bool


@dataclass(frozen=True, slots=True)
class Concerning:
    """What one thing that a reader told does to the order, what raises most first."""

    key: str
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Ageing:
    """What the items of a kind begin with, and how they fade: days to half, and the factor after a week."""

    kind: str
    begins: float
    half_life: float
    after_a_week: float


def concerning(profile: Profile, catalogue: Catalogue) -> tuple[Concerning, ...]:
    """By what the reader told; weights that are too small to change an order but by chance are left out."""
    universe = _universe(catalogue)
    found: dict[str, dict[tuple[str, str, str, str], Told]] = {}
    for wish in wishes(profile):
        rows = found.setdefault(_told_by(wish, profile), {})
        for trait in universe.get(wish.trait, ()) if wish.match is None else (wish.match,):
            told = _told(wish, trait, catalogue.weights)
            name = (told.key, told.about, told.value, told.trait)
            earlier = rows.get(name)
            rows[name] = told if earlier is None else _sum(earlier, told)
    listed = []
    for key, rows in found.items():
        kept = [told for told in rows.values() if abs(told.weight) >= LEAST_WEIGHT]
        if kept:
            kept.sort(key=lambda told: (-told.weight, told.key, told.about, told.value, told.trait))
            listed.append(Concerning(key, tuple(kept)))
    return tuple(listed)


def common(catalogue: Catalogue) -> tuple[Told, ...]:
    """The same for everybody: topics and providers that are opened more or less often than others."""
    weights = catalogue.weights
    names = {
        families.TOPIC: (BY_TOPIC, catalogue.topics),
        families.PROVIDER: (
            BY_PROVIDER,
            sorted({item.provider for item in catalogue.items if item.provider}),
        ),
    }
    found = [
        Told("", about, "", name, weights.of(family, name), weights.knows(family, name))
        for family, (about, known) in names.items()
        for name in known
    ]
    kept = [told for told in found if abs(told.weight) >= LEAST_WEIGHT]
    return tuple(sorted(kept, key=lambda told: (-told.weight, told.about, told.trait)))


def ageing(catalogue: Catalogue) -> tuple[Ageing, ...]:
    """The same for everybody: the kinds that are there, the ones that begin highest first."""
    weights = catalogue.weights
    after = str(bucket(WEEK))
    kinds = sorted({item.kind for item in catalogue.items})
    found = [
        Ageing(
            kind,
            weights.of(families.BASE, kind),
            weights.prior.half_life(kind),
            faded(weights.prior, kind, WEEK) + weights.of(families.RECENCY, key_of(kind, after)),
        )
        for kind in kinds
    ]
    return tuple(sorted(found, key=attrgetter("begins"), reverse=True))


def _universe(catalogue: Catalogue) -> Mapping[str, tuple[str, ...]]:
    """What an item may have, where a wish meets every trait of its kind."""
    languages = sorted(name for kind, name in catalogue.columns if kind == "language")
    return {BY_TOPIC: catalogue.topics, BY_LANGUAGE: tuple(languages)}


def _attribute(wish: Wish) -> str:
    """The attribute that a wish comes from."""
    if wish.family == families.AUDIENCE:
        return wish.label
    if wish.family.startswith(families.ATTRIBUTE):
        return wish.family.removeprefix(families.ATTRIBUTE)
    return _PREFERENCES.get(wish.family, "")


def _told_by(wish: Wish, profile: Profile) -> str:
    """What would have to be changed; "elsewhere" is there for whoever lives somewhere, or else follows a place."""
    if wish.family == families.ELSEWHERE:
        return DISTRICT if profile.district else FOLLOWED
    key = _attribute(wish)
    return FOLLOWS_FROM.get(key, key)


def _told(wish: Wish, trait: str, weights: Weights) -> Told:
    cell = key_of(wish.label, trait) if wish.match is None else wish.label
    weight, learnt = weights.of(wish.family, cell), weights.knows(wish.family, cell)
    if wish.family == families.AVOIDED:
        weight = min(weight, families.LEAST_AVOIDED)
    if wish.family in {families.PLACE, families.FOLLOWED}:
        # An item of a place has both in its score.
        weight += weights.of(families.ELSEWHERE)
        learnt = learnt or weights.knows(families.ELSEWHERE)
    value = wish.label if wish.match is None else ""
    return Told(_attribute(wish), wish.trait, value, trait, weight, learnt)


def _sum(one: Told, other: Told) -> Told:
    return replace(one, weight=one.weight + other.weight, learnt=one.learnt or other.learnt)
