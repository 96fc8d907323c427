"""What two orders may differ in, and which of them a resident sees while they are compared; pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Literal

from recommender.domain.reranking import Plan
from recommender.domain.weights import Weights
from recommender.errors import OrderError

ArmName = Literal["a", "b"]
ARMS: tuple[ArmName, ArmName] = ("a", "b")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,37}")
"""With an arm behind it a name still fits into the log."""
MOST = 100
"""The highest cap: a list has twelve places."""
KNOBS = ("per_topic", "per_provider", "calibration", "learnt")


@dataclass(frozen=True, slots=True)
class Order:
    """An order, said by what differs from the present one; what is None is as it is now.

    `learnt`: by the learnt weights; without, the editors' prior ranks alone.
    """

    per_topic: int | None = None
    per_provider: int | None = None
    calibration: float | None = None
    learnt: bool = True

    def __post_init__(self) -> None:
        for name in ("per_topic", "per_provider"):
            value = getattr(self, name)
            if value is not None and not (_is_int(value) and 1 <= value <= MOST):
                raise OrderError(f"{name}: a whole number from 1 to {MOST}, not {value!r}")
        strength = self.calibration
        if strength is not None and not (_is_number(strength) and 0 <= strength <= 1):
            raise OrderError(f"calibration: a number from 0 to 1, not {strength!r}")
        if not isinstance(self.learnt, bool):
            raise OrderError(f"learnt: true or false, not {self.learnt!r}")

    @property
    def json(self) -> dict[str, int | float | bool]:
        """What differs."""
        return {
            name: value for name, value in asdict(self).items() if value is not None and value is not True
        }

    def plan(self, now: Plan) -> Plan:
        """How lists are chosen in this order; boosts and counts are those of `now`."""
        return replace(
            now,
            per_topic=now.per_topic if self.per_topic is None else self.per_topic,
            per_provider=now.per_provider if self.per_provider is None else self.per_provider,
            calibration=now.calibration if self.calibration is None else self.calibration,
        )

    def weights(self, now: Weights) -> Weights:
        """What ranks in this order; the same object where nothing differs."""
        return now if self.learnt or not now.learnt else Weights(now.prior)


NOW = Order()
"""The order as it is."""


@dataclass(frozen=True, slots=True)
class Running:
    """The comparison that goes on."""

    name: str
    a: Order
    b: Order

    def arm(self, subject: str) -> ArmName:
        """Which of the two this pseudonym sees."""
        return arm(subject, self.name)


def order_from_json(document: object) -> Order:
    """An order as it was written down; raises OrderError, which says what is wrong."""
    if not isinstance(document, Mapping):
        raise OrderError(f"an order is an object of {', '.join(KNOBS)}")
    unknown = sorted(str(name) for name in document if name not in KNOBS)
    if unknown:
        raise OrderError(f"unknown: {', '.join(unknown)}; an order has {', '.join(KNOBS)}")
    return Order(**document)


def arm(subject: str, name: str) -> ArmName:
    """Half and half by a hash: the same on each visit and in each process, and another draw for each comparison."""
    return ARMS[sha256(f"{name}|{subject}".encode()).digest()[0] & 1]


def marked(name: str, which: str) -> str:
    """A comparison and its arm, as the log and the sums have them."""
    return f"{name}|{which}"


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_int(value) or (isinstance(value, float) and math.isfinite(value))
