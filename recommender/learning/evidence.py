"""Whether a candidate may rank: judged on rows that it has not learnt from, and in words; pure.

Fresh visits in which something was opened: how likely each order makes that it was this item (a softmax of the scores
of what stood there, place included), under the candidate and under the weights that are active. Only sums are kept.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from core.disclosure import SMALL_CELL
from recommender.domain import weights as families
from recommender.domain.features import Design
from recommender.domain.weights import Weights
from recommender.learning.rows import Row

MOST_WEIGHT = 8.0
"""A factor of 3,000: no resident is so sure of anything."""
MOST_DRIFT = 2.0
"""The score of an item may differ so much (root of the mean square) from that under the active weights."""
WORSE = 2.0
"""So many standard errors below the active weights are refused."""
MOST_GAP = 0.05
"""So much may the best served group be further ahead of the worst served one than it is now."""
MOST_INVERSE = 10.0
"""What stood there with a small chance counts for those who did not see it, but not more than so many times."""
MOST_OF_ONE = 5
"""So many visits count of those who share a slot: nobody decides about the city's weights by coming often."""
GROUPS = ("age_band", "district", "language")
_SLOTS = 64
_MOST_SUMMAND = 20.0


@dataclass
class Sums:
    """Of visits: how likely what was opened was under the candidate (`mine`) and the active weights (`theirs`)."""

    n: float = 0.0
    n2: float = 0.0
    mine: float = 0.0
    theirs: float = 0.0
    difference: float = 0.0
    square: float = 0.0
    seen: int = 0

    def add(self, mine: float, theirs: float, weight: float, slot: int) -> None:
        """`mine` and `theirs` are log chances."""
        self.n += weight
        self.n2 += weight * weight
        self.mine += weight * math.exp(mine)
        self.theirs += weight * math.exp(theirs)
        self.difference += weight * (mine - theirs)
        self.square += weight * (mine - theirs) ** 2
        self.seen |= 1 << slot

    @property
    def enough(self) -> bool:
        """At least 20 residents: each sets one of 64 bits, so that there are never fewer residents than bits."""
        return self.seen.bit_count() >= SMALL_CELL

    @property
    def mean(self) -> float:
        """Mean gain of a visit, self-normalised by the inverse chances."""
        return self.difference / self.n if self.n else 0.0

    @property
    def error(self) -> float:
        """Its standard error."""
        if not self.n:
            return 0.0
        spread = max(self.square / self.n - self.mean**2, 0.0)
        return math.sqrt(spread * self.n2) / self.n


