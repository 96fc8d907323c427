"""A gadget that fails again and again is left alone for a while, by all workers, and tried by one."""

from collections.abc import Iterator

import pytest
import time_machine
from django.core.cache import cache

from gadgets.serving import breaker

GADGET = "example.waste.calendar"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def fail(times: int) -> None:
    for _ in range(times):
        breaker.failed(GADGET)


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
