"""During an announced pause nobody calls the gadget: its last card stays, and says until when."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from gadgets import queries
from gadgets.cards import breaker, fetch, prefetch
from gadgets.layout.layout import Slot
from gadgets.metrics import call_metrics
from gadgets.models import Gadget, Maintenance, bump_registry
from gadgets.types import StoredCard, Unavailable
from identity.domain.roles import SYSTEM
from portal.content.actions import set_default_slots
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.providers import card_document, reply

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_metrics, "_waiting", {})


@pytest.fixture
def paused(desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> Iterator[str]:
    """The id of a gadget on the home that begins to pause when `begin` is called."""
    careless.card = card_document(blocks=[{"type": "text", "text": "前のお知らせ"}])
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    with django_capture_on_commit_callbacks(execute=True):
        set_default_slots(slots=[Slot(gadget_id, "S", locked=False)], by=SYSTEM)
    yield gadget_id


def begin(gadget_id: str, *, note: str = "", **more: timedelta) -> Maintenance:
    now = timezone.now()
    row = Maintenance.objects.create(
        gadget=Gadget.objects.get(gadget_id=gadget_id),
        starts_at=now + more.get("starts", timedelta(minutes=-1)),
        ends_at=now + more.get("ends", timedelta(hours=2)),
        note={"ja": note} if note else {},
    )
    bump_registry()
    cache.delete(queries.VERSION_KEY)
    return row


def age(gadget_id: str) -> None:
    """The card that the cache holds has just become stale."""
    wanted = fetch.wanted_for(queries.registry().gadgets[gadget_id], bundle=None, locale="ja", size="S")
    held = fetch.cached(wanted)
    assert held is not None
    old = replace(held, fresh_until=timezone.now() - timedelta(seconds=1))
    cache.set(fetch.cache_key(wanted), fetch.encode(old, wanted), 600)


def test_the_last_card_stays_and_says_until_when(desk: DeskFor, careless: life.Careless, paused: str) -> None:
    guest, fragment = desk(None), reverse("gadgets_wire:card", args=[paused])
    guest.page(fragment)
    age(paused)
    until = timezone.localtime(begin(paused, note="機械を新しくしています。").ends_at)
    careless.card = reply(b"", status=503)
    calls = len(careless.provider.seen)
    for address in (fragment, reverse("gadgets:page", args=[paused]), "/"):
        shown = guest.page(address)
        assert "前のお知らせ" in shown
        assert f"{until:%H:%M} まで）。 機械を新しくしています。" in shown
    assert len(careless.provider.seen) == calls


def test_without_a_last_card_it_says_so_and_counts_nothing(
    desk: DeskFor, careless: life.Careless, paused: str
) -> None:
    begin(paused)
    careless.card = reply(b"", status=503)
    calls = len(careless.provider.seen)
    found = fetch.refresh(
        fetch.wanted_for(queries.registry().gadgets[paused], bundle=None, locale="ja", size="S")
    )
    assert isinstance(found, Unavailable)
    assert (found.code, found.retry) == ("maintenance", True)
    for address in (reverse("gadgets_wire:card", args=[paused]), "/"):
        shown = desk(None).page(address)
        assert "取得できません" in shown
        assert "点検のため休んでいます" in shown
    assert len(careless.provider.seen) == calls
    call_metrics.flush()
    assert call_metrics.of(paused, 1).whole.calls == 0
    assert not breaker.is_open(paused)


def test_the_background_leaves_it_alone_too(desk: DeskFor, careless: life.Careless, paused: str) -> None:
    desk(None).page(reverse("gadgets_wire:card", args=[paused]))
    age(paused)
    begin(paused)
    calls = len(careless.provider.seen)
    prefetch.refresh_read()
    assert len(careless.provider.seen) == calls


@pytest.mark.parametrize(
    "when",
    [
        {"starts": timedelta(hours=1), "ends": timedelta(hours=2)},
        {"starts": timedelta(hours=-2), "ends": timedelta(seconds=-1)},
    ],
    ids=["not yet", "over"],
)
def test_before_and_after_it_is_called_as_ever(
    desk: DeskFor, careless: life.Careless, paused: str, when: dict[str, timedelta]
) -> None:
    begin(paused, **when)
    shown = desk(None).page(reverse("gadgets_wire:card", args=[paused]))
    assert "前のお知らせ" in shown
    assert "点検" not in shown


def test_it_begins_and_ends_by_the_clock_without_a_new_registry(desk: DeskFor, paused: str) -> None:
    begin(paused, starts=timedelta(hours=1), ends=timedelta(hours=2))
    gadget, now = queries.registry().gadgets[paused], timezone.now()
    told = [gadget.pause(now + timedelta(minutes=minutes)) is not None for minutes in (59, 61, 119, 121)]
    assert told == [False, True, True, False]


def test_after_it_the_card_is_new(desk: DeskFor, careless: life.Careless, paused: str) -> None:
    row = begin(paused)
    desk(None).page(reverse("gadgets_wire:card", args=[paused]))
    row.delete()
    bump_registry()
    cache.delete(queries.VERSION_KEY)
    found = fetch.refresh(
        fetch.wanted_for(queries.registry().gadgets[paused], bundle=None, locale="ja", size="S")
    )
    assert isinstance(found, StoredCard)
