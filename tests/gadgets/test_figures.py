"""Figures of a gadget: counted in memory, written in batches, read by day; never a resident in them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery.signals import worker_shutdown
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

import portal.celery  # noqa: F401  (connects the signal)
from gadgets import tasks
from gadgets.cards import fetch
from gadgets.metrics import call_metrics
from gadgets.models import GadgetHour
from gadgets.types import FetchOutcome
from tests.gadgets.providers import Provider, card_bytes, reply
from tests.gadgets.samples import info

NOW = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
GADGET = "example.waste.calendar"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean")]


@pytest.fixture(autouse=True)
def nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_metrics, "_waiting", {})


def note(
    times: int = 1, *, code: str = "", ms: float = 90, at: datetime = NOW, gadget_id: str = GADGET
) -> None:
    for _ in range(times):
        call_metrics.note(FetchOutcome(gadget_id, "2.1.0", not code, code, "", ms / 1000, at))


def test_nothing_is_known_of_a_gadget_that_nobody_asked() -> None:
    found = call_metrics.of(GADGET, 30, NOW).whole
    assert (found.calls, found.percent, found.p95_ms, found.hit_percent, found.faults) == (
        0,
        None,
        None,
        None,
        (),
    )


def test_counting_writes_nothing_and_a_flush_writes_all() -> None:
    with CaptureQueriesContext(connection) as asked:
        note(3)
        call_metrics.hits([GADGET, GADGET, "example.bus.stops"], NOW)
    assert len(asked) == 0
    assert not GadgetHour.objects.exists()
    assert call_metrics.flush() == 2
    assert call_metrics.flush() == 0
    found = call_metrics.of(GADGET, 1, NOW).whole
    assert (found.calls, found.successes, found.hits) == (3, 3, 2)


def test_what_is_flushed_later_adds_to_the_same_hour() -> None:
    note(2)
    call_metrics.flush()
    note(1, code="card")
    note(1, code="deadline_passed")
    note(2, code="card", at=NOW + timedelta(minutes=29))
    call_metrics.flush()
    assert GadgetHour.objects.count() == 1
    found = call_metrics.of(GADGET, 1, NOW).whole
    assert (found.calls, found.successes, found.percent) == (6, 2, 33)
    assert found.faults == (("card", 3), ("deadline_passed", 1))


def test_the_percentage_is_rounded_down_and_hits_count_among_all_wanted() -> None:
    note(999)
    note(1, code="card")
    call_metrics.hits([GADGET] * 2000, NOW)
    call_metrics.flush()
    found = call_metrics.of(GADGET, 1, NOW).whole
    assert (found.percent, found.hit_percent) == (99, 66)


@pytest.mark.parametrize(
    ("slow", "p95"),
    [(0, 100), (5, 100), (6, 750)],
)
def test_the_slowest_twentieth_does_not_count(slow: int, p95: int) -> None:
    note(100 - slow, ms=90)
    note(slow, ms=700)
    call_metrics.flush()
    assert call_metrics.of(GADGET, 1, NOW).whole.p95_ms == p95


def test_what_took_longer_than_the_last_bound_has_no_number() -> None:
    note(2, ms=9000)
    call_metrics.flush()
    assert call_metrics.of(GADGET, 1, NOW).whole.p95_ms is None


def test_days_are_those_of_the_region() -> None:
    """15:00 in UTC is midnight in Japan."""
    note(1, at=datetime(2026, 3, 31, 14, 59, tzinfo=UTC))
    note(2, at=datetime(2026, 3, 31, 15, 0, tzinfo=UTC))
    note(4, at=NOW - timedelta(days=31))
    call_metrics.flush()
    report = call_metrics.of(GADGET, 30, NOW)
    assert [(day.isoformat(), found.calls) for day, found in report.days] == [
        ("2026-03-31T00:00:00+09:00", 1),
        ("2026-04-01T00:00:00+09:00", 2),
    ]
    assert report.whole.calls == 3
    assert [hour.hour for hour, _ in call_metrics.hours(GADGET, NOW - timedelta(days=1))] == [14, 15]
    assert call_metrics.total(GADGET, NOW - timedelta(days=40)).calls == 7


def test_while_the_database_is_away_the_counts_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    note(2)

    def away(*_: object) -> None:
        note(1)  # meanwhile
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(call_metrics, "_write", away)
        broken.setattr(call_metrics, "MOST_WAITING", 1)
        call_metrics.hits(["example.bus.stops"], NOW)
        assert call_metrics.flush() == 0
    call_metrics.flush()
    assert call_metrics.of(GADGET, 1, NOW).whole.calls == 3
    assert call_metrics.of("example.bus.stops", 1, NOW).whole.hits == 0


def test_old_hours_go() -> None:
    note(1, at=NOW - timedelta(days=101))
    note(1, at=NOW - timedelta(days=99))
    call_metrics.flush()
    assert call_metrics.forget_old(NOW) == 1
    assert GadgetHour.objects.count() == 1


def test_the_sweeps_are_there() -> None:
    known = {job.name: job.run for job in tasks.JOBS}
    assert known["gadgets.write_figures"] is call_metrics.flush
    assert known["gadgets.forget_figures"] is call_metrics.forget_old


class TestThread:
    """What a web process does."""

    @pytest.fixture
    def flushes(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
        done: list[int] = []
        monkeypatch.setattr(call_metrics, "FLUSH_SECONDS", 0.01)
        monkeypatch.setattr(call_metrics, "flush_now", lambda: done.append(1))
        yield done
        call_metrics._stopped.clear()

    def test_it_writes_again_and_again_and_once_more_at_the_end(self, flushes: list[int]) -> None:
        call_metrics.start()
        call_metrics.start()
        (thread,) = call_metrics._started
        while not flushes:
            thread.join(0.01)
        call_metrics.stop()
        assert not thread.is_alive()
        before = len(flushes)
        call_metrics.stop()
        assert len(flushes) == before + 1


def test_a_worker_that_ends_writes_what_it_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_metrics, "close_old_connections", lambda: None)  # those of the test stay
    note(2)
    try:
        worker_shutdown.send(sender=None)
    finally:
        call_metrics._stopped.clear()
    assert GadgetHour.objects.get().calls == 2


class TestFetched:
    """Real calls at a real provider."""

    def test_calls_faults_and_cards_from_the_cache(self, settings: Any) -> None:
        settings.LOOPBACK_NAMES = True
        with Provider.running(reply(card_bytes())) as provider:
            gadget = info(provider.origin)
            for _ in range(3):
                fetch.refresh(fetch.wanted_for(gadget, bundle=None, locale="ja", size="M"))
            provider.answer = reply(b"no card")
            fetch.refresh(fetch.wanted_for(gadget, bundle=None, locale="en", size="M"))
        call_metrics.flush()
        found = call_metrics.of(GADGET, 1).whole
        assert (found.calls, found.successes, found.hits) == (2, 1, 2)
        assert found.faults == (("card", 1),)
        assert found.p95_ms is not None
