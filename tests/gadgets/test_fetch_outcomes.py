"""A provider reads why its card is not shown, and how often it is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from gadgets.cards import fetch
from gadgets.metrics import recent_faults
from gadgets.types import FetchOutcome
from tests.gadgets.providers import Provider, card_bytes, reply
from tests.gadgets.samples import info

NOW = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
GADGET = "example.waste.calendar"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def outcome(*, ok: bool = True, at: datetime = NOW, detail: str = "", version: str = "2.1.0") -> FetchOutcome:
    return FetchOutcome(GADGET, version, ok, "" if ok else "card", detail, 0.1, at)


def test_nothing_is_known_of_a_gadget_that_nobody_asked() -> None:
    found = recent_faults.recent(GADGET, NOW)
    assert (found.calls, found.rate, found.warns, found.faults) == (0, None, False, ())


def test_the_rate_is_of_the_last_24_hours() -> None:
    for hours in (0, 3, 23, 24, 30):
        recent_faults.note(outcome(at=NOW - timedelta(hours=hours)))
    recent_faults.note(outcome(ok=False))
    found = recent_faults.recent(GADGET, NOW)
    assert (found.calls, found.successes) == (4, 3)
    assert found.warns


def test_one_fault_in_twenty_is_not_yet_a_warning() -> None:
    for _ in range(19):
        recent_faults.note(outcome())
    recent_faults.note(outcome(ok=False))
    assert not recent_faults.recent(GADGET, NOW).warns
    recent_faults.note(outcome(ok=False))
    assert recent_faults.recent(GADGET, NOW).warns


def test_the_last_ten_faults_are_kept_newest_first() -> None:
    for minute in range(12):
        recent_faults.note(outcome(ok=False, at=NOW + timedelta(minutes=minute), detail=str(minute)))
    found = recent_faults.recent(GADGET, NOW + timedelta(minutes=12))
    assert [fault.detail for fault in found.faults] == [str(minute) for minute in range(11, 1, -1)]


def test_a_fault_of_yesterday_is_no_longer_shown() -> None:
    recent_faults.note(outcome(ok=False))
    assert recent_faults.recent(GADGET, NOW + timedelta(hours=25)).faults == ()


def test_two_versions_are_counted_side_by_side() -> None:
    for version, ok, hours in (
        ("2.1.0", True, 0),
        ("2.1.0", False, 3),
        ("2.1.0", True, 30),
        ("3.0.0", True, 0),
    ):
        recent_faults.note(outcome(version=version, ok=ok, at=NOW - timedelta(hours=hours)))
    assert recent_faults.by_version(GADGET, ("3.0.0", "2.1.0", "1.0.0"), NOW) == (
        recent_faults.Answers("3.0.0", 1, 100),
        recent_faults.Answers("2.1.0", 2, 50),
        recent_faults.Answers("1.0.0", 0, None),
    )
    assert recent_faults.by_version(GADGET, (), NOW) == ()
    assert recent_faults.recent(GADGET, NOW).calls == 3


def test_a_cache_that_holds_nothing_does_no_harm(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    recent_faults.note(outcome(ok=False))
    assert recent_faults.recent(GADGET, NOW).calls == 0


@pytest.mark.django_db
def test_a_bad_card_is_told_with_place_and_remedy(settings: Any) -> None:
    settings.LOOPBACK_NAMES = True
    bad = card_bytes(blocks=[{"type": "text", "text": "<b>x</b>"}])
    with Provider.running(reply(bad)) as provider:
        fetch.refresh(fetch.wanted_for(info(provider.origin), bundle=None, locale="ja", size="M"))
    (fault,) = recent_faults.recent(GADGET).faults
    assert fault.code == "card"
    assert "$.blocks[0].text" in fault.detail
    assert "HTML" in fault.detail
    assert "タグを除き" in fault.detail