@dataclass
class Evidence:
    """What was seen since the candidate was made."""

    visits: int = 0
    whole: Sums = field(default_factory=Sums)
    groups: dict[str, Sums] = field(default_factory=dict)
    drift: float = 0.0
    rows: int = 0
    taken: dict[str, int] = field(default_factory=dict)
    """Visits by slot: of one resident only the first few count."""

    def to_json(self) -> dict[str, Any]:
        """For the candidate's row; gone when it is decided."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Evidence":
        """What `to_json` wrote. Raises KeyError, TypeError, ValueError or AttributeError for what it did not."""
        sums = [document["whole"], *document["groups"].values()]
        counted = [document[name] for name in ("visits", "drift", "rows")]
        numbers = [*counted, *document["taken"].values(), *(one for row in sums for one in row.values())]
        if not all(isinstance(one, int | float) and math.isfinite(one) for one in numbers):
            raise TypeError("sums are finite numbers")
        return cls(
            visits=document["visits"],
            whole=Sums(**document["whole"]),
            groups={name: Sums(**sums) for name, sums in document["groups"].items()},
            drift=document["drift"],
            rows=document["rows"],
            taken=dict(document["taken"]),
        )

    def add(self, rows: Sequence[Row], candidate: Weights, active: Weights) -> None:
        """Rows that the candidate has not learnt from."""
        if not rows:
            return
        design = Design.of([row.shown for row in rows], candidate.prior)
        mine, theirs = (
            np.log(np.maximum(design.expected(_bounded(one)), 1e-300)) for one in (candidate, active)
        )
        change = mine - theirs
        self.drift += float(((change - change.mean()) ** 2).sum())
        self.rows += len(rows)
        visits: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            visits[row.visit].append(number)
        for numbers in visits.values():
            opened = [number for number in numbers if rows[number].shown.clicks]
            if opened and len(numbers) > 1:
                self._visit(rows, opened, mine, theirs, numbers)

    def _visit(
        self, rows: Sequence[Row], opened: Sequence[int], mine: Any, theirs: Any, numbers: Sequence[int]
    ) -> None:
        slot = hashlib.sha256(rows[numbers[0]].shown.subject.encode()).digest()[0] % _SLOTS
        if self.taken.get(str(slot), 0) >= MOST_OF_ONE:
            return
        self.taken[str(slot)] = self.taken.get(str(slot), 0) + 1
        self.visits += 1
        whole = [float(np.logaddexp.reduce(scores[numbers])) for scores in (mine, theirs)]
        named = [self.whole, *(self.groups.setdefault(name, Sums()) for name in groups_of(rows[numbers[0]]))]
        for number in opened:
            weight = min(1 / rows[number].propensity, MOST_INVERSE)
            for sums in named:
                sums.add(float(mine[number]) - whole[0], float(theirs[number]) - whole[1], weight, slot)


def _bounded(weights: Weights) -> Callable[[str, str], float]:
    """Weights as they are, but none that would overflow a sum: `judge` refuses those."""

    def find(family: str, key: str) -> float:
        weight = weights.of(family, key)
        return max(-_MOST_SUMMAND, min(_MOST_SUMMAND, weight)) if math.isfinite(weight) else 0.0

    return find


def groups_of(row: Row) -> list[str]:
    """The groups between which no gap may open."""
    profile = row.shown.profile
    told = {**profile.attributes, "district": profile.district}
    return [f"{key}={told[key]}" for key in GROUPS if isinstance(told.get(key), str)]


@dataclass(frozen=True, slots=True)
class Line:
    """One check: its name, whether it holds, and why in words."""

    name: str
    ok: bool
    words: str


def judge(evidence: Evidence, candidate: Weights) -> list[Line]:
    """All checks, whatever fails."""
    return [_finite(candidate), _drift(evidence), _replay(evidence), _fair(evidence)]


def _finite(candidate: Weights) -> Line:
    for family, cells in sorted(candidate.learnt.items()):
        # What does not rank may be what it is.
        limit = 50.0 if family in (families.BIAS, families.POSITION) else MOST_WEIGHT
        for key, weight in sorted(cells.items()):
            if not math.isfinite(weight):
                return Line("finite", False, f"{family} {key}: not a finite number")
            if abs(weight) > limit:
                return Line("finite", False, f"{family} {key}: {weight:+.2f} is beyond ±{limit:g}")
    return Line("finite", True, f"every weight is finite and within ±{MOST_WEIGHT:g}")


def _drift(evidence: Evidence) -> Line:
    drift = math.sqrt(evidence.drift / evidence.rows) if evidence.rows else 0.0
    return Line(
        "drift",
        drift <= MOST_DRIFT,
        f"scores differ by {drift:.2f} from those of the active weights; at most {MOST_DRIFT:g}",
    )


def _replay(evidence: Evidence) -> Line:
    whole = evidence.whole
    if whole.n and not whole.enough:
        return Line(
            "replay",
            True,
            f"{evidence.visits} fresh visits, of fewer than {SMALL_CELL} residents: they decide nothing",
        )
    words = f"{evidence.visits} fresh visits: {whole.mean:+.4f} ± {whole.error:.4f} (log chance of what was opened)"
    return Line("replay", whole.mean >= -WORSE * whole.error or not whole.n, words)


def _fair(evidence: Evidence) -> Line:
    """Gap between the best and the worst served group of each attribute, now and then; groups of 20 or more."""
    by_attribute: dict[str, list[tuple[str, Sums]]] = defaultdict(list)
    for name, sums in evidence.groups.items():
        if sums.enough:
            by_attribute[name.partition("=")[0]].append((name, sums))
    worst = Line("fairness", True, "no group of 20 residents falls behind")
    for found in by_attribute.values():
        for name, sums in found:
            if sums.mean < -max(WORSE * sums.error, 0.01):
                return Line(
                    "fairness", False, f"{name}: {sums.mean:+.3f} ± {sums.error:.3f}: this group falls behind"
                )
        before, after = _gap([s.theirs / s.n for _, s in found]), _gap([s.mine / s.n for _, s in found])
        noise = WORSE * max(sums.error for _, sums in found)
        if after > before + MOST_GAP + noise:
            key = found[0][0].partition("=")[0]
            return Line(
                "fairness", False, f"{key}: the gap between groups widens from {before:.3f} to {after:.3f}"
            )
    return worst


def _gap(values: Sequence[float]) -> float:
    return max(values) - min(values)
