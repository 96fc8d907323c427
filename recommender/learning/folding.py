"""Folds what was shown into cells of which only a weight and a decayed count are kept: sequential Laplace; pure.

    w ← w + (c_b − e_b − (1−ρ)λ(w−m)) / (ρe + e_b + λ),   e ← ρe + e_b

c_b and e_b are the clicks and the expected clicks of a batch, ρ what is left of older evidence, m the editors' prior and
λ the precision of the family's prior, by EM over all its cells. A cell that is not known yet takes no step: what each
resident says about it is handed back, until enough have spoken.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.domain import weights as families
from recommender.domain.features import Design
from recommender.domain.sparse import Block, Floats
from recommender.domain.weights import Prior

HALF_LIFE_DAYS = 60.0
LONGEST_STEP = 1.0
LEAST_PRECISION, START_PRECISION, MOST_PRECISION = 0.5, 10.0, 1e6
FREE = {families.BIAS: 1e-3}
EM_ROUNDS = 20
BORN_ROUNDS = 10
ROUNDS = 4
"""Families take turns in a batch: without data before it, one step each would go too far."""
MOST_LOG = 50.0
MOST_FAMILY, MOST_KEY = 60, 240
"""What the tables hold; a longer name is not learnt."""

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """A learnt cell: its weight, and the expected clicks behind it."""

    w: float
    e: float


Cells = Mapping[str, Mapping[str, Known]]
"""family → key → what is known."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one resident says about a cell that is not known yet."""

    family: str
    key: str
    subject: str
    c: float
    e: float


@dataclass(frozen=True, slots=True)
class Ripe:
    """What enough residents together said about a cell that is not known yet."""

    family: str
    key: str
    c: float
    e: float


@dataclass(frozen=True)
class Folded:
    """All cells after the batch, and what was said about those that are none yet.

    `total` is the logarithm of the expected clicks of each row, `shift` what of it the batch itself said.
    """

    cells: dict[str, dict[str, Known]]
    said: list[Said]
    total: Floats
    shift: float


def left(days: float) -> float:
    """ρ: what evidence of so many days ago still counts."""
    return float(0.5 ** (max(days, 0.0) / HALF_LIFE_DAYS))


def precision(family: str, cells: Mapping[str, Known], prior: Prior) -> float:
    """λ of a family by EM over all of its cells; one that has none begins with `START_PRECISION`."""
    if family in FREE:
        return FREE[family]
    if not cells:
        return START_PRECISION
    w = np.array([known.w for known in cells.values()])
    e = np.array([known.e for known in cells.values()])
    mean = np.array([prior.mean(family, key) for key in cells])
    found = START_PRECISION
    for _ in range(EM_ROUNDS):
        spread = float(np.mean((w - mean) ** 2 + 1 / (e + found)))
        found = float(np.clip(1 / spread, LEAST_PRECISION, MOST_PRECISION))
    return found


def born(ripe: Sequence[Ripe], folded: Folded, design: Design, prior: Prior) -> dict[str, dict[str, Known]]:
    """Cells about which enough residents spoke, at the weights at which their clicks are the likeliest, all together.

    What one of them explains, another need not: how much the expected clicks change in the rows of this batch is how
    much they change in what was said before.
    """
    told: dict[str, dict[str, Ripe]] = {}
    for one in ripe:
        if one.family in design.blocks:
            told.setdefault(one.family, {})[one.key] = one
    total = folded.total.copy()
    fresh = {name: _Born(name, design.blocks[name], found, folded, prior) for name, found in told.items()}
    if families.BIAS in fresh:
        total -= folded.shift
    for _ in range(BORN_ROUNDS):
        for name in sorted(fresh, key=_order):
            total += fresh[name].step(total)
    return {name: found.known() for name, found in fresh.items()}


class _Born:
    """The cells of one family that become known in a batch."""

    def __init__(
        self, name: str, block: Block, found: Mapping[str, Ripe], folded: Folded, prior: Prior
    ) -> None:
        self.block = block
        self.ripe = np.array([key in found for key in block.keys], dtype=bool)
        self.c = np.array([found[key].c if key in found else 0.0 for key in block.keys])
        self.e = np.array([found[key].e if key in found else 0.0 for key in block.keys])
        self.mean = np.array([prior.mean(name, key) for key in block.keys])
        self.precision = precision(name, folded.cells.get(name, {}), prior)
        self.moved = np.zeros(len(block.keys))
        self.before = block.sums(_clicks(folded.total - (folded.shift if name in FREE else 0.0)))
        self.now = self.e

    def step(self, total: Floats) -> Floats:
        """Moves the cells; returns what that adds to each row."""
        self.now = self.e * self.block.sums(_clicks(total)) / np.maximum(self.before, 1e-12)
        change = (self.c - self.now - self.precision * self.moved) / (self.now + self.precision)
        move = np.where(self.ripe, np.clip(change, -LONGEST_STEP, LONGEST_STEP), 0.0)
        self.moved = self.moved + move
        return self.block.apply(move, len(total))

    def known(self) -> dict[str, Known]:
        return {
            self.block.keys[n]: Known(float(self.mean[n] + self.moved[n]), float(self.now[n]))
            for n in np.flatnonzero(self.ripe)
        }


