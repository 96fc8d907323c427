"""How many visits a comparison of two orders needs, and that it concludes nothing before; pure.

Two proportions, two-sided (J. Fleiss, Statistical Methods for Rates and Proportions, 1981). Visits of one resident are
alike: the design effect 1 + (m − 1)·ρ (L. Kish 1965) says how many more are needed.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from recommender.errors import EstimateError, TooEarlyError

ALPHA = 0.05
POWER = 0.8
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Design:
    """What is compared: how often a visit opens something now, and the smallest relative change worth knowing.

    `visits_each` is how often one resident comes in the time, `alike` the correlation between visits of one resident.
    """

    baseline: float
    effect: float
    visits_each: float = 1.0
    alike: float = 0.1

    def __post_init__(self) -> None:
        changed = self.baseline * (1 + self.effect)
        if not (0 < self.baseline < 1 and self.effect > 0 and changed < 1):
            raise EstimateError(
                "the rate now and after the change must lie between 0 and 1, the change above 0"
            )
        if not (self.visits_each >= 1 and 0 <= self.alike <= 1):
            raise EstimateError("at least one visit for each resident, and a correlation between 0 and 1")

    @property
    def inflation(self) -> float:
        """The design effect."""
        return 1 + (self.visits_each - 1) * self.alike

    @property
    def needed(self) -> int:
        """Visits for each of the two orders."""
        one, other = self.baseline, self.baseline * (1 + self.effect)
        mean = (one + other) / 2
        root = _NORMAL.inv_cdf(1 - ALPHA / 2) * math.sqrt(2 * mean * (1 - mean))
        root += _NORMAL.inv_cdf(POWER) * math.sqrt(one * (1 - one) + other * (1 - other))
        return math.ceil((root / (other - one)) ** 2 * self.inflation)


@dataclass(frozen=True, slots=True)
class Arm:
    """What was counted of one order: visits, and those that opened anything."""

    visits: int
    opened: int

    def __post_init__(self) -> None:
        if not 0 <= self.opened <= self.visits:
            raise EstimateError("a visit that opened something counts once")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The difference b − a with its 95 % interval, and whether it is more than chance."""

    difference: float
    low: float
    high: float
    p: float

    @property
    def differs(self) -> bool:
        """Whether chance alone would do this in fewer than one case of twenty."""
        return self.p < ALPHA


def conclude(design: Design, a: Arm, b: Arm) -> Conclusion:
    """Once, at the planned size: whoever looks daily and stops at the first difference finds one that is not there.

    Raises TooEarlyError, with how many visits are missing, before both orders have theirs.
    """
    missing = design.needed - min(a.visits, b.visits)
    if missing > 0:
        raise TooEarlyError(f"{missing} more visits are needed for each order")
    one, other = a.opened / a.visits, b.opened / b.visits
    pooled = (a.opened + b.opened) / (a.visits + b.visits)
    inflation = math.sqrt(design.inflation)
    under_none = inflation * math.sqrt(pooled * (1 - pooled) * (1 / a.visits + 1 / b.visits))
    apart = inflation * math.sqrt(one * (1 - one) / a.visits + other * (1 - other) / b.visits)
    difference = other - one
    p = 2 * (1 - _NORMAL.cdf(abs(difference) / under_none)) if under_none else 1.0
    reach = _NORMAL.inv_cdf(1 - ALPHA / 2) * apart
    return Conclusion(difference, difference - reach, difference + reach, p)
