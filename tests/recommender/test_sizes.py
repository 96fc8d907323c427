"""A comparison of two orders needs its visits, and says nothing before it has them."""

import contextlib

import numpy as np
import pytest

from recommender.errors import EstimateError, TooEarlyError
from recommender.evaluation.sizes import Arm, Design, conclude


def test_the_visits_that_are_needed() -> None:
    # Fleiss 1981: 5 % against 6 % need 8,158 each (no correction for continuity).
    assert Design(0.05, 0.2).needed == pytest.approx(8158, rel=0.002)
    # A tenth more of four clicks in a thousand: some 400,000 views for each.
    assert Design(0.004, 0.1).needed == pytest.approx(400_000, rel=0.05)


def test_rarer_smaller_and_more_alike_need_more() -> None:
    usual = Design(0.05, 0.1).needed
    assert Design(0.025, 0.1).needed > 2 * usual
    assert Design(0.05, 0.05).needed > 3.5 * usual
    assert Design(0.05, 0.1, visits_each=11, alike=0.1).needed == pytest.approx(2 * usual, abs=1)


@pytest.mark.parametrize(("baseline", "effect"), [(0, 0.1), (1, 0.1), (0.5, 0), (0.5, -0.1), (0.9, 0.2)])
def test_a_plan_that_is_none_is_refused(baseline: float, effect: float) -> None:
    with pytest.raises(EstimateError, match="between 0 and 1"):
        Design(baseline, effect)


@pytest.mark.parametrize(("each", "alike"), [(0.5, 0.1), (2, -0.1), (2, 1.1)])
def test_so_is_a_likeness_that_is_none(each: float, alike: float) -> None:
    with pytest.raises(EstimateError, match="correlation"):
        Design(0.1, 0.1, each, alike)


def test_nothing_is_concluded_before_both_have_their_visits() -> None:
    design = Design(0.3, 0.2)
    enough = design.needed
    with pytest.raises(TooEarlyError, match="1 more visits"):
        conclude(design, Arm(enough, 300), Arm(enough - 1, 900))
    assert conclude(design, Arm(enough, 300), Arm(enough, 300)).p == pytest.approx(1)


@pytest.mark.parametrize(("visits", "opened"), [(10, 11), (10, -1), (-1, 0)])
def test_what_cannot_have_been_counted_is_refused(visits: int, opened: int) -> None:
    with pytest.raises(EstimateError, match="counts once"):
        Arm(visits, opened)


def test_a_difference_has_its_interval() -> None:
    found = conclude(Design(0.3, 0.2), Arm(2000, 600), Arm(2000, 720))
    assert found.difference == pytest.approx(0.06)
    assert found.low < 0.06 < found.high
    assert found.differs
    assert not conclude(Design(0.3, 0.2), Arm(2000, 600), Arm(2000, 610)).differs


def test_orders_that_open_nothing_or_everything_do_not_differ() -> None:
    for opened in (0, 2000):
        assert not conclude(Design(0.3, 0.2), Arm(2000, opened), Arm(2000, opened)).differs


def looks(seed: int, design: Design, *, second: float) -> tuple[bool, bool]:
    """Whether a look each day finds a difference: by the rule, and by whoever stops at the first p below .05."""
    draws = np.random.default_rng(seed)
    days = 20
    each = -(-design.needed // days)
    daily = draws.binomial(each, [design.baseline, second], (days, 2)).cumsum(axis=0)
    ruled = hasty = False
    for day, (one, other) in enumerate(daily.tolist(), start=1):
        a, b = Arm(each * day, one), Arm(each * day, other)
        with contextlib.suppress(TooEarlyError):
            ruled = conclude(design, a, b).differs
        rate = (one + other) / (2 * each * day)
        error = np.sqrt(2 * rate * (1 - rate) / (each * day))
        hasty = hasty or bool(abs(one - other) / (each * day) > 1.96 * error)
    return ruled, hasty


def test_who_looks_daily_is_not_led_astray_and_a_real_difference_is_found() -> None:
    design = Design(0.3, 0.2)
    same = np.mean([looks(seed, design, second=0.3) for seed in range(1000)], axis=0)
    assert same[0] < 0.07
    assert same[1] > 0.15
    better = np.mean([looks(seed, design, second=0.36)[0] for seed in range(300)])
    assert better > 0.74
