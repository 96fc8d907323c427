"""The life of a comparison of two orders: planned, begun, and stopped or concluded once.

Until the conclusion nobody reads what was opened in which order, here or elsewhere: only homes are counted out loud.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum

from recommender.abtest.comparison import ARMS, NAME, ArmName, order_from_json
from recommender.actions import bump
from recommender.errors import ComparisonMissingError, ComparisonRefusedError, EstimateError, TooEarlyError
from recommender.evaluation import sizes
from recommender.evaluation.sizes import Arm, Design
from recommender.metrics import compared
from recommender.metrics.counting import DIMENSIONS, LEARNT
from recommender.models import Count, Experiment

LOOK_BACK = 14
"""Days whose homes say how long a comparison takes."""
MOST_NEEDED = 1_000_000_000
MOST_DAYS = 365
"""Sums of days are deleted after 13 months: what takes longer would lose its beginning."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison as it is written down. `conclusion` is empty until it is over."""

    name: str
    question: str
    state: str
    a: Mapping[str, Any]
    b: Mapping[str, Any]
    design: Design
    needed: int
    started_at: datetime | None
    ended_at: datetime | None
    conclusion: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """Homes counted in each order; nothing of what was opened there."""

    visits: Mapping[ArmName, int]
    needed: int

    @property
    def missing(self) -> int:
        """Homes that the order with fewer of them still needs."""
        return max(self.needed - min(self.visits.values()), 0)


# --- reading ---------------------------------------------------------------------------------------------------


def comparisons() -> tuple[Comparison, ...]:
    """All of them, the last planned first."""
    return tuple(_comparison(row) for row in Experiment.objects.order_by("-pk"))


def comparison(name: str) -> Comparison:
    """One of them."""
    return _comparison(_row(Experiment.objects.filter(name=name).first(), name))


def progress(name: str) -> Progress:
    """How far it is."""
    found = comparison(name)
    if found.state == Experiment.State.CONCLUDED:
        return Progress({arm: found.conclusion[arm]["visits"] for arm in ARMS}, found.needed)
    return Progress(compared.visits(name), found.needed)


def days_for(needed: int, today: date) -> int | None:
    """Days that both orders take at the homes of the last LOOK_BACK days; None without any."""
    since = today - timedelta(days=LOOK_BACK)
    rows = Count.objects.filter(name=LEARNT, day__gte=since, day__lt=today)
    homes: float = rows.aggregate(sum=Sum("value"))["sum"] or 0.0
    return math.ceil(2 * needed / (homes / LOOK_BACK)) if homes > 0 else None


# --- writing ---------------------------------------------------------------------------------------------------


def plan(*, name: str, question: str, a: object, b: object, design: Design) -> Comparison:
    """Write down what is to be found out and how many visits that needs, before anything is counted."""
    if not NAME.fullmatch(name):
        raise ComparisonRefusedError(
            "a name has small letters, digits and hyphens, at most 38, and begins without hyphen"
        )
    if not question.strip():
        raise ComparisonRefusedError("a comparison answers a question: say which")
    one, other = order_from_json(a), order_from_json(b)
    try:
        with transaction.atomic():
            row = Experiment.objects.create(
                name=name,
                question=question.strip(),
                a=one.json,
                b=other.json,
                baseline=design.baseline,
                effect=design.effect,
                visits_each=design.visits_each,
                alike=design.alike,
                needed=_needed(design),
            )
    except IntegrityError as error:
        raise ComparisonRefusedError(f"there is a comparison of the name {name!r} already") from error
    return _comparison(row)


@transaction.atomic
def start(*, name: str, now: datetime) -> Comparison:
    """Two orders are shown from now on; every process follows the version of the order."""
    row = _held(name)
    if row.state != Experiment.State.PLANNED:
        raise ComparisonRefusedError(f"{name} is {row.state}: it begins once")
    # Written by a release that knew other knobs, it would show one order twice.
    for order in (row.a, row.b):
        order_from_json(order)
    row.state, row.started_at = Experiment.State.RUNNING, now
    try:
        with transaction.atomic():
            row.save(update_fields=["state", "started_at"])
    except IntegrityError as error:
        raise ComparisonRefusedError(
            "another comparison is running: two at once would disturb each other"
        ) from error
    bump()
    return _comparison(row)


@transaction.atomic
def stop(*, name: str, reason: str, now: datetime) -> Comparison:
    """It ends without a conclusion, for good, and its sums are deleted unread."""
    row = _held(name)
    if row.state not in {Experiment.State.PLANNED, Experiment.State.RUNNING}:
        raise ComparisonRefusedError(f"{name} is {row.state}: nothing changes it any more")
    if not reason.strip():
        raise ComparisonRefusedError("say why it is stopped: the reason stays with it")
    return _ended(row, Experiment.State.STOPPED, {"stopped": reason.strip()}, now)


@transaction.atomic
def conclude(*, name: str, now: datetime) -> Comparison:
    """What was found, once, at the size that was planned; TooEarlyError says how many visits are missing."""
    row = _held(name)
    if row.state != Experiment.State.RUNNING:
        raise ComparisonRefusedError(f"{name} is {row.state}: only what is running is concluded, and once")
    found = _comparison(row)
    missing = progress(name).missing
    if missing:
        # Before anything of what was opened is read.
        raise TooEarlyError(f"{missing} more visits are needed for each order")
    arms = compared.arms(name)
    result = sizes.conclude(found.design, arms["a"], arms["b"])
    slices = compared.slices(name, DIMENSIONS)
    written: dict[str, Any] = {
        "a": _arm(arms["a"]),
        "b": _arm(arms["b"]),
        "difference": result.difference,
        "low": result.low,
        "high": result.high,
        "p": result.p,
        "differs": result.differs,
        "slices": [
            {"dimension": dimension, "value": value, "a": _arm(one["a"]), "b": _arm(one["b"])}
            for (dimension, value), one in slices.told.items()
        ],
        "withheld": [list(one) for one in slices.withheld],
    }
    return _ended(row, Experiment.State.CONCLUDED, written, now)


def _ended(row: Experiment, state: str, conclusion: Mapping[str, Any], now: datetime) -> Comparison:
    row.state, row.ended_at, row.conclusion = state, now, conclusion
    row.save(update_fields=["state", "ended_at", "conclusion"])
    compared.forget(row.name)
    bump()
    return _comparison(row)


def _needed(design: Design) -> int:
    if not all(math.isfinite(one) for one in (design.visits_each, design.alike)):
        raise EstimateError("visits of a resident and their likeness are finite numbers")
    if abs(design.effect) < 1e-6 or design.needed > MOST_NEEDED:
        raise EstimateError(f"so small a change needs more than {MOST_NEEDED} visits for each order")
    return design.needed


def _held(name: str) -> Experiment:
    return _row(Experiment.objects.select_for_update().filter(name=name).first(), name)


def _row(row: Experiment | None, name: str) -> Experiment:
    if row is None:
        raise ComparisonMissingError(name)
    return row


def _arm(found: Arm) -> dict[str, int]:
    return {"visits": found.visits, "opened": found.opened}


def _comparison(row: Experiment) -> Comparison:
    return Comparison(
        name=row.name,
        question=row.question,
        state=str(row.state),
        a=row.a,
        b=row.b,
        design=Design(row.baseline, row.effect, row.visits_each, row.alike),
        needed=row.needed,
        started_at=row.started_at,
        ended_at=row.ended_at,
        conclusion=row.conclusion,
    )
