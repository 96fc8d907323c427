"""Orders a catalogue for a reader: by attributes and preferences, or newest first."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Catalogue, Floats, Mask, terms, vector
from recommender.errors import CatalogueError
from recommender.types import Item, Profile, Ranked, Term

LIMIT = 12
PER_TOPIC = 3
PER_PROVIDER = 2


class Ranker(Protocol):
    """Orders the live and allowed items of its catalogue; the same input gives the same list."""

    def rank(
        self, profile: Profile, *, now: datetime, allowed: Mask | None = None, limit: int = LIMIT
    ) -> list[Ranked]:
        """At most `limit` items without repetition; `allowed` follows `catalogue.items`."""
        ...


class AttributeRanker:
    """score = Z q + recency, then at most 3 of a topic and 2 of a provider.

    The caps are a re-rank: what they pass over follows at the end when the list would be short.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def rank(
        self, profile: Profile, *, now: datetime, allowed: Mask | None = None, limit: int = LIMIT
    ) -> list[Ranked]:
        """See Ranker."""
        catalogue = self._catalogue
        mask = _mask(catalogue, now, allowed)
        parts = catalogue.parts(profile)
        recency = catalogue.recency(now)
        # Rounded, so that rows with the same features tie: a matrix product may differ in the last bit.
        scores = np.round(catalogue.z @ vector(parts, len(catalogue.columns)) + recency, 5)
        chosen = _choose(catalogue.items, scores, mask, limit)
        ranked = []
        for row, found in zip(chosen, terms(catalogue, chosen, parts), strict=True):
            item = catalogue.items[row]
            told = (*found, Term("recency", item.kind, float(recency[row])))
            ranked.append(Ranked(item.id, sum(term.weight for term in told), told))
        return ranked


class NewestRanker:
    """The order without personalisation: newest first. The score is minus the age in days."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def rank(
        self,
        profile: Profile,  # noqa: ARG002 - the order is the same for everybody
        *,
        now: datetime,
        allowed: Mask | None = None,
        limit: int = LIMIT,
    ) -> list[Ranked]:
        """See Ranker."""
        catalogue = self._catalogue
        rows = np.flatnonzero(_mask(catalogue, now, allowed))[: max(limit, 0)]
        ranked = []
        for row in rows.tolist():
            score = (float(catalogue.published[row]) - now.timestamp()) / 86_400
            item = catalogue.items[row]
            ranked.append(Ranked(item.id, score, (Term("newest", item.kind, score),)))
        return ranked


def _mask(catalogue: Catalogue, now: datetime, allowed: Mask | None) -> Mask:
    live = catalogue.live(now)
    if allowed is None:
        return live
    if allowed.shape != live.shape:
        raise CatalogueError(f"a mask of {allowed.shape} for {live.shape} items")
    return live & allowed


def _choose(items: Sequence[Item], scores: Floats, mask: Mask, limit: int) -> list[int]:
    """Rows of the best items within the caps; equal scores keep the order of the catalogue."""
    rows = np.flatnonzero(mask)
    if limit <= 0 or not rows.size:
        return []
    caps = _Caps(items, limit)
    wanted, seen = limit * 5, 0
    while True:
        best = _best(rows, scores, wanted)
        # A longer list of the best begins with the shorter one.
        if caps.take(best[seen:]) or wanted >= rows.size:
            return caps.chosen + caps.passed_over[: limit - len(caps.chosen)]
        wanted, seen = wanted * 4, len(best)


def _best(rows: NDArray[np.intp], scores: Floats, wanted: int) -> list[int]:
    """The `wanted` best rows and every row that ties with the last of them, best first."""
    values = scores[rows]
    if rows.size > wanted:
        least = np.partition(values, rows.size - wanted)[rows.size - wanted]
        rows = rows[values >= least]
        values = scores[rows]
    best: list[int] = rows[np.argsort(-values, kind="stable")].tolist()
    return best


class _Caps:
    """Takes rows in their order as long as topic and provider have places left."""

    def __init__(self, items: Sequence[Item], limit: int) -> None:
        self.chosen: list[int] = []
        self.passed_over: list[int] = []
        self._items, self._limit = items, limit
        self._topics: dict[str, int] = {}
        self._providers: dict[str, int] = {}

    def take(self, rows: Iterable[int]) -> bool:
        """True as soon as the list is full."""
        items, topics, providers = self._items, self._topics, self._providers
        for row in rows:
            item = items[row]
            provider, wanted = item.provider, item.topics
            if provider and providers.get(provider, 0) >= PER_PROVIDER:
                self.passed_over.append(row)
                continue
            if wanted and max([topics.get(topic, 0) for topic in wanted]) >= PER_TOPIC:
                self.passed_over.append(row)
                continue
            self.chosen.append(row)
            if len(self.chosen) == self._limit:
                return True
            for topic in set(wanted):
                topics[topic] = topics.get(topic, 0) + 1
            if provider:
                providers[provider] = providers.get(provider, 0) + 1
        return False
