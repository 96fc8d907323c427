"""Which cells of which families speak about an item that was shown to a reader: the model.

    log expected clicks = bias + position + recency curve of the kind + Σ over families of Σ x·w

The same features make a list (`catalogue`) and are learnt from (`design`, `fitting`, `learning`). What is personal is
told from two sides that know nothing of each other: what a reader looks for (`wishes`) and what an item has (`traits`).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from recommender.domain import weights as families
from recommender.domain.sparse import Block, Floats, Names, Numbered, Side, block_of, meet, spread
from recommender.domain.types import Item, Profile, Value
from recommender.domain.weights import Prior, key_of
from recommender.errors import CatalogueError

DAY = 86_400.0
# A decayed item is never pushed further down than this many half-lives.
MAX_HALF_LIVES = 6.0
# Ages in days at which one bucket of recency ends and the next begins.
AGE_EDGES = np.array([0.25, 0.5, 1, 2, 4, 8, 16, 32, 64])

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


# What an item has, by the kind of thing that a reader can look for.
BY_TOPIC, BY_PLACE, PLACED, BY_LANGUAGE, BY_AUDIENCE = "topic", "place", "placed", "language", "audience"


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a reader meets which trait of an item: one trait (`match`), or each of the kind.

    The cell is `label`, or for each trait of the kind `label|trait`.
    """

    family: str
    trait: str
    label: str
    x: float = 1.0
    match: str | None = None


def traits(item: Item) -> dict[str, tuple[Pair, ...]]:
    """What a reader can look for in an item."""
    return {
        BY_TOPIC: topics_of(item),
        BY_PLACE: tuple((place, 1.0) for place in dict.fromkeys(item.places)),
        PLACED: (("", 1.0),) if item.places else (),
        BY_LANGUAGE: ((item.language, 1.0),) if item.language else (),
        BY_AUDIENCE: tuple((key, 1.0) for key in dict.fromkeys(item.audience_keys)),
    }


def wishes(profile: Profile) -> Iterator[Wish]:
    """What a reader looks for."""
    places = places_of(profile)
    if places:
        yield Wish(families.ELSEWHERE, PLACED, "", match="")
    for place, family in places.items():
        yield Wish(family, BY_PLACE, "", match=place)
    for topic in dict.fromkeys(profile.declared):
        yield Wish(families.DECLARED, BY_TOPIC, "", match=topic)
        yield Wish(families.DECLARED_TOPIC, BY_TOPIC, topic, match=topic)
    for topic in dict.fromkeys(profile.avoided):
        yield Wish(families.AVOIDED, BY_TOPIC, "", match=topic)
    for key in sorted(profile.attributes):
        values = plain(profile.attributes[key])
        share = 1 / math.sqrt(len(values)) if values else 0.0
        for value in values:
            yield Wish(families.ATTRIBUTE + key, BY_TOPIC, value, share)
        yield Wish(families.AUDIENCE, BY_AUDIENCE, key, match=key)
    language = profile.attributes.get("language")
    if isinstance(language, str):
        yield Wish(families.LANGUAGE, BY_LANGUAGE, language)


def personal(profile: Profile, item: Item) -> Iterator[tuple[str, str, float]]:
    """Cells that an item has for this reader."""
    found = traits(item)
    for wish in wishes(profile):
        for trait, x in found[wish.trait]:
            if wish.match is None:
                yield wish.family, key_of(wish.label, trait), wish.x * x
            elif wish.match == trait:
                yield wish.family, wish.label, wish.x * x


