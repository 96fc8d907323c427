"""The metrics of a month stay in their ranges whatever was counted, and do not know the names of items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.metrics import formulas

NAMES = st.sampled_from([f"i{number}" for number in range(12)])
SUMS = st.dictionaries(NAMES, st.integers(0, 500), max_size=12)


@given(SUMS, st.frozensets(NAMES))
def test_coverage_is_a_share_and_all_is_one(shown, available) -> None:
    found = formulas.coverage(shown, available)
    assert (found is None) is (not available)
    if found is not None:
        assert 0 <= found <= 1
        assert formulas.coverage(dict.fromkeys(available, 1), available) == 1


@given(SUMS, st.integers(0, 2000))
def test_novelty_is_no_less_than_nothing(shown, lists) -> None:
    found = formulas.novelty(shown, lists)
    assert (found is None) is (not sum(shown.values()) or not lists)
    assert found is None or found >= 0


@given(SUMS, SUMS)
def test_popularity_is_at_most_the_number_of_items(shown, opened) -> None:
    found = formulas.popularity(shown, opened)
    size = sum(count > 0 for count in shown.values())
    assert found is None or 0 <= found <= size + 1e-9


@given(SUMS, SUMS, st.permutations([f"i{number}" for number in range(12)]))
def test_other_names_are_the_same_figures(shown, opened, names) -> None:
    other = dict(zip((f"i{number}" for number in range(12)), names, strict=True))
    shown_there = {other[key]: value for key, value in shown.items()}
    opened_there = {other[key]: value for key, value in opened.items()}
    assert formulas.novelty(shown, 100) == pytest.approx(formulas.novelty(shown_there, 100))
    assert formulas.popularity(shown, opened) == pytest.approx(formulas.popularity(shown_there, opened_there))
    here, there = formulas.exposures(shown, opened), formulas.exposures(shown_there, opened_there)
    assert {other[key]: value for key, value in here.items()} == pytest.approx(there)


@given(st.dictionaries(NAMES, st.integers(1, 50), min_size=1))
def test_shown_as_offered_is_an_exposure_of_one(offered) -> None:
    assert list(formulas.exposures(offered, offered).values()) == pytest.approx([1] * len(offered))


@given(st.lists(st.floats(0, 100), min_size=1))
def test_a_tenth_lies_between_the_least_and_the_middle(values) -> None:
    found = formulas.tenth(values)
    assert found is not None
    assert min(values) <= found <= sorted(values)[len(values) // 2]
    assert sum(value <= found for value in values) * 10 >= len(values)


def test_what_cannot_be_measured_is_none() -> None:
    assert formulas.share(0, 0) is None
    assert formulas.tenth([]) is None
    assert formulas.gap([]) is formulas.gap([1.0]) is formulas.gap([0.0, 0.0]) is None
    assert formulas.exposures({}, {"a": 1}) == {}
    assert formulas.popularity({"a": 1}, {}) is None


def test_figures_that_are_known_by_hand() -> None:
    assert formulas.novelty({"a": 4, "b": 4}, 4) == 0  # both on every list
    assert formulas.novelty({"a": 1, "b": 1}, 4) == 2
    assert formulas.popularity({"a": 3, "b": 1}, {"a": 2, "b": 0}) == 1.5
    assert formulas.exposures({"a": 3, "b": 1}, {"a": 2, "b": 2}) == {"a": 1.5, "b": 0.5}
    assert formulas.gap([0.2, 0.1, 0.4]) == 0.25
    assert formulas.tenth([float(n) for n in range(1, 21)]) == 2


def test_the_cost_of_the_slot_needs_enough_of_both_sides() -> None:
    def cost(explored, plain):
        return formulas.cost(explored, plain, least_opened=20, lists=100)

    assert cost((100, 10), (100, 20)) == 0.5
    assert cost((100, 20), (100, 10)) == -1
    assert cost((99, 10), (100, 20)) is None
    assert cost((100, 10), (99, 20)) is None
    assert cost((100, 9), (100, 10)) is None
    assert cost((100, 20), (100, 0)) is None
