"""Estimators find what is known: the sample's own click rates, and the truth of logs that were made."""

import csv
import gzip
from dataclasses import dataclass

import numpy as np
import pytest

from recommender.errors import EstimateError
from recommender.evaluation.estimators import Estimate, Log, check_support, dr, ips, shrunken, snips
from tests.recommender.conftest import DATA

# --- the Open Bandit sample ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """One file of the sample, by columns."""

    item: np.ndarray
    position: np.ndarray
    click: np.ndarray
    propensity: np.ndarray

    @property
    def log(self) -> Log:
        return Log(self.click, self.propensity)


def sample(campaign: str, policy: str) -> Sample:
    with gzip.open(DATA / "obd" / f"{campaign}_{policy}.csv.gz", "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return Sample(
        np.array([int(row["item_id"]) for row in rows]),
        np.array([int(row["position"]) - 1 for row in rows]),
        np.array([float(row["click"]) for row in rows]),
        np.array([float(row["propensity_score"]) for row in rows]),
    )


def chances(bts: Sample, items: int) -> np.ndarray:
    """Position × item: how often the learning policy showed an item there, as its own log has it."""
    counts = np.zeros((3, items))
    np.add.at(counts, (bts.position, bts.item), 1)
    return counts / counts.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("campaign", "policy", "rate"),
    [("all", "random", 0.0038), ("all", "bts", 0.0042), ("men", "random", 0.0046), ("men", "bts", 0.0069)],
)
def test_on_its_own_log_an_order_is_worth_its_click_rate(campaign: str, policy: str, rate: float) -> None:
    found = sample(campaign, policy)
    assert found.click.mean() == pytest.approx(rate, abs=1e-9)
    for estimate in (ips(found.log, found.propensity), snips(found.log, found.propensity)):
        assert estimate.value == pytest.approx(rate, abs=1e-9)
        assert estimate.low < rate < estimate.high
        assert estimate.effective == pytest.approx(len(found.click))


@pytest.mark.parametrize(("campaign", "items"), [("all", 80), ("men", 34)])
def test_the_uniform_order_on_the_random_log_is_the_mean_click_rate(campaign: str, items: int) -> None:
    found = sample(campaign, "random")
    assert found.item.max() + 1 == items
    uniform = ips(found.log, np.full(len(found.click), 1 / items))
    # The file's propensities are rounded.
    assert uniform.value == pytest.approx(found.click.mean(), rel=1e-3)


@pytest.mark.parametrize(("campaign", "items"), [("all", 80), ("men", 34)])
def test_the_learning_order_from_the_random_log_is_what_its_own_log_says(campaign: str, items: int) -> None:
    random, bts = sample(campaign, "random"), sample(campaign, "bts")
    target = chances(bts, items)
    check_support(target.ravel(), np.full(target.size, 1 / items))
    wanted = target[random.position, random.item]
    model = np.zeros(len(wanted)), np.zeros(len(wanted))
    for rows, rates in shrunken(random.log, random.item, items):
        model[0][rows] = rates[random.item[rows]]
        model[1][rows] = target[random.position[rows]] @ rates
    found = {
        "ips": ips(random.log, wanted),
        "snips": snips(random.log, wanted),
        "dr": dr(random.log, wanted, shown=model[0], other=model[1]),
    }
    own = bts.click.mean()
    for estimate in found.values():
        assert estimate.low < own < estimate.high
        assert 140 < estimate.effective < 3500
    # .05 of a per cent, as the sample's own measurements have it.
    for name in ("ips", "dr"):
        assert abs(found[name].value - found["snips"].value) < 5e-4


# --- logs with a known truth ------------------------------------------------------------------------------------

REWARDS = np.array([0.05, 0.1, 0.2, 0.35, 0.6])
LOGGED = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
OTHER = np.array([0.05, 0.1, 0.15, 0.3, 0.4])
TRUTH = float(OTHER @ REWARDS)


def estimates(seed: int, rows: int = 1500) -> dict[str, Estimate]:
    draws = np.random.default_rng(seed)
    choice = draws.choice(5, rows, p=LOGGED)
    reward = (draws.random(rows) < REWARDS[choice]).astype(float)
    log = Log(reward, LOGGED[choice])
    shown, other = np.zeros(rows), np.zeros(rows)
    for fold, rates in shrunken(log, choice, 5, strength=10):
        shown[fold], other[fold] = rates[choice[fold]], OTHER @ rates
    target = OTHER[choice]
    return {
        "ips": ips(log, target),
        "snips": snips(log, target),
        "dr": dr(log, target, shown=shown, other=other),
    }


