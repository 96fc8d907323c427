"""Orders to compare and arms: knobs that are refused, halves that are even, the same everywhere and of each comparison."""

import subprocess
import sys
from typing import Any

import pytest

from recommender.abtest.comparison import NAME, NOW, Order, Running, arm, marked, order_from_json
from recommender.domain.reranking import Plan
from recommender.domain.weights import Prior, Weights
from recommender.errors import OrderError
from recommender.metrics import compared
from recommender.models import Experiment, Interaction

SUBJECTS = [f"subject-{number}" for number in range(20_000)]


# --- arms ------------------------------------------------------------------------------------------------------


def test_the_halves_are_even() -> None:
    b = sum(arm(subject, "caps") == "b" for subject in SUBJECTS)
    # Four standard errors of 20,000 throws of a coin.
    assert abs(b - 10_000) < 4 * 71


def test_the_halves_of_two_comparisons_are_independent() -> None:
    both = sum(arm(subject, "caps") == arm(subject, "caps-again") for subject in SUBJECTS)
    assert abs(both - 10_000) < 4 * 71


def test_an_arm_is_the_same_on_each_visit_and_in_another_process() -> None:
    some = SUBJECTS[:200]
    mine = "".join(arm(subject, "caps") for subject in some)
    assert mine == "".join(arm(subject, "caps") for subject in some)
    code = (
        "from recommender.abtest.comparison import arm\n"
        "print(''.join(arm(f'subject-{n}', 'caps') for n in range(200)), end='')"
    )
    for seed in ("1", "2"):
        theirs = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        )
        assert theirs.stdout == mine


def test_what_runs_gives_the_arm_of_its_name() -> None:
    running = Running("caps", NOW, Order(per_topic=2))
    assert [running.arm(subject) for subject in SUBJECTS[:50]] == [
        arm(subject, "caps") for subject in SUBJECTS[:50]
    ]


def test_the_longest_name_fits_into_the_table_and_with_its_arm_into_the_log() -> None:
    longest = "a" * 38
    assert NAME.fullmatch(longest)
    assert not NAME.fullmatch(longest + "a")
    assert len(marked(longest, "b")) <= (Interaction._meta.get_field("arm").max_length or 0)
    assert len(longest) <= (Experiment._meta.get_field("name").max_length or 0)


# --- orders ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "an object of per_topic, per_provider, calibration, learnt"),
        (None, "an object"),
        ({"per_topics": 2, "x": 1}, "unknown: per_topics, x"),
        ({"per_topic": 0}, "per_topic: a whole number from 1 to 100, not 0"),
        ({"per_topic": 101}, "from 1 to 100"),
        ({"per_topic": 2.0}, "whole number"),
        ({"per_topic": True}, "not True"),
        ({"per_provider": "2"}, "per_provider: a whole number"),
        ({"calibration": 1.1}, "calibration: a number from 0 to 1"),
        ({"calibration": -0.1}, "calibration"),
        ({"calibration": float("nan")}, "calibration"),
        ({"calibration": "0.2"}, "calibration"),
        ({"calibration": False}, "calibration"),
        ({"learnt": 0}, "learnt: true or false, not 0"),
        ({"learnt": None}, "learnt"),
    ],
)
def test_knobs_that_are_none_are_refused_by_name(given: object, told: str) -> None:
    with pytest.raises(OrderError, match=told):
        order_from_json(given)


@pytest.mark.parametrize(
    "given",
    [{}, {"per_topic": 1}, {"per_provider": 5, "calibration": 0}, {"learnt": False}, {"calibration": 0.5}],
)
def test_an_order_is_written_down_as_what_differs(given: dict[str, object]) -> None:
    assert order_from_json(given).json == given


def test_what_is_not_said_is_as_it_is_now() -> None:
    now = Plan(boosts={"busco": 1.0}, seen={"n1": 3.0}, per_topic=4, per_provider=3, calibration=0.1)
    assert NOW.plan(now) == now
    other = Order(per_topic=2, calibration=0.0).plan(now)
    assert (other.per_topic, other.per_provider, other.calibration) == (2, 3, 0.0)
    assert (other.boosts, other.seen) == (now.boosts, now.seen)


def test_without_what_was_learnt_the_same_prior_ranks_alone() -> None:
    learnt = Weights(Prior(), {"kind": {"news": 1.0}})
    assert NOW.weights(learnt) is learnt
    without = Order(learnt=False).weights(learnt)
    assert without.prior is learnt.prior
    assert without.learnt == {}
    # Nothing to leave out: nothing needs to be compiled twice.
    alone = Weights()
    assert Order(learnt=False).weights(alone) is alone


def test_a_lot_stays_when_the_secret_of_the_sessions_changes(settings: Any) -> None:
    before = [compared.drawn(f"resident {n}", "figures|2026-06") for n in range(50)]
    settings.SECRET_KEY = "another"
    assert [compared.drawn(f"resident {n}", "figures|2026-06") for n in range(50)] == before
    assert len(set(before)) > 20
