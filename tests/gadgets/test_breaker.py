"""A gadget that fails again and again is left alone for a while, by all workers, and tried by one."""

from collections.abc import Iterator

import pytest
import time_machine
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from gadgets.cards import breaker, breaker_rule

GADGET = "example.waste.calendar"
counts = st.integers(0, 10_000)


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def fail(times: int, whose: str = "") -> None:
    for _ in range(times):
        breaker.failed(GADGET, whose)


@pytest.mark.parametrize(
    ("successes", "failures", "opens"),
    [
        (0, 4, False),
        (0, 5, True),
        (4, 5, True),
        (5, 5, True),
        (6, 5, False),
        (3_995, 5, False),
        (3_000, 1_000, False),
        (1_000, 1_000, True),
        (0, 0, False),
    ],
)
def test_the_share_of_the_window_decides(successes: int, failures: int, opens: bool) -> None:
    assert breaker_rule.opens(successes=successes, failures=failures) is opens


@given(counts, counts, counts)
def test_a_good_call_never_opens_it_and_a_bad_one_never_keeps_it_shut(good: int, bad: int, more: int) -> None:
    opened = breaker_rule.opens(successes=good, failures=bad)
    assert not (breaker_rule.opens(successes=good + more, failures=bad) and not opened)
    assert not (opened and not breaker_rule.opens(successes=good, failures=bad + more))
    if opened:
        assert bad >= breaker_rule.FEWEST
        assert bad >= good


@given(st.integers(0, 10_000))
def test_pauses_double_up_to_the_longest(times: int) -> None:
    pause = breaker_rule.pause(times)
    assert pause == min(30 * 2**times, 900)


@given(st.floats(0, 4e9), st.floats(0, 120))
def test_the_window_slides(then: float, later: float) -> None:
    """A call counts for at least 50 seconds and for 60 at most."""
    counted = int(then // breaker_rule.BUCKET) in breaker_rule.buckets(then + later)
    if later < breaker_rule.WINDOW - breaker_rule.BUCKET:
        assert counted
    if later > breaker_rule.WINDOW:
        assert not counted


def test_five_failures_of_four_thousand_calls_close_nobodys_card() -> None:
    for number in range(4_000):
        if number % 800 == 799:
            breaker.failed(GADGET)
        else:
            breaker.succeeded(GADGET)
    assert breaker.allows(GADGET)


def test_a_resident_whose_own_card_fails_closes_it_for_nobody_else() -> None:
    fail(100, "hanako")
    assert not breaker.allows(GADGET, "hanako")
    assert breaker.allows(GADGET, "taro")
    assert breaker.allows(GADGET)


def test_five_residents_who_fail_close_it_for_everybody() -> None:
    for name in ("hanako", "taro", "linh", "yuki"):
        fail(4, name)
    assert breaker.allows(GADGET, "ken")
    fail(1, "ken")
    assert not breaker.allows(GADGET, "somebody else")
    assert breaker.is_open(GADGET)


def test_each_resident_has_a_share_of_their_own() -> None:
    """Others' good calls do not hide that this one's card never comes."""
    for number in range(50):
        breaker.succeeded(GADGET, f"resident {number}")
    fail(5, "hanako")
    assert not breaker.allows(GADGET, "hanako")


def test_calls_that_were_on_their_way_do_not_lengthen_the_pause() -> None:
    fail(5 + 8)
    assert cache.get(f"breaker:times:{GADGET}") == 1


def test_four_failures_leave_it_closed_and_the_fifth_opens_it() -> None:
    fail(4)
    assert breaker.allows(GADGET)
    fail(1)
    assert not breaker.allows(GADGET)
    assert breaker.is_open(GADGET)


def test_another_gadget_is_not_concerned() -> None:
    fail(5)
    assert breaker.allows("example.bus.stops")


def test_a_cache_that_holds_nothing_means_no_breaker(settings: object) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}  # type: ignore[attr-defined]
    fail(10)
    assert breaker.allows(GADGET)
    breaker.succeeded(GADGET)


class TestTime:
    """Expiry by the clock: only the local cache follows a clock that a test moves."""

    @pytest.fixture(autouse=True)
    def local_cache(self, settings: object) -> None:
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}  # type: ignore[attr-defined]
        cache.clear()

    @pytest.fixture
    def clock(self) -> Iterator[time_machine.Traveller]:
        with time_machine.travel("2026-04-01T09:00:00+09:00", tick=False) as moving:
            yield moving

    def test_a_minute_of_good_calls_does_not_hide_an_outage(self, clock: time_machine.Traveller) -> None:
        for _ in range(100):
            breaker.succeeded(GADGET)
        clock.shift(61)
        fail(5)
        assert not breaker.allows(GADGET)

    def test_a_resident_counts_once_in_each_window(self, clock: time_machine.Traveller) -> None:
        for _ in range(6):
            fail(3, "hanako")
            clock.shift(61)
            assert breaker.allows(GADGET, "taro")

    def test_failures_over_a_minute_apart_are_forgotten(self, clock: time_machine.Traveller) -> None:
        fail(4)
        clock.shift(61)
        fail(4)
        assert breaker.allows(GADGET)

    def test_after_the_pause_one_caller_tries(self, clock: time_machine.Traveller) -> None:
        fail(5)
        clock.shift(29)
        assert not breaker.allows(GADGET)
        clock.shift(2)
        assert breaker.allows(GADGET)
        assert not breaker.allows(GADGET)

    def test_a_trial_that_succeeds_closes_it(self, clock: time_machine.Traveller) -> None:
        fail(5)
        clock.shift(31)
        assert breaker.allows(GADGET)
        breaker.succeeded(GADGET)
        fail(4)
        assert breaker.allows(GADGET)
        assert breaker.allows(GADGET)

    def test_each_failed_trial_doubles_the_pause_up_to_15_minutes(
        self, clock: time_machine.Traveller
    ) -> None:
        fail(5)
        for pause in (30, 60, 120, 240, 480, 900, 900):
            clock.shift(pause - 1)
            assert not breaker.allows(GADGET), pause
            clock.shift(2)
            assert breaker.allows(GADGET), pause
            fail(1)

    def test_a_trial_that_never_came_back_does_not_block_for_ever(
        self, clock: time_machine.Traveller
    ) -> None:
        fail(5)
        clock.shift(31)
        assert breaker.allows(GADGET)
        clock.shift(breaker.TRIAL + 1)
        assert breaker.allows(GADGET)