def fold(cells: Cells, design: Design, subjects: Sequence[str], prior: Prior, days: float) -> Folded:
    """One batch; `subjects` are the residents of its rows, `days` is the time since the last one."""
    rho = left(days)
    work = {name: _Family(name, block, cells.get(name, {}), prior) for name, block in design.blocks.items()}
    total = design.offset.copy()
    for family in work.values():
        total += family.block.apply(family.w, design.size)
    shift = 0.0
    if families.BIAS not in cells and design.size:
        # Until it is known how often anything is opened, the batch itself says it.
        shift = math.log((design.clicks.sum() + 0.5) / (_clicks(total).sum() + 0.5))
        total += shift
    for _ in range(ROUNDS):
        for name in sorted(work, key=_order):
            total += work[name].step(design, total, rho)
    done: dict[str, dict[str, Known]] = {}
    for name, found in cells.items():
        if name in FREE:
            done[name] = {key: Known(known.w, known.e * rho) for key, known in found.items()}
        else:
            done[name] = _faded(name, found, prior, rho)
    for name, family in work.items():
        done.setdefault(name, {}).update(family.known(rho))
    likely = _clicks(total)
    said = [
        one
        for name, family in work.items()
        for one in family.said(design.clicks, likely * math.exp(-shift) if name in FREE else likely, subjects)
    ]
    return Folded({name: found for name, found in done.items() if found}, said, total, shift)


def _faded(name: str, found: Mapping[str, Known], prior: Prior, rho: float) -> dict[str, Known]:
    """Cells of which the batch says nothing: their evidence fades, and with it they go back to the prior."""
    strength = precision(name, found, prior)
    done = {}
    for key, known in found.items():
        back = (1 - rho) * strength * (known.w - prior.mean(name, key)) / (rho * known.e + strength)
        done[key] = Known(known.w - back, known.e * rho)
    return done


class _Family:
    """The cells of one family that a batch speaks about."""

    def __init__(self, name: str, block: Block, found: Mapping[str, Known], prior: Prior) -> None:
        self.name, self.block = name, block
        self.mean = np.array([prior.mean(name, key) for key in block.keys])
        self.is_known = np.array([key in found for key in block.keys], dtype=bool)
        self.w = np.array(
            [found[key].w if key in found else mean for key, mean in zip(block.keys, self.mean, strict=True)]
        )
        self.before = self.w
        self.e = np.array([found[key].e if key in found else 0.0 for key in block.keys])
        self.seen = np.zeros(len(block.keys))
        self.precision = precision(name, found, prior)

    def step(self, design: Design, total: Floats, rho: float) -> Floats:
        """Moves the known cells; returns what that adds to each row."""
        expected = _clicks(total)
        pull = (1 - rho) * self.precision * (self.before - self.mean)
        # From the second round on, what was known before holds back what has moved already.
        held = (rho * self.e + self.precision) * (self.w - self.before)
        gradient = self.block.sums(design.clicks - expected) - pull - held
        # Cells of one family overlap in a row: the bound keeps them from correcting the same thing three times.
        width = rho * self.e + self.block.bounds(expected) + self.precision
        move = np.where(self.is_known, np.clip(gradient / width, -LONGEST_STEP, LONGEST_STEP), 0.0)
        self.w = self.w + move
        self.seen = self.block.squares(expected)
        return self.block.apply(move, design.size)

    def known(self, rho: float) -> dict[str, Known]:
        """The known cells after the steps."""
        return {
            self.block.keys[n]: Known(float(self.w[n]), float(rho * self.e[n] + self.seen[n]))
            for n in np.flatnonzero(self.is_known)
        }

    def said(self, clicks: Floats, expected: Floats, subjects: Sequence[str]) -> list[Said]:
        """Clicks and expected clicks of each resident in the cells that are not known."""
        block = self.block
        fits = np.array([len(key) <= MOST_KEY for key in block.keys], dtype=bool) & ~self.is_known
        entries = np.flatnonzero(fits[block.cells]) if len(self.name) <= MOST_FAMILY else np.zeros(0, np.intp)
        if not entries.size:
            return []
        names = sorted(set(subjects))
        number = {name: n for n, name in enumerate(names)}
        owner = np.array([number[subject] for subject in subjects], dtype=np.intp)
        rows = block.rows[entries]
        pairs, of = np.unique(block.cells[entries] * len(names) + owner[rows], return_inverse=True)
        c = np.bincount(of, block.x[entries] * clicks[rows])
        e = np.bincount(of, block.x[entries] * expected[rows])
        return [
            Said(
                self.name, block.keys[pair // len(names)], names[pair % len(names)], float(one), float(other)
            )
            for pair, one, other in zip(pairs.tolist(), c, e, strict=True)
        ]


def _clicks(total: Floats) -> Floats:
    return np.asarray(np.exp(np.minimum(total, MOST_LOG)), dtype=np.float64)


def _order(name: str) -> tuple[int, str]:
    first = (families.BIAS, families.POSITION, families.BASE, families.RECENCY, families.ELSEWHERE)
    return (first.index(name) if name in first else len(first), name)


def expected(cells: Cells, design: Design, prior: Prior) -> Floats:
    """Expected clicks by row, at the level of the batch as long as nobody knows how often anything is opened."""
    found = design.expected(_weight_of(cells, prior))
    if families.BIAS not in cells and design.size:
        found *= (design.clicks.sum() + 0.5) / (found.sum() + 0.5)
    return np.asarray(np.minimum(found, math.exp(MOST_LOG)), dtype=np.float64)


def _weight_of(cells: Cells, prior: Prior) -> Callable[[str, str], float]:
    def find(family: str, key: str) -> float:
        known = cells.get(family, {}).get(key)
        return prior.mean(family, key) if known is None else known.w

    return find
