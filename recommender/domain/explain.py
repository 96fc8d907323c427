"""Finds why an item stands where it stands: what the score would lose if a reader had not told this or that.

A cause is one thing that a reader told (an attribute or a preference) with everything that follows from it, so that
what is named is what would have to be changed. The sentences are in `recommender.domain.sentences`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from recommender.domain import weights as families
from recommender.domain.features import plain, topics_of
from recommender.domain.item_matrix import Catalogue
from recommender.domain.rules import FAMILY
from recommender.domain.types import Item, Profile, Ranked, Term
from recommender.domain.weights import Weights, key_of

# Below this a term changes an order by chance only: exp(.05) is five in a hundred.
LEAST_WEIGHT = 0.05
MOST_REASONS = 3
MOST_LOWERED = 2
FRESH_DAYS = 14.0
"""What is older is not called recent, whatever its kind; what takes place later is not called soon."""
# A factor this near to "as often as others" is called "a little", without a number.
LITTLE = (0.9, 1.1)

DISTRICT, FOLLOWED, DECLARED, AVOIDED, LANGUAGE = (
    "area.district",
    "area.followed",
    "interests",
    "avoids",
    "language",
)
FOLLOWS_FROM: Mapping[str, str] = {"area.waste_zone": DISTRICT}
"""What nobody tells, because it follows from something that they told."""
_TOLD_BY = {
    "place": DISTRICT,
    "followed": FOLLOWED,
    "declared": DECLARED,
    "avoided": AVOIDED,
    "language": LANGUAGE,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a code of SENTENCES, what fills its sentence, and what to change (an attribute's key, or "")."""

    code: str
    params: Mapping[str, str]
    change_key: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """What a reader told, and by how much the score would be lower (or higher, if negative) without it."""

    key: str
    effect: float
    parts: tuple[Term, ...]


RECENT = Reason("recent", {})
SOON = Reason("soon", {})
POPULAR = Reason("popular", {})
VARIED = Reason("varied", {})
EVERYBODY = Reason("everybody", {})
NEWEST = Reason("newest", {})
EXPLORING = Reason("exploring", {})
LIFTED = Reason("lifted", {})
OTHERS = Reason("others", {})
PINNED = Reason("pinned", {})
RULED_UP = Reason("ruled_up", {})
RULED_DOWN = Reason("ruled_down", {})


def reasons(ranked: Ranked, profile: Profile, catalogue: Catalogue) -> tuple[Reason, ...]:
    """At most three reasons, the strongest first; never empty, and never two for one thing that was told."""
    if ranked.terms and ranked.terms[0].family == "newest":
        return (NEWEST,)
    if ranked.exploring:
        # It stands there to be seen at all, whatever speaks for it besides.
        return (EXPLORING,)
    raised = [cause for cause in causes(ranked, profile, catalogue) if cause.effect >= LEAST_WEIGHT]
    item = catalogue.items[catalogue.index[ranked.item_id]]
    first = _outside(ranked)
    most = MOST_REASONS - len(first)
    told = tuple(_reason(cause, item, profile, catalogue.weights) for cause in raised[:most])
    return first + told or (_of_everybody(ranked, item, catalogue),)


def _of_everybody(ranked: Ranked, item: Item, catalogue: Catalogue) -> Reason:
    """Why it stands there if nothing that the reader told speaks for it."""
    if ranked.varied:
        return VARIED
    if ranked.days <= FRESH_DAYS:
        return RECENT if item.starts_at is None else SOON
    row, weights = catalogue.index[item.id], catalogue.weights
    learnt = sum(term.weight for term in catalogue.base_terms(row) if weights.knows(term.family, term.key))
    return POPULAR if learnt >= LEAST_WEIGHT else EVERYBODY


def lowered(ranked: Ranked, profile: Profile, catalogue: Catalogue) -> tuple[Reason, ...]:
    """What lowers an item most because of the reader; never empty (else other items rose)."""
    item = catalogue.items[catalogue.index[ranked.item_id]]
    negative = [
        cause for cause in reversed(causes(ranked, profile, catalogue)) if cause.effect <= -LEAST_WEIGHT
    ]
    found = [_reason(cause, item, profile, catalogue.weights) for cause in negative]
    if _by_rules(ranked) <= -LEAST_WEIGHT:
        found.insert(0, RULED_DOWN)
    return tuple(found[:MOST_LOWERED]) or (OTHERS,)


def _outside(ranked: Ranked) -> tuple[Reason, ...]:
    """What no reader told: that editors pinned or raised it, or that its provider is to be seen."""
    if ranked.pinned:
        return (PINNED,)
    raised = (RULED_UP,) if _by_rules(ranked) >= LEAST_WEIGHT else ()
    return (*raised, LIFTED) if ranked.lifted else raised


def _by_rules(ranked: Ranked) -> float:
    return sum(term.weight for term in ranked.terms if term.family == FAMILY)


