"""The list of every resident to rank for, on every day: urgent notices of theirs first, then the order of the model.

The order is the pure one of the model: no exploration, no caps, no floor. `reranked` is the order with the product's
re-ranking instead, as far as a list of the home goes.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

import numpy as np

from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker
from recommender.domain.types import Item
from recommender.domain.weights import Weights
from recommender.evaluation.files import City, Resident

LEAST = 10
"""How many besides the urgent ones a list has at least, when there are as many."""
RERANKED = 60
"""A re-ranked list goes as deep as this; below stands what is left, in the order of the model."""


def lists(
    city: City, weights: Weights, *, reranked: bool = False, length: int | None = None
) -> Iterator[tuple[str, str, list[str]]]:
    """(resident, day, item ids) of every resident and day, of what is published and not expired.

    Without `length` the lists are whole; else they have so many besides urgent notices.
    """
    for day, at in city.days.items():
        live = Day(city.live(at), at, weights)
        for name in city.tested:
            resident = city.residents[name]
            yield name, day, live.order(resident, reranked=reranked, length=length)


class Day:
    """The items that live at a moment, compiled; gives the list of one resident after another."""

    def __init__(self, items: list[Item], at: datetime, weights: Weights) -> None:
        self.at = at
        self.catalogue = Catalogue.compile(items, weights)
        self.recency = self.catalogue.recency(at)
        self.calm = np.array([not item.urgent for item in self.catalogue.items], dtype=bool)
        self._ids = [item.id for item in self.catalogue.items]
        self._urgent = [item for item in self.catalogue.items if item.urgent]
        self._ranker = AttributeRanker(self.catalogue)

    def order(self, resident: Resident, *, reranked: bool = False, length: int | None = None) -> list[str]:
        """Urgent notices of theirs, then what is not urgent; urgent notices of elsewhere are not listed."""
        first = [item.id for item in self._urgent if resident.must_see(item)]
        if not reranked:
            return first + [self._ids[row] for row in self.rows(resident)[:length]]
        pure = [self._ids[row] for row in self.rows(resident)]
        chosen = [
            one.item_id
            for one in self._ranker.rank(
                resident.profile, now=self.at, allowed=self.calm, limit=min(RERANKED, len(pure))
            )
        ]
        taken = set(chosen)
        return first + (chosen + [name for name in pure if name not in taken])[:length]

    def rows(self, resident: Resident) -> list[int]:
        """Rows of the catalogue that are not urgent, best first; equal scores keep the order of the catalogue."""
        parts = self.catalogue.parts(resident.profile)
        scores = np.round(self.catalogue.z @ self.catalogue.vector(parts) + self.recency, 5)
        rows = np.flatnonzero(self.calm)
        best: list[int] = rows[np.argsort(-scores[rows], kind="stable")].tolist()
        return best


class Digest:
    """SHA-256 of lists that go through it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def through(self, found: Iterable[tuple[str, str, list[str]]]) -> Iterator[tuple[str, str, list[str]]]:
        """The same lists."""
        for resident, day, ranked in found:
            self._hash.update("\0".join((resident, day, *ranked)).encode() + b"\1")
            yield resident, day, ranked

    def hex(self) -> str:
        """Of all lists that have gone through."""
        return self._hash.hexdigest()
