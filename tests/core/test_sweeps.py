"""A sweep tries each item by itself, writes down what fails until it succeeds, and names ids only."""

import logging
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from core import sweeps

pytestmark = pytest.mark.django_db


def poisoned(*bad: int):
    """An act that fails for some numbers, and the list of what it was called with."""
    called: list[int] = []

    def act(number: int) -> int:
        called.append(number)
        if number in bad:
            raise ValueError("hanako@example.test")
        return number * 10

    return act, called


def test_one_that_fails_delays_no_other_and_is_named_by_its_id(caplog: pytest.LogCaptureFixture) -> None:
    act, called = poisoned(2)
    with caplog.at_level(logging.ERROR):
        swept = sweeps.each("t.job", [1, 2, 3], act, key=lambda number: f"n{number}")
    assert (swept.results, swept.failed, called) == ([10, 30], [2], [1, 2, 3])
    assert [record.getMessage() for record in caplog.records] == ["sweep t.job: n2 failed: ValueError"]
    (fault,) = sweeps.faults()
    assert (fault.job, fault.item, fault.error, fault.tries) == ("t.job", "n2", "ValueError", 1)
    assert "hanako" not in caplog.text


def test_what_failed_comes_last_the_next_time_and_is_forgotten_once_it_succeeds() -> None:
    act, _ = poisoned(1)
    sweeps.each("t.job", [1, 2], act)
    sweeps.each("t.job", [1, 2], act)
    assert sweeps.faults("t.job")[0].tries == 2
    mended, called = poisoned()
    sweeps.each("t.job", [1, 2], mended)
    assert called == [2, 1]
    assert sweeps.faults() == ()


def test_threads_try_every_item_too() -> None:
    act, called = poisoned(1, 4)
    swept = sweeps.each("t.job", range(6), act, threads=3)
    assert sorted(swept.results) == [0, 20, 30, 50]
    assert sorted(swept.failed) == [1, 4]
    assert {fault.item for fault in sweeps.faults()} == {"1", "4"}
    assert sorted(called) == list(range(6))
    assert threading.active_count() < 10


def test_what_is_done_together_is_done_one_by_one_when_it_fails() -> None:
    rows: list[list[int]] = []

    def act(numbers) -> None:
        if 2 in numbers:
            raise ValueError
        rows.append(list(numbers))

    assert sweeps.together("t.job", [1, 2, 3], act) == [2]
    assert rows == [[1], [3]]
    assert sweeps.together("t.job", [1, 3], act) == []
    assert rows[-1] == [1, 3]


def test_a_step_that_fails_keeps_no_other_from_its_turn() -> None:
    def broken() -> int:
        raise KeyError

    def sound() -> int:
        return 7

    assert sweeps.steps("t.job", broken, sound) == [7]
    assert [fault.item for fault in sweeps.faults()] == ["test_sweeps.broken"]


def test_a_sweep_without_items_costs_no_query_and_a_sound_one_writes_nothing(
    django_assert_num_queries,
) -> None:
    with django_assert_num_queries(0):
        sweeps.each("t.job", [], str)
    with django_assert_num_queries(1):
        sweeps.each("t.job", [1, 2, 3], str)


def test_a_job_that_fails_as_a_whole_is_listed_until_it_runs() -> None:
    def broken() -> None:
        raise OSError

    sweeps.whole("t.job", broken)
    assert [(fault.job, fault.item, fault.error) for fault in sweeps.faults()] == [("t.job", "", "OSError")]
    sweeps.whole("t.job", lambda: None)
    assert sweeps.faults() == ()


def test_a_fault_whose_item_never_comes_again_is_dropped() -> None:
    act, _ = poisoned(1)
    sweeps.each("t.job", [1], act)
    assert sweeps.forget_old(timezone.now() + timedelta(days=6)) == 0
    assert sweeps.forget_old(timezone.now() + timedelta(days=8)) == 1
