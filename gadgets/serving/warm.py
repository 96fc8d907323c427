"""Keeps shared cards fresh in the background: those that somebody read lately and may still be fetched.

A fragment request notes what it read; the sweep fetches it again once it is stale, until nobody has read it
for the manifest's `max_age`. Private cards (`pairwise`) are never noted. The notes are hints in the cache.
"""

import json
import time
from uuid import UUID

from django.core.cache import cache
from django.utils import timezone

from gadgets import queries
from gadgets.life import versions
from gadgets.serving import fetch
from gadgets.types import GadgetInfo, Wanted
from identity import queries as identity_queries
from identity.queries import Bundle

MOST_NOTES = 200
MOST_AT_ONCE = 40


def _key(gadget_id: str) -> str:
    return f"warm:{gadget_id}"


def note(wanted: Wanted, now: float | None = None) -> None:
    """Somebody reads this card. Of a personal one only who reads it is kept: what they granted is read anew."""
    if wanted.level == "pairwise" or not wanted.gadget.has_card:
        return
    now = time.time() if now is None else now
    reader = str(wanted.resident_id) if wanted.level == "audience" else ""
    claims = fetch.claims_key(wanted.claims) if wanted.level == "audience" else ""
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
    now = time.time() if now is None else now
    asked = 0
    published = queries.registry().gadgets
    noted = cache.get_many([_key(gadget_id) for gadget_id in published])
    for gadget in published.values():
        for name, (reader, _) in _live(noted.get(_key(gadget.id)), now).items():
            if asked >= MOST_AT_ONCE:
                return asked
            asked += _refresh(gadget, name, str(reader))
    return asked


def _version(gadget: GadgetInfo, version: str, bundle: Bundle | None) -> GadgetInfo | None:
    """The noted version, while somebody may still get it: a reader who is known, or anybody."""
    earlier = queries.registry().earlier.get(gadget.id)
    if bundle is not None:
        gadget = versions.choose(gadget, earlier, bundle=bundle, now=timezone.now()).shown
    elif earlier is not None and earlier.gadget.version == version:
        gadget = earlier.gadget
    return gadget if gadget.version == version else None


def _refresh(gadget: GadgetInfo, name: str, reader: str) -> int:
    version, size, locale, settings, claims = json.loads(name)
    bundle = identity_queries.bundle(UUID(reader)) if reader else None
    found = _version(gadget, version, bundle)
    if found is None:
        return 0
    gadget = found
    wanted = fetch.wanted_for(
        gadget,
        bundle=bundle,
        locale=locale,
        size=size,
        settings=settings,
        cells=queries.registry().cells,
    )
    backed = _short(fetch.claims_key(wanted.claims)) if wanted.level == "audience" else ""
    if wanted.level == "pairwise" or backed != claims or fetch.is_fresh(wanted):
        return 0
    fetch.refresh(wanted, deadline=fetch.BACKGROUND)
    return 1
