"""Counts which combinations of claims enough residents share to be told to a gadget of level `audience`.

The registry holds the result, so a page reads no table for it. A combination that is not among them is too small:
`gadgets.cards.card_store.wanted_for` then leaves claims out.
"""

from collections.abc import Iterable
from itertools import combinations as choose

from django.core.cache import cache
from django.db import transaction

from gadgets.cards.card_store import fingerprint
from gadgets.models import CellCount, bump_registry
from gadgets.registry import registry
from gadgets.release import claims_key
from gadgets.types import GadgetInfo
from identity.residents import small_cells as identity_cells

COUNT_EVERY = 600
"""Seconds between two counts, unless other combinations are asked for meanwhile."""
_COUNTED = "cells:counted"
_LONGEST_KEY = 500


def combinations(gadgets: Iterable[GadgetInfo]) -> frozenset[tuple[str, ...]]:
    """Every combination of claims that may be told: all required ones, with any of the optional ones."""
    found: set[tuple[str, ...]] = set()
    for gadget in gadgets:
        if gadget.identity != "audience":
            continue
        required = [claim.name for claim in gadget.claims if claim.required]
        optional = [claim.name for claim in gadget.claims if not claim.required]
        for count in range(len(optional) + 1):
            found.update(tuple(sorted((*required, *some))) for some in choose(optional, count))
    return frozenset(found - {()})


def _served() -> list[GadgetInfo]:
    """Every version that somebody gets."""
    known = registry()
    return [*known.gadgets.values(), *(before.gadget for before in known.earlier.values())]


def count_due() -> bool:
    """Counts when the last count is old, or a gadget asks for something that was not counted; whether it did."""
    wanted = combinations(_served())
    asked = fingerprint(repr(sorted(wanted)))
    if cache.get(_COUNTED) == asked:
        return False
    count(wanted)
    cache.set(_COUNTED, asked, COUNT_EVERY)
    return True


def count(wanted: frozenset[tuple[str, ...]] | None = None) -> int:
    """Counts and keeps the cells; the registry's number rises only when a cell appears or goes. Returns how many."""
    if wanted is None:
        wanted = combinations(_served())
    cells = identity_cells.shared(wanted) if wanted else {}
    counted = {claims_key(dict(cell)): number for cell, number in cells.items()}
    found = {key: number for key, number in counted.items() if len(key) <= _LONGEST_KEY}
    with transaction.atomic():
        before = dict(CellCount.objects.values_list("key", "count"))
        CellCount.objects.filter(key__in=before.keys() - found.keys()).delete()
        changed = [
            CellCount(key=key, count=number) for key, number in found.items() if before.get(key) != number
        ]
        CellCount.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["key"], update_fields=["count"], batch_size=500
        )
        if before.keys() != found.keys():
            bump_registry()
    return len(found)
