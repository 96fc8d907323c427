"""Where the private cards of a resident lie in the cache, so that a withdrawal can take them out at once.

One slot for each size and language names the entry that was written last. A card that is fetched while the
withdrawal happens finds the mark that it leaves, and is taken out by its own writer.
"""

from itertools import product
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from gadgets.cards.card_store import cache_key, fingerprint
from gadgets.types import Wanted

SIZES = ("S", "M", "L")
MARK_SECONDS = 10
"""Longer than any fetch may take."""


def _slot(gadget_id: str, resident_id: UUID, size: str, locale: str) -> str:
    return f"card-slot:{fingerprint(f'{gadget_id} {resident_id}')}:{size}:{locale}"


def _mark(gadget_id: str, resident_id: UUID) -> str:
    return f"card-purged:{fingerprint(f'{gadget_id} {resident_id}')}"


def store(wanted: Wanted, raw: bytes, seconds: float) -> None:
    """Writes a private card and notes where it lies; what lay in its place goes."""
    assert wanted.resident_id is not None  # noqa: S101  (pairwise is always somebody's)
    key = cache_key(wanted)
    slot = _slot(wanted.gadget.id, wanted.resident_id, wanted.size, wanted.locale)
    before = cache.get(slot)
    cache.set_many({key: raw, slot: key}, seconds)
    stale = [before] if before is not None and before != key else []
    if cache.get(_mark(wanted.gadget.id, wanted.resident_id)) is not None:
        stale += [key, slot]
    if stale:
        cache.delete_many(stale)


def purge(gadget_id: str, resident_id: UUID) -> int:
    """Takes every private card of this gadget and resident out of the cache; returns how many."""
    cache.set(_mark(gadget_id, resident_id), 1, MARK_SECONDS)
    return forget(gadget_id, resident_id)


def forget(gadget_id: str, resident_id: UUID) -> int:
    """As `purge`, but what is fetched from now on may stay: a form changed what the cards say."""
    locales = dict(settings.LANGUAGES)
    slots = [_slot(gadget_id, resident_id, size, locale) for size, locale in product(SIZES, locales)]
    keys = list(cache.get_many(slots).values())
    cache.delete_many([*slots, *keys])
    return len(keys)
