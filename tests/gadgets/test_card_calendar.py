"""The dates of a card go into a resident's own calendar."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from icalendar import Calendar

from gadgets import queries
from gadgets.cards import calendar, fetch
from gadgets.cards.render import render
from gadgets.protocol import card
from gadgets.types import Source, StoredCard
from tests.gadgets.crowd import Everybody
from tests.gadgets.held import hold
from tests.gadgets.providers import Provider, card_bytes, reply
from tests.gadgets.samples import info
from tests.gadgets.test_card import BLOCKS

NOW = datetime(2026, 4, 1, tzinfo=UTC)


def stored(*dates: tuple[str, str, str]) -> StoredCard:
    later = NOW + timedelta(hours=1)
    return StoredCard("", "x", NOW, later, later, NOW, Source("高松市", "CC BY 4.0"), dates=dates)


def ics(*dates: tuple[str, str, str], now: datetime = NOW) -> bytes:
    return calendar.ics(stored(*dates), gadget_id="example.waste.calendar", title="ごみ収集日", now=now)


def test_a_day_is_a_whole_day_and_a_time_is_a_time() -> None:
    raw = ics(("2026-04-02", "燃えるごみ", ""), ("2026-04-02T09:00:00+09:00", "説明会", "要予約"))
    first, second = Calendar.from_ical(raw).walk("VEVENT")
    assert (first["dtstart"].dt, first["dtend"].dt) == (date(2026, 4, 2), date(2026, 4, 3))
    assert first["summary"] == "燃えるごみ"
    assert second["dtstart"].dt == datetime(2026, 4, 2, 0, 0, tzinfo=UTC)
    assert "要予約" in second["description"]
    assert "高松市 (CC BY 4.0)" in first["description"]


def test_an_event_keeps_its_id() -> None:
    def uids(raw: bytes) -> list[str]:
        return [str(event["uid"]) for event in Calendar.from_ical(raw).walk("VEVENT")]

    one, two = ("2026-04-02", "燃えるごみ", ""), ("2026-04-02", "びん", "")
    assert uids(ics(one, two)) == uids(ics(one, two, now=NOW + timedelta(days=1)))
    assert len(set(uids(ics(one, two)))) == 2


def test_a_label_cannot_add_properties_of_its_own() -> None:
    raw = ics(("2026-04-02", "x\r\nATTENDEE:mailto:a@evil.example", "END:VCALENDAR"))
    (event,) = Calendar.from_ical(raw).walk("VEVENT")
    assert "attendee" not in event


def test_the_dates_of_all_blocks_are_taken() -> None:
    parsed = card.parse(
        card_bytes(blocks=[BLOCKS["dates"], BLOCKS["text"], BLOCKS["dates"]]), manifest=info()
    )
    assert len(calendar.dates_of(parsed)) == 4
    assert calendar.dates_of(parsed)[1] == ("2026-04-02T09:00:00+09:00", "説明会", "要予約")


def test_a_card_with_dates_links_to_its_calendar_and_another_does_not() -> None:
    dates = card.parse(card_bytes(blocks=[BLOCKS["dates"]]), manifest=info())
    text = card.parse(card_bytes(), manifest=info())
    assert 'href="/d.ics?a=1&amp;b=2"' in render(dates, locale="ja", calendar_url="/d.ics?a=1&b=2")
    assert "rc-dates__ics" not in render(dates, locale="ja")
    assert "rc-dates__ics" not in render(text, locale="ja", calendar_url="/d.ics")


@pytest.mark.django_db
def test_the_stored_card_keeps_its_dates(settings: object) -> None:
    settings.LOOPBACK_NAMES = True  # type: ignore[attr-defined]
    cache.clear()
    with Provider.running(reply(card_bytes(blocks=[BLOCKS["dates"]]))) as provider:
        wanted = fetch.wanted_for(info(provider.origin), bundle=None, locale="ja", size="M")
        found = fetch.refresh(wanted)
    assert isinstance(found, StoredCard)
    held = fetch.cached(wanted)
    assert held is not None
    assert held.dates == found.dates
    assert [label for _, label, _ in held.dates] == ["燃えるごみ", "説明会"]


@pytest.mark.django_db
@pytest.mark.usefixtures("clean")
class TestAddress:
    """The file at its address, from a provider that runs."""

    @pytest.fixture(autouse=True)
    def gadget(self, clean: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:  # noqa: ARG002  the cache is cleared first
        with Provider.running(reply(card_bytes(blocks=[BLOCKS["dates"]]))) as provider:
            published = info(provider.origin)
            registry = queries.Registry(1, {published.id: published}, Everybody())
            hold(monkeypatch, registry)
            yield provider

    def get(self, name: str = "example.waste.calendar", **query: str) -> Any:
        portal = Client(HTTP_HOST=urlsplit(settings.PORTAL_URL).netloc)
        return portal.get(f"/gadgets/{name}/dates.ics", query)

    def test_a_guest_gets_the_dates_of_the_public_form(self, gadget: Provider) -> None:
        answer = self.get(locale="en")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert answer["Content-Disposition"] == 'attachment; filename="example.waste.calendar.ics"'
        assert "private" in answer["Cache-Control"]
        assert len(Calendar.from_ical(answer.content).walk("VEVENT")) == 2
        assert len(gadget.seen) == 1

    def test_the_card_links_to_it(self) -> None:
        wanted = fetch.wanted_for(
            queries.registry().gadgets["example.waste.calendar"], bundle=None, locale="ja", size="M"
        )
        found = fetch.refresh(wanted)
        assert isinstance(found, StoredCard)
        assert 'href="/gadgets/example.waste.calendar/dates.ics?locale=ja&amp;size=M"' in found.html

    def test_a_card_without_dates_has_no_calendar(self, gadget: Provider) -> None:
        gadget.answer = reply(card_bytes())
        assert self.get().status_code == 404

    def test_an_unknown_gadget_has_no_calendar(self) -> None:
        assert self.get("example.bus.stops").status_code == 404

    def test_while_there_is_no_card_it_says_so(self, gadget: Provider) -> None:
        gadget.answer = reply(b"", status=500)
        answer = self.get()
        assert answer.status_code == 503
        assert "取得できませんでした" in answer.content.decode()
