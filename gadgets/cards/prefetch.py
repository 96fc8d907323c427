"""Keeps shared cards fresh in the background: those that somebody read lately and may still be fetched.

A fragment request notes what it read; the sweep fetches it again once it is stale, until nobody has read it
for the manifest's `max_age`. Private cards (`pairwise`) are never noted. The notes are hints in the cache.
"""

import json
import time
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.utils import timezone

from core import sweeps
from gadgets.cards import fetch
from gadgets.operation import rollout
from gadgets.registry import registry
from gadgets.release import claims_key
from gadgets.types import GadgetInfo, StoredCard, Wanted
from identity import queries as identity_queries
from identity.queries import Bundle

MOST_NOTES = 200
MOST_AT_ONCE = 40
JOB = "gadgets.refresh_cards"
FAILED_SECONDS = 15 * 60
"""So long a gadget comes last in a sweep after a failed refresh."""


def _key(gadget_id: str) -> str:
    return f"warm:{gadget_id}"


def _failed_key(gadget_id: str) -> str:
    return f"warm-failed:{gadget_id}"


def note(wanted: Wanted, now: float | None = None) -> None:
    """Somebody reads this card. Of a personal one only who reads it is kept: what they granted is read anew."""
    if wanted.level == "pairwise" or not wanted.gadget.has_card:
        return
    now = time.time() if now is None else now
    reader = str(wanted.resident_id) if wanted.level == "audience" else ""
    claims = claims_key(wanted.claims) if wanted.level == "audience" else ""
    drawn = [wanted.gadget.version, wanted.size, wanted.locale, dict(wanted.settings), _short(claims)]
    name = json.dumps(drawn, sort_keys=True)
    held = _notes(wanted.gadget.id, now)
    held.pop(name, None)
    held[name] = [reader, now + wanted.gadget.max_age]
    kept = dict(list(held.items())[-MOST_NOTES:])
    cache.set(_key(wanted.gadget.id), json.dumps(kept), wanted.gadget.max_age)


def _short(claims: str) -> str:
    """Tells combinations of claims apart without holding them."""
    return fetch.fingerprint(claims) if claims else ""


def _notes(gadget_id: str, now: float) -> dict[str, list[object]]:
    return _live(cache.get(_key(gadget_id)), now)


def _live(noted: str | None, now: float) -> dict[str, list[object]]:
    held: dict[str, list[object]] = json.loads(noted or "{}")
    return {name: row for name, row in held.items() if isinstance(row[1], float | int) and row[1] > now}


def forget(gadget_id: str, resident_id: UUID) -> None:
    """Drops what is noted of a reader who took their consent back: nothing is fetched for them in the background."""
    held: dict[str, list[object]] = json.loads(cache.get(_key(gadget_id)) or "{}")
    kept = {name: row for name, row in held.items() if row[0] != str(resident_id)}
    if len(kept) < len(held):
        last = max((float(str(row[1])) for row in kept.values()), default=0.0)
        cache.set(_key(gadget_id), json.dumps(kept), max(last - time.time(), 1))


def refresh_read(now: float | None = None) -> int:
    """Fetches the stale ones among the noted cards; returns how many were asked for."""
    sweep = _Sweep()
    sweeps.each(
        JOB, _in_turn(time.time() if now is None else now), sweep.one, key=lambda item: item.gadget.id
    )
    return sweep.asked


@dataclass(frozen=True, slots=True)
class _Noted:
    """One card that somebody read: how it was drawn, and who read it (empty for a public one)."""

    gadget: GadgetInfo
    name: str
    reader: str


def _in_turn(now: float) -> list[_Noted]:
    """The noted cards, one of each gadget after the other; those of gadgets that failed lately come last.

    So a gadget with many cards, or one that costs the whole deadline at each call, stands before nobody else's.
    """
    published = registry().gadgets
    keys = [key(gadget_id) for gadget_id in published for key in (_key, _failed_key)]
    noted = cache.get_many(keys)
    rows = {
        gadget.id: [
            _Noted(gadget, name, str(row[0])) for name, row in _read(noted.get(_key(gadget.id)), now).items()
        ]
        for gadget in published.values()
    }
    good = [row for gadget_id, row in rows.items() if _failed_key(gadget_id) not in noted]
    bad = [row[:1] for gadget_id, row in rows.items() if _failed_key(gadget_id) in noted]
    return [one for some in (good, bad) for turn in zip_longest(*some) for one in turn if one is not None]


def _read(noted: Any, now: float) -> dict[str, list[object]]:
    """The notes of one gadget; what cannot be read is none."""
    try:
        return _live(noted, now)
    except (ValueError, TypeError, LookupError, AttributeError):
        return {}


class _Sweep:
    """One sweep: how many cards were asked for, and which gadgets are left alone for the rest of it."""

    def __init__(self) -> None:
        self.asked = 0
        self.failed: set[str] = set()

    def one(self, noted: _Noted) -> None:
        gadget_id = noted.gadget.id
        if self.asked >= MOST_AT_ONCE or gadget_id in self.failed:
            return
        try:
            outcome = _refresh(noted.gadget, noted.name, noted.reader)
        except Exception:
            self._fails(gadget_id)
            raise
        if outcome is None:
            return
        self.asked += 1
        if outcome:
            cache.delete(_failed_key(gadget_id))
        else:
            self._fails(gadget_id)

    def _fails(self, gadget_id: str) -> None:
        self.failed.add(gadget_id)
        cache.set(_failed_key(gadget_id), 1, FAILED_SECONDS)


def _version(gadget: GadgetInfo, version: str, bundle: Bundle | None) -> GadgetInfo | None:
    """The noted version, while somebody may still get it: a reader who is known, or anybody."""
    earlier = registry().earlier.get(gadget.id)
    if bundle is not None:
        gadget = rollout.choose(gadget, earlier, bundle=bundle, now=timezone.now()).shown
    elif earlier is not None and earlier.gadget.version == version:
        gadget = earlier.gadget
    return gadget if gadget.version == version else None


def _refresh(gadget: GadgetInfo, name: str, reader: str) -> bool | None:
    """Whether the card is fresh now; None when there was nothing to ask for."""
    version, size, locale, settings, claims = json.loads(name)
    bundle = identity_queries.bundle(UUID(reader)) if reader else None
    found = _version(gadget, version, bundle)
    if found is None:
        return None
    gadget = found
    wanted = fetch.wanted_for(
        gadget,
        bundle=bundle,
        locale=locale,
        size=size,
        settings=settings,
        cells=registry().cells,
    )
    backed = _short(claims_key(wanted.claims)) if wanted.level == "audience" else ""
    if wanted.level == "pairwise" or backed != claims or fetch.is_fresh(wanted):
        return None
    card = fetch.refresh(wanted, deadline=fetch.BACKGROUND)
    return isinstance(card, StoredCard) and not card.wants_refresh(timezone.now())
