"""Fits the weights to what was shown: a shrunken Newton step for each family, and EM for the width of its prior.

    w ← w + (c − e − λ(w − m)) / (e + λ),   1/λ = mean[(w − m)² + 1/(e + λ)]

c are the clicks of a cell and e the expected ones (both weighed by x), m is the editors' prior. λ is found for each family by
itself (empirical Bayes: C. Morris 1983; EM for a Poisson model's Laplace approximation), so a family that explains
nothing goes to its prior and nothing has to be tuned.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from recommender.domain import weights as families
from recommender.domain.features import Design
from recommender.domain.sparse import Block, Floats
from recommender.domain.weights import Prior, Weights

ROUNDS = 30
# A step of a cell is never longer than a factor of e: an empty cell next to a full one must not jump.
LONGEST_STEP = 1.0
# A factor of about 1.6 either way, until the data say how wide a family is.
FIRST_PRECISION = 5.0
LEAST_PRECISION, MOST_PRECISION = 0.5, 1e6
# No row is expected to be clicked more often than e to this, so that no sum overflows.
MOST_LOG = 50.0
# Families that are hardly shrunken: there are few cells and all of the data in each.
FREE = {families.BIAS: 1e-3}


@dataclass(frozen=True, eq=False)
class Fitted:
    """The weights of one family: by key, with expected clicks e (curvature) and the precision λ of its prior."""

    keys: tuple[str, ...]
    w: Floats
    e: Floats
    mean: Floats
    precision: float


@dataclass(frozen=True, eq=False)
class Fit:
    """All families, and the change of the last round (the largest step of a weight)."""

    families: Mapping[str, Fitted]
    last_step: float

    def weights(self, prior: Prior) -> Weights:
        """What a ranker needs."""
        return Weights(
            prior,
            {
                name: dict(zip(found.keys, found.w.tolist(), strict=True))
                for name, found in self.families.items()
            },
        )


@dataclass
class _Family:
    block: Block
    w: Floats
    mean: Floats
    precision: float
    e: Floats = field(default_factory=lambda: np.zeros(0))


def fit(design: Design, prior: Prior, *, rounds: int = ROUNDS, without: Collection[str] = ()) -> Fit:
    """Fit all families but those in `without`, block by block; deterministic.

    An empty design gives no cells. About 0.1 s a round for 100,000 rows.
    """
    found = {
        name: _start(name, block, prior)
        for name, block in sorted(design.blocks.items(), key=lambda pair: _order(pair[0]))
        if name not in without
    }
    total = design.offset.copy()
    for family in found.values():
        total += family.block.apply(family.w, design.size)
    _level(found, design, total)
    last = 0.0
    for _ in range(rounds):
        last = 0.0
        for name, family in found.items():
            step = _step(family, design, total)
            total += family.block.apply(step, design.size)
            last = max(last, float(np.abs(step).max(initial=0.0)))
            if name not in FREE:
                spread = np.mean((family.w - family.mean) ** 2 + 1 / (family.e + family.precision))
                family.precision = float(np.clip(1 / spread, LEAST_PRECISION, MOST_PRECISION))
    _level(found, design, total)
    return Fit(
        {n: Fitted(f.block.keys, f.w, f.e, f.mean, f.precision) for n, f in found.items()},
        last,
    )


def _level(found: Mapping[str, _Family], design: Design, total: Floats) -> None:
    """Sets the bias so that as many clicks are expected as there were."""
    if families.BIAS in found and design.size:
        expected = np.exp(np.minimum(total, MOST_LOG)).sum()
        shift = np.log((design.clicks.sum() + 0.5) / (expected + 0.5))
        found[families.BIAS].w += shift
        total += shift


def _order(name: str) -> tuple[int, str]:
    """The same at each run: what most depends on nothing comes first."""
    first = (families.BIAS, families.POSITION, families.BASE, families.RECENCY, families.ELSEWHERE)
    return (first.index(name) if name in first else len(first), name)


def _start(name: str, block: Block, prior: Prior) -> _Family:
    mean = np.array([prior.mean(name, key) for key in block.keys])
    return _Family(block, mean.copy(), mean, FREE.get(name, FIRST_PRECISION))


def _step(family: _Family, design: Design, total: Floats) -> Floats:
    expected = np.exp(np.minimum(total, MOST_LOG))
    block = family.block
    gradient = block.sums(design.clicks - expected) - family.precision * (family.w - family.mean)
    family.e = block.squares(expected)
    # Cells of one family may speak about the same row (three topics of an item): the bound keeps them from
    # correcting the same thing three times.
    step: Floats = np.clip(
        gradient / (block.bounds(expected) + family.precision), -LONGEST_STEP, LONGEST_STEP
    )
    family.w += step
    return step