def causes(ranked: Ranked, profile: Profile, catalogue: Catalogue) -> tuple[Cause, ...]:
    """Everything told that bears on this item, what raises it most first. `without` says what "without it" means."""
    parts: dict[str, list[Term]] = {}
    for term in ranked.terms:
        told = _told(term, profile)
        if told:
            parts.setdefault(told, []).append(term)
    district = profile.district
    if district and district in profile.followed and any(term.family == "place" for term in ranked.terms):
        # Without the district as a home it is still followed.
        still = -catalogue.weights.of(families.FOLLOWED)
        parts[DISTRICT].append(Term("still_followed", district, still))
    found = [Cause(key, sum(term.weight for term in terms), tuple(terms)) for key, terms in parts.items()]
    return tuple(sorted(found, key=lambda cause: (-cause.effect, cause.key)))


def without(profile: Profile, key: str) -> Profile:
    """The reader, had they not told this."""
    attributes = {
        name: value for name, value in profile.attributes.items() if FOLLOWS_FROM.get(name, name) != key
    }
    return Profile(
        district=None if key == DISTRICT else profile.district,
        followed=() if key == FOLLOWED else profile.followed,
        declared=() if key == DECLARED else profile.declared,
        avoided=() if key == AVOIDED else profile.avoided,
        attributes=attributes,
    )


def factor(weight: float) -> str:
    """How many times as often, to one decimal (two below a tenth)."""
    times = math.exp(weight)
    return f"{times:.1f}" if times >= 0.1 else f"{times:.2f}"


def _told(term: Term, profile: Profile) -> str:
    """Which thing that was told a term would go with; "" for what belongs to the item, or goes with nothing alone."""
    if term.family in {"attribute", "audience"}:
        return FOLLOWS_FROM.get(term.key, term.key)
    if term.family == "elsewhere":
        # Whoever lives somewhere and follows places has an "elsewhere" by each of the two.
        if profile.district and any(profile.followed):
            return ""
        return DISTRICT if profile.district else FOLLOWED
    return _TOLD_BY.get(term.family, "")


def _reason(cause: Cause, item: Item, profile: Profile, weights: Weights) -> Reason:
    """In words: the part that does most for the effect, in its direction."""
    sign = 1 if cause.effect > 0 else -1
    sums: dict[str, float] = {}
    for term in cause.parts:
        name = "place" if term.family in {"place", "elsewhere"} else term.family
        name = f"{name}:{term.key}" if name in {"attribute", "audience"} else name
        sums[name] = sums.get(name, 0.0) + sign * term.weight
    main = max(sorted(sums), key=lambda name: sums[name])
    family, _, key = main.partition(":")
    if family == "attribute":
        return _of_attribute(key, item, profile, weights, sign)
    if family == "audience":
        mine, meant = (
            plain(profile.attributes[key]),
            {one for name, one in item.audience_values if name == key},
        )
        met = [value for value in mine if value in meant] or mine
        return _made("audience", key, "|".join(met), "", "", cause.key)
    if family == "language":
        return _made("language" if sign > 0 else "language_other", LANGUAGE, "", "", "", LANGUAGE)
    values = "|".join(
        term.key
        for term in sorted(cause.parts, key=lambda term: -sign * term.weight)
        if term.family == family
    )
    if family == "place":
        return _made("district" if values else "elsewhere", DISTRICT, values, "", "", cause.key)
    return _made(_CODES[family], cause.key, values, "", "", cause.key)


_CODES = {"followed": "followed", "still_followed": "followed", "declared": "topic", "avoided": "avoided"}


def _of_attribute(key: str, item: Item, profile: Profile, weights: Weights, sign: int) -> Reason:
    """Which value and which topic of the item carry the term, and whether that was learnt or is expected."""
    family = families.ATTRIBUTE + key
    cells = [
        (sign * weights.of(family, key_of(value, topic)), value, topic)
        for value in plain(profile.attributes[key])
        for topic, _ in topics_of(item)
    ]
    strongest, value, topic = max(cells, key=lambda cell: cell[0])
    code, times = direction(sign * strongest, learnt=weights.knows(family, key_of(value, topic)))
    return _made(code, key, value, topic, times, FOLLOWS_FROM.get(key, key))


def direction(weight: float, *, learnt: bool) -> tuple[str, str]:
    """The code of a sentence about an attribute and a topic, and its number: only what was learnt has one."""
    if not learnt:
        return ("expected" if weight > 0 else "unexpected"), ""
    times = round(math.exp(weight), 1)
    if LITTLE[0] <= times <= LITTLE[1]:
        return ("often_little" if weight > 0 else "seldom_little"), ""
    return ("often" if weight > 0 else "seldom"), factor(weight)


@lru_cache(maxsize=4096)
def _made(code: str, key: str, value: str, topic: str, times: str, change: str) -> Reason:
    params = {"key": key, "value": value, "topic": topic, "factor": times}
    return Reason(code, {name: text for name, text in params.items() if text}, change)
