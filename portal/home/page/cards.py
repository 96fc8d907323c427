"""The cards of a home as the cache holds them; nothing in here asks a provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.utils import timezone

from core.texts import Texts
from gadgets.cards import fetch
from gadgets.layout.layout import Arranged, Placement, Slot, arrange
from gadgets.operation import rollout
from gadgets.types import ClaimSpec, GadgetInfo, StoredCard, Wanted
from identity.queries import Bundle
from portal.home.index.content_index import Catalogue


@dataclass(frozen=True, slots=True)
class Wish:
    """A gadget in its place, and the card that is wanted for it (None for a gadget without a card)."""

    place: Arranged
    gadget: GadgetInfo
    wanted: Wanted | None
    key: str
    asks: GadgetInfo | None = None
    """The version to ask about, where it is another than the one that is shown."""
    public: Wanted | None = None
    """The form for everybody, shown until the reader's own card is there."""
    public_key: str = ""


@dataclass(frozen=True, slots=True)
class CardView:
    """What the frame of one gadget shows. `stored` is None when nothing can be shown now.

    `asks` are the attributes to ask for, at most for one gadget of a page; `lacks` those that the gadget
    needs and the resident has not filled in; `too_few` those that are not told because few residents share them.
    `asking` is the version of the gadget that asks, and `news` what it asks in another way than before.
    """

    place: Arranged
    gadget: GadgetInfo
    stored: StoredCard | None
    public_form: bool = False
    asks: tuple[ClaimSpec, ...] = ()
    lacks: tuple[str, ...] = ()
    too_few: tuple[str, ...] = ()
    asking: GadgetInfo | None = None
    news: tuple[Texts, ...] = ()
    stands_in: bool = False
    """`stored` is the form for everybody: the reader's own card is still to come."""

    @property
    def has_card(self) -> bool:
        return self.gadget.has_card


def wishes(
    catalogue: Catalogue,
    slots: Sequence[Slot],
    placements: Sequence[Placement],
    *,
    bundle: Bundle | None,
    locale: str,
) -> list[Wish]:
    """The gadgets of a home in order; a hidden, no longer published or foreign one is left out."""
    found = []
    earlier = catalogue.registry.earlier
    for place in arrange(slots, placements):
        gadget = catalogue.registry.gadgets.get(place.gadget_id)
        if gadget is None or place.hidden or (bundle is not None and not gadget.serves(bundle.home_region)):
            continue
        asks = gadget
        if place.gadget_id in earlier:
            chosen = rollout.choose(gadget, earlier[place.gadget_id], bundle=bundle, now=timezone.now())
            gadget, asks = chosen.shown, chosen.asks
        wanted = None
        if gadget.has_card:
            wanted = fetch.wanted_for(
                gadget,
                bundle=bundle,
                locale=locale,
                size=place.size,
                settings=place.settings,
                cells=catalogue.registry.cells,
            )
        public = fetch.public_of(wanted) if wanted else None
        found.append(
            Wish(
                place,
                gadget,
                wanted,
                _key(wanted) if wanted else "",
                asks,
                public,
                _key(public) if public else "",
            )
        )
    return found


def cache_keys(found: Sequence[Wish]) -> list[str]:
    """What to ask the cache for, in one go."""
    return [key for wish in found for key in (wish.key, wish.public_key) if key]


def views(
    found: Sequence[Wish],
    cached: Mapping[str, Any],
    *,
    bundle: Bundle | None,
    may_ask: bool,
    now: datetime,
) -> tuple[CardView, ...]:
    """The wishes with what the cache held for them."""
    made = []
    for wish in found:
        asking = wish.asks or wish.gadget
        lacks = _lacks(asking, bundle) if bundle else ()
        asks = rollout.question(asking, bundle) if may_ask and bundle and not lacks else ()
        may_ask = may_ask and not asks
        stored = _stored(cached.get(wish.key), wish.wanted, now)
        public = _stored(cached.get(wish.public_key), wish.public, now) if stored is None else None
        made.append(
            CardView(
                place=wish.place,
                gadget=wish.gadget,
                stored=stored or public,
                public_form=wish.wanted is not None and wish.wanted.public_form,
                asks=asks,
                lacks=lacks,
                too_few=wish.wanted.too_few if wish.wanted is not None else (),
                asking=asking,
                news=_news(asking, bundle, asks) if bundle and asks else (),
                stands_in=public is not None,
            )
        )
    return tuple(made)


def _stored(raw: Any, wanted: Wanted | None, now: datetime) -> StoredCard | None:
    if raw is None or wanted is None:
        return None
    shared = wanted.level != "pairwise"
    stored = _opened.get(raw) if shared else None
    if stored is None or stored.status(now) != "current":
        stored = fetch.decode(raw, wanted, now)
        if shared and stored is not None and stored.status(now) == "current":
            _keep(_opened, raw, stored)
    return stored if stored is not None and now < stored.stale_until else None


def _key(wanted: Wanted) -> str:
    """The card's key in the cache; worked out once for all who share the card."""
    if wanted.level == "pairwise" or wanted.settings:
        return fetch.cache_key(wanted)
    gadget = wanted.gadget
    name = (gadget.id, gadget.version, wanted.size, wanted.locale, wanted.granted, *wanted.claims.items())
    found = _keys.get(name)
    if found is None:
        found = fetch.cache_key(wanted)
        _keep(_keys, name, found)
    return found


# What is the same for everybody who sees a card; a card for one resident alone is never among it.
MOST_KEPT = 4096
_opened: dict[bytes, StoredCard] = {}
_keys: dict[tuple[object, ...], str] = {}

K = TypeVar("K")
V = TypeVar("V")


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[key] = value


def _news(gadget: GadgetInfo, bundle: Bundle, asks: tuple[ClaimSpec, ...]) -> tuple[Texts, ...]:
    return rollout.news(gadget, bundle, tuple(claim.name for claim in asks))


def _lacks(gadget: GadgetInfo, bundle: Bundle) -> tuple[str, ...]:
    return tuple(
        claim.name for claim in gadget.claims if claim.required and claim.name not in bundle.attributes
    )
