"""Checks of a candidate: each fails by itself and says so, and nobody is told of groups below twenty."""

import math
from uuid import UUID

import pytest

from recommender.domain.features import Shown
from recommender.domain.types import Profile
from recommender.domain.weights import Prior, Weights
from recommender.learning import rows
from recommender.learning.evidence import Evidence, judge
from recommender.learning.rows import Row
from recommender.log import item_json, profile_json
from tests.recommender.samples import HANAKO, NOW, item

SPORT, MUSIC = item("sport", topics=("sports",)), item("music", topics=("music",))
NOTHING = Weights(Prior(), {})


def visits(opened: str, age: str, residents: int = 30, propensity: float = 1.0) -> list[Row]:
    profile = Profile(attributes={"age_band": age})
    return [
        Row(
            Shown(profile, one, NOW, position, float(one.id == opened), f"{age}-{number}"),
            UUID(int=number).hex + age,
            propensity,
        )
        for number in range(residents)
        for position, one in enumerate((SPORT, MUSIC))
    ]


def failed(candidate: Weights, found: list[Row], active: Weights = NOTHING) -> dict[str, str]:
    evidence = Evidence()
    evidence.add(found, candidate, active)
    evidence = Evidence.from_json(evidence.to_json())
    return {line.name: line.words for line in judge(evidence, candidate) if not line.ok}


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf, 8.1])
def test_what_is_not_finite_or_too_sure(weight):
    assert next(iter(failed(Weights(Prior(), {"topic": {"sports": weight}}), []))) == "finite"


def test_what_moves_everything_at_once():
    candidate = Weights(Prior(), {"topic": {"sports": 6.0}})
    assert set(failed(candidate, visits("sport", "25-34"))) == {"drift"}


def test_what_fresh_visits_contradict():
    candidate = Weights(Prior(), {"topic": {"sports": 0.5}})
    assert not failed(candidate, visits("sport", "25-34"))
    assert "replay" in failed(candidate, visits("music", "25-34"))


def test_a_group_that_falls_behind_though_all_together_gain():
    candidate = Weights(Prior(), {"topic": {"sports": 0.5}})
    found = visits("sport", "25-34", 90) + visits("music", "75+", 25)
    assert set(failed(candidate, found)) == {"fairness"}
    assert "age_band=75+" in failed(candidate, found)["fairness"]
    small = visits("sport", "25-34", 90) + visits("music", "75+", 19)
    assert not failed(candidate, small), "nothing is said about nineteen"


def test_a_gap_that_widens():
    candidate = Weights(Prior(), {"attribute:age_band": {"25-34|sports": 1.5}})
    found = visits("sport", "25-34", 60) + visits("sport", "75+", 60)
    assert "the gap between groups widens" in failed(candidate, found)["fairness"]


def test_what_stood_there_by_a_small_chance_counts_more():
    evidence = Evidence()
    evidence.add(visits("sport", "25-34", 1, propensity=0.25), NOTHING, NOTHING)
    assert evidence.whole.n == 4
    evidence.add(visits("sport", "25-34", 1, propensity=0.001), NOTHING, NOTHING)
    assert evidence.whole.n == 14


def test_nothing_seen_is_nothing_against_it():
    assert not failed(NOTHING, [])


def test_a_logged_row_comes_back_as_it_was():
    starts = item("event", topics=("music",), places=("yashima",), audience_keys=("age_band",))
    assert rows.item(item_json(starts)) == starts
    assert rows.profile(profile_json(HANAKO)) == HANAKO


@pytest.mark.parametrize("published", ["2026-06-01T00:00:00", "yesterday", None, 7])
def test_a_time_that_is_none_is_an_error(published):
    with pytest.raises((TypeError, ValueError)):
        rows.item({**item_json(SPORT), "published_at": published})


@pytest.mark.parametrize(
    ("acts", "expected"),
    [((), 0), (("open",), 1), (("action",), 1), (("not_for_me",), 0), (("open", "not_for_me"), 0)],
)
def test_what_counts_as_a_click(acts, expected):
    assert rows.clicked(frozenset(acts)) == expected