def test_they_are_right_on_average_their_intervals_hold_the_truth_and_a_model_narrows_them() -> None:
    found = [estimates(seed) for seed in range(400)]
    spread = {}
    for name in ("ips", "snips", "dr"):
        values = np.array([one[name].value for one in found])
        spread[name] = values.std()
        assert abs(values.mean() - TRUTH) < 4 * values.std() / 20
        held = np.mean([one[name].low < TRUTH < one[name].high for one in found])
        assert 0.92 < held < 0.98, name
    assert spread["dr"] < 0.9 * spread["ips"]
    assert spread["snips"] < spread["ips"]


def test_what_one_resident_does_widens_the_interval() -> None:
    draws = np.random.default_rng(1)
    choice = draws.choice(5, 1000, p=LOGGED)
    reward = (draws.random(1000) < REWARDS[choice]).astype(float)
    alone = ips(Log(reward, LOGGED[choice]), OTHER[choice])
    # The same rows, each ten times by the same resident: no more is known than before.
    ten = np.repeat(np.arange(1000), 10)
    often = Log(reward[ten], LOGGED[choice][ten], ten)
    together = ips(often, OTHER[choice][ten])
    assert together.error == pytest.approx(alone.error, rel=0.01)
    assert ips(Log(often.reward, often.propensity), OTHER[choice][ten]).error < 0.4 * alone.error


def test_clipping_is_told() -> None:
    log = Log(np.repeat([1.0, 0.0], 500), np.full(1000, 0.5))
    target = np.full(1000, 0.5)
    assert ips(log, target).clipped == 0
    target[:100] = 1.0
    found = ips(log, target, most=1.5)
    assert found.clipped == pytest.approx(0.1)
    assert found.value == pytest.approx(0.55)


def test_all_rows_of_a_resident_are_in_one_fold() -> None:
    cluster = np.repeat(np.arange(50), 3)
    log = Log(np.tile([0.0, 1.0], 75), np.ones(150), cluster)
    for rows, rates in shrunken(log, np.zeros(150, dtype=np.intp), 1):
        assert not set(cluster[rows]) & set(cluster[~rows])
        assert rates[0] == pytest.approx(log.reward[~rows].mean())


ONES = np.ones(200)
SOME = np.tile([0.0, 1.0], 100)


@pytest.mark.parametrize(
    ("reward", "propensity", "target", "words"),
    [
        (np.zeros(0), np.zeros(0), np.zeros(0), "no row"),
        (SOME, ONES[:5], ONES, "5 rows for 200"),
        (SOME, ONES, ONES[:7], "7 rows for 200"),
        (SOME * np.nan, ONES, ONES, "finite"),
        (ONES, ONES, ONES, "same reward"),
        (ONES * 0, ONES, ONES, "same reward"),
        (SOME, ONES * 0, ONES, "propensity"),
        (SOME, ONES * np.nan, ONES, "propensity"),
        (SOME, ONES * 2, ONES, "propensity"),
        (SOME, ONES, ONES * 2, "other order"),
        (SOME, ONES, ONES * np.nan, "other order"),
        (SOME, ONES, ONES * 0, "as much as 0 rows"),
        (SOME, ONES, np.eye(200)[0], "as much as 1 rows"),
    ],
)
def test_what_cannot_be_judged_says_why(
    reward: np.ndarray, propensity: np.ndarray, target: np.ndarray, words: str
) -> None:
    for method in (ips, snips):
        with pytest.raises(EstimateError, match=words):
            method(Log(reward, propensity), target)


def test_one_resident_and_a_missing_support_are_refused() -> None:
    with pytest.raises(EstimateError, match="alone"):
        ips(Log(SOME, ONES, np.zeros(200, dtype=np.intp)), ONES)
    with pytest.raises(EstimateError, match=r"25\.0%"):
        check_support(np.array([0.75, 0.25]), np.array([1.0, 0.0]))
    with pytest.raises(EstimateError, match="shows nothing"):
        check_support(np.zeros(2), np.ones(2))
    with pytest.raises(EstimateError, match="shown"):
        dr(Log(SOME, ONES), ONES, shown=ONES[:3], other=ONES)
    with pytest.raises(EstimateError, match="model"):
        dr(Log(SOME, ONES), ONES, shown=ONES * np.nan, other=ONES)