@dataclass(frozen=True, eq=False)
class Design:
    """What was shown, as sparse columns by family; `offset` is the recency curve, `clicks` what came of it.

    Families and keys stand in the order of the alphabet, whatever the order of the rows.
    """

    blocks: Mapping[str, Block]
    offset: Floats
    clicks: Floats

    @property
    def size(self) -> int:
        """How many were shown."""
        return len(self.clicks)

    @classmethod
    def of(cls, shown: Sequence[Shown], prior: Prior) -> "Design":
        """Encode; a reader and an item that come again are looked at once.

        A time without a zone, or clicks that are no finite number from 0 up, are a CatalogueError.
        """
        clicks = np.array([one.clicks for one in shown], dtype=float)
        if not (np.isfinite(clicks) & (clicks >= 0)).all():
            raise CatalogueError("clicks must be finite and not negative")
        readers, items = Numbered([one.profile for one in shown]), Numbered([one.item for one in shown])
        age = np.abs(_moments(one.at for one in shown) - _anchors(items.values)[items.rows]) / DAY
        kinds = sorted({item.kind for item in items.values})
        kind = np.array([kinds.index(item.kind) for item in items.values], dtype=np.intp)[items.rows]
        half_lives = np.array([prior.half_life(name) for name in kinds])
        places = Numbered([one.position for one in shown])
        buckets = len(AGE_EDGES) + 1
        blocks = {
            families.BIAS: block_of(np.arange(len(shown)), np.zeros(len(shown), np.intp), lambda _: ""),
            families.POSITION: block_of(
                np.arange(len(shown)), places.rows, lambda code: str(places.values[code])
            ),
            families.RECENCY: block_of(
                np.arange(len(shown)),
                kind * buckets + np.searchsorted(AGE_EDGES, age, side="right"),
                lambda code: key_of(kinds[code // buckets], str(code % buckets)),
            ),
            **_impersonal(items),
            **_personal(readers, items),
        }
        offset = -math.log(2) * np.minimum(age / half_lives[kind], MAX_HALF_LIVES) if kinds else np.zeros(0)
        return cls({name: blocks[name] for name in sorted(blocks) if blocks[name].keys}, offset, clicks)

    def expected(self, weights: Callable[[str, str], float]) -> Floats:
        """Expected clicks by row, under weights given by family and key."""
        total = self.offset.copy()
        for family, block in self.blocks.items():
            total += block.apply(np.array([weights(family, key) for key in block.keys]), self.size)
        return np.exp(total)


def _impersonal(items: Numbered) -> dict[str, Block]:
    entries: dict[str, list[tuple[int, str, float]]] = {}
    for owner, item in enumerate(items.values):
        for family, key, x in impersonal(item):
            entries.setdefault(family, []).append((owner, key, x))
    blocks = {}
    for family, found in entries.items():
        names = Names()
        side = Side(((owner, names[key], x) for owner, key, x in found), len(items.values))
        rows, entry = spread(side.count[items.rows], side.start[items.rows])
        blocks[family] = block_of(rows, side.code[entry], names.all().__getitem__, side.x[entry])
    return blocks


def _personal(readers: Numbered, items: Numbered) -> dict[str, Block]:
    """`personal` for all rows: the wishes of a family times the traits of the item, cut to those that meet."""
    trait_names, sides = Names(), {}
    found: dict[str, list[tuple[int, int, float]]] = {}
    for owner, item in enumerate(items.values):
        for kind, pairs in traits(item).items():
            found.setdefault(kind, []).extend((owner, trait_names[trait], x) for trait, x in pairs)
    for kind, entries in found.items():
        sides[kind] = Side(entries, len(items.values))
    wanted: dict[tuple[str, str, bool], list[tuple[int, Wish]]] = {}
    for owner, profile in enumerate(readers.values):
        for wish in wishes(profile):
            wanted.setdefault((wish.family, wish.trait, wish.match is None), []).append((owner, wish))
    return {
        family: _crossed(told, sides[kind], readers, items, trait_names, each=each)
        for (family, kind, each), told in wanted.items()
    }


def _crossed(
    told: Sequence[tuple[int, Wish]],
    traits_of: Side,
    readers: Numbered,
    items: Numbered,
    names: Names,
    *,
    each: bool,
) -> Block:
    labels = Names()
    # The code of a wish is its label and the trait that it meets; -1 stands for every trait.
    wishes_of = Side(
        (
            (owner, labels[wish.label, -1 if wish.match is None else names[wish.match]], wish.x)
            for owner, wish in told
        ),
        len(readers.values),
    )
    rows, label, trait, x = meet(wishes_of, traits_of, readers.rows, items.rows)
    known, traits_known = labels.all(), names.all()
    if each:
        size = len(traits_known)
        return block_of(
            rows,
            label * size + trait,
            lambda code: key_of(known[code // size][0], traits_known[code % size]),
            x,
        )
    meets = np.array([match for _, match in known], dtype=np.intp)[label] == trait
    return block_of(rows[meets], label[meets], lambda code: str(known[code][0]), x[meets])


def _moments(found: Iterable[datetime]) -> Floats:
    """POSIX seconds; the same object (all of one visit) is looked at once."""
    known: dict[int, tuple[datetime, float]] = {}
    moments = []
    for at in found:
        seen = known.get(id(at))
        if seen is None:
            if at.tzinfo is None:
                raise CatalogueError(f"a time without a zone: {at}")
            seen = known[id(at)] = (at, at.timestamp())
        moments.append(seen[1])
    return np.array(moments, dtype=float)


def _anchors(items: Iterable[Item]) -> Floats:
    """From when each item ages."""
    return _moments([item.starts_at or item.published_at for item in items])
