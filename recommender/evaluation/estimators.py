"""What another order would have got, estimated from the log of this one: IPS, SNIPS and DR with intervals; pure.

    IPS    mean(w·y)                                    D. Horvitz, D. Thompson 1952
    SNIPS  Σ w·y / Σ w                                  A. Swaminathan, T. Joachims 2015
    DR     mean(v̂ + w·(y − q̂))                          M. Dudík, J. Langford, L. Li 2011

w is the chance of what was shown under the other order, divided by its propensity; q̂ is a model's reward of what was shown,
v̂ the model's reward of what the other order would show. Intervals are normal, over clusters (residents or visits): what one
resident does is not independent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from recommender.errors import EstimateError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LEAST_EFFECTIVE = 100.0
"""Of a smaller effective sample nothing is said: a few rows would decide alone."""
MOST_WEIGHT = 1000.0


@dataclass(frozen=True, eq=False)
class Log:
    """n rows: reward (0 or 1, or any finite number), propensity in (0, 1], and a number that tells clusters apart.

    Without clusters each row is one. Raises EstimateError for what cannot be a log, and for one in which every reward is
    the same: from it no interval follows.
    """

    reward: Floats
    propensity: Floats
    cluster: Ints | None = None

    def __post_init__(self) -> None:
        _same(self.reward, self.propensity, "propensity")
        if self.cluster is not None:
            _same(self.reward, self.cluster, "cluster")
        if not self.reward.size:
            raise EstimateError("the log has no row")
        if not np.isfinite(self.reward).all():
            raise EstimateError("a reward is not a finite number")
        if self.reward.min() == self.reward.max():
            raise EstimateError("every row has the same reward")
        if not ((self.propensity > 0) & (self.propensity <= 1)).all():
            raise EstimateError("a propensity is not above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; `effective`: as many rows of one weight would say as much; `clipped`: their share."""

    value: float
    low: float
    high: float
    effective: float
    clipped: float

    @property
    def error(self) -> float:
        """The standard error."""
        return (self.high - self.low) / 2 / _Z


_Z = NormalDist().inv_cdf(0.975)


def ips(log: Log, target: Floats, *, most: float = MOST_WEIGHT) -> Estimate:
    """Inverse propensity scoring: unbiased where nothing is clipped, and wide."""
    weight, effective, clipped = _weights(log, target, most)
    return _mean(log, weight * log.reward, effective, clipped)


def snips(log: Log, target: Floats, *, most: float = MOST_WEIGHT) -> Estimate:
    """Self-normalised IPS: never beyond the rewards that were seen; its bias vanishes with the sample."""
    weight, effective, clipped = _weights(log, target, most)
    share = weight.mean()
    value = float((weight * log.reward).mean() / share)
    # The delta method: a ratio moves as its linearised rows do.
    found = _mean(log, value + weight * (log.reward - value) / share, effective, clipped)
    return Estimate(value, found.low, found.high, effective, clipped)


def dr(log: Log, target: Floats, *, shown: Floats, other: Floats, most: float = MOST_WEIGHT) -> Estimate:
    """Doubly robust: `shown` is the model's reward of what was shown, `other` its mean under the other order.

    The model must not have learnt from the row that it is asked about (cross-fitting): see `shrunken`.
    """
    _same(log.reward, shown, "shown")
    _same(log.reward, other, "other")
    if not (np.isfinite(shown).all() and np.isfinite(other).all()):
        raise EstimateError("the model's reward is not a finite number")
    weight, effective, clipped = _weights(log, target, most)
    return _mean(log, other + weight * (log.reward - shown), effective, clipped)


def check_support(target: Floats, logged: Floats) -> None:
    """Raises EstimateError where the other order (chances by choice) shows what the log never could."""
    _same(target, logged, "logged")
    total = float(target.sum())
    if not (math.isfinite(total) and total > 0):
        raise EstimateError("the other order shows nothing")
    missing = float(target[logged <= 0].sum()) / total
    if missing > 0:
        raise EstimateError(f"{missing:.1%} of what the other order shows can never be in this log")


def shrunken(
    log: Log, choice: Ints, choices: int, *, folds: int = 2, strength: float = 100.0
) -> list[tuple[NDArray[np.bool_], Floats]]:
    """Reward by choice, shrunk to the mean by `strength` rows and cross-fitted: (rows of a fold, rewards by choice).

    What is said of the rows of a fold was learnt from the others; all rows of a cluster are in one fold.
    """
    reward = log.reward
    _same(reward, choice, "choice")
    fold = (np.arange(len(reward)) if log.cluster is None else log.cluster) % folds
    found = []
    for number in range(folds):
        rest = fold != number
        mean = float(reward[rest].mean()) if rest.any() else 0.0
        clicks = np.bincount(choice[rest], reward[rest], choices)
        views = np.bincount(choice[rest], minlength=choices)
        found.append((~rest, (clicks + strength * mean) / (views + strength)))
    return found


def _weights(log: Log, target: Floats, most: float) -> tuple[Floats, float, float]:
    _same(log.reward, target, "target")
    if not ((target >= 0) & (target <= 1)).all():
        raise EstimateError("a chance under the other order is not between 0 and 1")
    raw = target / log.propensity
    weight = np.minimum(raw, most)
    squares = float((weight**2).sum())
    effective = float(weight.sum()) ** 2 / squares if squares else 0.0
    if effective < LEAST_EFFECTIVE:
        raise EstimateError(
            f"the log says as much as {effective:.0f} rows about the other order; at least {LEAST_EFFECTIVE:.0f} are needed"
        )
    return weight, effective, float((raw > most).mean())


def _mean(log: Log, rows: Floats, effective: float, clipped: float) -> Estimate:
    """The mean of the rows; its error from the sums of the clusters."""
    value, count = float(rows.mean()), len(rows)
    rest: Floats = rows - value
    if log.cluster is not None:
        _, number = np.unique(log.cluster, return_inverse=True)
        rest = np.asarray(np.bincount(number, rest), dtype=np.float64)
    groups = len(rest)
    if groups < 2:
        raise EstimateError("one resident alone says nothing about others")
    error = math.sqrt(float((rest**2).sum()) * groups / (groups - 1)) / count
    return Estimate(value, value - _Z * error, value + _Z * error, effective, clipped)


def _same(one: Sequence[float] | Floats, other: Sequence[float] | Floats | Ints, name: str) -> None:
    if len(one) != len(other):
        raise EstimateError(f"{name}: {len(other)} rows for {len(one)}")
