"""Orders a catalogue for a reader: by attributes and preferences, or newest first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np

from recommender.domain.features import DAY
from recommender.domain.item_matrix import Catalogue, Floats, Mask, Single, terms
from recommender.domain.reranking import AMONG, NEW_FOR, POOL, SLOT, Chooser, Explore, Plan, Rows, lifted
from recommender.domain.rules import Ruling
from recommender.domain.types import Profile, Ranked, Term
from recommender.errors import CatalogueError

LIMIT = 12
BLOCK = 64
TIE = 2e-5
"""Two scores further apart than this are different when they are rounded."""


class Ranker(Protocol):
    """Orders the live and allowed items of its catalogue; the same input gives the same list."""

    def rank(
        self,
        profile: Profile,
        *,
        now: datetime,
        allowed: Mask | None = None,
        limit: int = LIMIT,
        explore: Explore | None = None,
        ruling: Ruling | None = None,
    ) -> list[Ranked]:
        """At most `limit` items without repetition; `allowed` and `ruling` follow `catalogue.items`."""
        ...


class AttributeRanker:
    """score = Z q + recency, then the re-ranking of `plan`; with `explore` one place may go to something new."""

    def __init__(self, catalogue: Catalogue, plan: Plan | None = None) -> None:
        self._catalogue, self._plan = catalogue, plan or Plan()
        self._boosts = _by_row(catalogue, self._plan)
        self._new = _New(catalogue, self._plan.seen)
        names = {
            name: number for number, name in enumerate(dict.fromkeys(i.provider for i in catalogue.items))
        }
        self._provider_count = len(names)
        # By topic, so that what is read stands side by side.
        self._without = np.ascontiguousarray(catalogue.by_topic.T == 0)
        self._providers = np.array(
            [names[item.provider] if item.provider else -1 for item in catalogue.items], dtype=np.intp
        )

    def rank(
        self,
        profile: Profile,
        *,
        now: datetime,
        allowed: Mask | None = None,
        limit: int = LIMIT,
        explore: Explore | None = None,
        ruling: Ruling | None = None,
    ) -> list[Ranked]:
        """See Ranker."""
        catalogue = self._catalogue
        mask = _mask(catalogue, now, allowed)
        if ruling is not None:
            mask = mask & ~ruling.hidden
        parts = catalogue.parts(profile)
        recency = catalogue.recency(now)
        scores = catalogue.z @ catalogue.vector(parts)
        scores += recency
        if ruling is not None:
            scores += ruling.lifts
        pinned = ruling.pinned(mask)[: max(limit, 0)] if ruling is not None else []
        chosen, lifted, varied = self._choose(scores, mask, limit, pinned)
        new = self._new.rows(mask, now, chosen) if explore else []
        placed = _explored(chosen, new, explore)
        ranked = []
        for (row, propensity, exploring), found in zip(
            placed, terms(catalogue, [row for row, _, _ in placed], parts), strict=True
        ):
            item = catalogue.items[row]
            told = (*found, Term("recency", item.kind, float(recency[row])))
            if ruling is not None:
                told += ruling.terms(row)
            score = sum(term.weight for term in told)
            ranked.append(
                Ranked(
                    item.id,
                    score,
                    told,
                    propensity,
                    exploring,
                    days=abs(now.timestamp() - float(catalogue.anchor[row])) / DAY,
                    lifted=row in lifted and not exploring,
                    pinned=row in pinned,
                    varied=row in varied,
                )
            )
        return ranked

    def _choose(
        self, scores: Single, mask: Mask, limit: int, pinned: Sequence[int]
    ) -> tuple[list[int], set[int], set[int]]:
        """Rows of the list, `pinned` first; which stand higher for their provider's sake, and which for variety's."""
        catalogue, boosts = self._catalogue, self._boosts
        if limit <= 0:
            return [], set(), set()
        raised = scores if boosts is None else scores + boosts
        left = np.where(mask, raised, -np.inf).astype(np.float32, copy=False)
        chooser = Chooser(self._plan, limit, topics=len(catalogue.topics), providers=self._provider_count)
        for row in pinned:
            chooser.keep(row, self._shares_of(row) > 0, int(self._providers[row]))
        left[chooser.chosen] = -np.inf
        # However long the list: its beginning is that of every shorter one.
        pool = _best(left, POOL)
        first = pool
        while pool.size and not chooser.full:
            chooser.take(pool, _rounded(raised[pool]), catalogue.shares(pool), self._providers[pool])
            left[chooser.chosen] = -np.inf
            pool = _best(self._admitted(left, chooser), POOL)
        chosen = chooser.chosen
        if len(chosen) < limit:
            # What the caps passed over fills the list up.
            chosen = [*chosen, *_best(left, limit - len(chosen))[: limit - len(chosen)].tolist()]
        own = chosen[len(pinned) :]
        return chosen, lifted(own, first, scores, boosts), _varied(own, first, raised)

    def _shares_of(self, row: int) -> Floats:
        found: Floats = self._catalogue.shares(np.array([row]))[0]
        return found

    def _admitted(self, left: Single, chooser: Chooser) -> Single:
        """What is left of which the caps admit more."""
        if chooser.full:
            return left[:0]
        admitted = ~chooser.full_providers[self._providers]
        for topic in chooser.full_topics.tolist():
            admitted &= self._without[topic]
        return np.where(admitted, left, -np.inf).astype(np.float32, copy=False)


class _New:
    """What was published within NEW_FOR, the least seen first."""

    def __init__(self, catalogue: Catalogue, seen: Mapping[str, float]) -> None:
        self._catalogue = catalogue
        self._calm = np.array([not item.urgent for item in catalogue.items], dtype=bool)
        self._seen = np.array([seen.get(item.id, 0.0) for item in catalogue.items], dtype=np.float32)

    def rows(self, mask: Mask, now: datetime, chosen: Sequence[int]) -> list[int]:
        """The AMONG least seen that the reader may see and that do not stand open already; the newer first."""
        end = self._catalogue.published_since(now.timestamp() - NEW_FOR.total_seconds())
        open_ = mask[:end] & self._calm[:end]
        open_[[row for row in chosen[: SLOT + 1] if row < end]] = False
        rows = np.flatnonzero(open_)
        if not rows.size:
            return []
        seen, count = self._seen[rows], min(AMONG, rows.size)
        most = np.partition(seen, count - 1)[count - 1]
        fewer, same = np.flatnonzero(seen < most), np.flatnonzero(seen == most)
        found = [*fewer[np.argsort(seen[fewer], kind="stable")].tolist(), *same[:count].tolist()]
        return [int(rows[place]) for place in found[:count]]


def _explored(
    chosen: Sequence[int], new: Sequence[int], explore: Explore | None
) -> list[tuple[int, float, bool]]:
    """Row, propensity and whether it is there to be seen at all; a list that is too short has no such place."""
    plain = [(row, 1.0, False) for row in chosen]
    if explore is None or not new or len(chosen) <= SLOT:
        return plain
    if not explore.drawn:
        plain[SLOT] = (chosen[SLOT], 0.5, False)
        return plain
    row = new[explore.of(len(new))]
    rest = [one for one in plain[SLOT:] if one[0] != row]
    return [*plain[:SLOT], (row, 0.5 / len(new), True), *rest][: len(chosen)]


def _varied(chosen: Sequence[int], first: Rows, scores: Single) -> set[int]:
    """Which rows stand before something of a higher score among the best."""
    best = np.sort(_rounded(scores[first]))
    higher = len(best) - np.searchsorted(best, _rounded(scores[list(chosen)]), "right")
    return {
        row for place, (row, count) in enumerate(zip(chosen, higher.tolist(), strict=True)) if count > place
    }


def _by_row(catalogue: Catalogue, plan: Plan) -> Single | None:
    """The boost of each row; None when there is none."""
    if not any(plan.boosts.values()):
        return None
    return np.array([plan.boosts.get(item.provider, 0.0) for item in catalogue.items], dtype=np.float32)


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
        explore: Explore | None = None,  # noqa: ARG002 - nothing is drawn in an order of time
        ruling: Ruling | None = None,
    ) -> list[Ranked]:
        """See Ranker; of the rules only what they hide is heeded: an order of time is one."""
        catalogue = self._catalogue
        mask = _mask(catalogue, now, allowed)
        if ruling is not None:
            mask = mask & ~ruling.hidden
        rows = np.flatnonzero(mask)[: max(limit, 0)]
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


def _best(scores: Single, wanted: int) -> Rows:
    """The `wanted` best rows and every row that ties with the last of them, best first; -inf is no row.

    Scores are compared to five decimals: a matrix product may differ in the last bit between equal rows.
    """
    rows = np.flatnonzero((scores > -np.inf) & (scores >= _least(scores, wanted) - TIE))
    values = _rounded(scores[rows])
    if rows.size > wanted:
        least = np.partition(values, rows.size - wanted)[rows.size - wanted]
        rows, values = rows[values >= least], values[values >= least]
    return rows[np.argsort(-values, kind="stable")]


def _least(scores: Single, wanted: int) -> float:
    """A score that at least `wanted` rows reach, found by the best of each block: far fewer numbers to sort."""
    blocks = scores.size // BLOCK
    if blocks <= wanted:
        return -np.inf
    tops = scores[: blocks * BLOCK].reshape(blocks, BLOCK).max(axis=1)
    return float(np.partition(tops, blocks - wanted)[blocks - wanted])


def _rounded(scores: Single) -> Floats:
    exact: Floats = scores.astype(np.float64)
    return np.round(exact, 5)
