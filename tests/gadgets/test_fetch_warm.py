"""Shared cards that are read stay fresh in the background; private ones and withdrawn ones are left alone."""

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from gadgets import queries
from gadgets.cards import breaker, fetch, prefetch, signing
from gadgets.types import GadgetInfo, StoredCard, Wanted
from tests import cast
from tests.gadgets.crowd import Everybody
from tests.gadgets.held import hold
from tests.gadgets.providers import Handler, Provider, Seen, card_bytes, reply
from tests.gadgets.samples import info
from tests.gadgets.test_fetch import agree, want, withdraw

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean")]


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.LOOPBACK_NAMES = True
    with Provider.running(reply(card_bytes())) as running:
        yield running


@pytest.fixture
def gadget(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> GadgetInfo:
    published = info(provider.origin)
    registry = queries.Registry(1, {published.id: published}, Everybody())
    hold(monkeypatch, registry)
    return published


def read(wanted: Wanted) -> None:
    """What a fragment request does; then the card becomes stale."""
    found = fetch.refresh(wanted)
    assert isinstance(found, StoredCard)
    prefetch.note(wanted)
    old = replace(found, fresh_until=timezone.now() - timedelta(seconds=1))
    cache.set(fetch.cache_key(wanted), fetch.encode(old, wanted), 600)


def test_a_stale_card_that_was_read_is_fetched_again(gadget: GadgetInfo, provider: Provider) -> None:
    wanted = want(gadget, locale="en")
    read(wanted)
    assert prefetch.refresh_read() == 1
    assert fetch.is_fresh(wanted)
    assert len(provider.seen) == 2
    assert provider.seen[1].token(signing.jwks()).claims["ctx"]["locale"] == "en"


def test_a_fresh_card_is_left_alone(gadget: GadgetInfo, provider: Provider) -> None:
    wanted = want(gadget)
    read(wanted)
    assert (prefetch.refresh_read(), prefetch.refresh_read()) == (1, 0)
    assert len(provider.seen) == 2


def test_a_card_that_nobody_read_is_left_alone(gadget: GadgetInfo, provider: Provider) -> None:
    assert prefetch.refresh_read() == 0
    assert provider.seen == []


def test_after_max_age_without_a_reader_it_is_left_alone(gadget: GadgetInfo) -> None:
    read(want(gadget))
    later = timezone.now().timestamp() + gadget.max_age + 1
    assert prefetch.refresh_read(now=later) == 0


def test_a_shared_personal_card_is_fetched_for_a_live_grant(gadget: GadgetInfo, provider: Provider) -> None:
    hanako = cast.hanako()
    agree(hanako, gadget, "area.waste_zone")
    read(want(gadget, hanako))
    assert prefetch.refresh_read() == 1
    assert provider.seen[1].token(signing.jwks()).claims["claims"] == {"area.waste_zone": "7"}
    assert '"7"' not in cache.get("warm:example.waste.calendar")


def test_after_a_withdrawal_nothing_is_fetched_for_it(gadget: GadgetInfo, provider: Provider) -> None:
    hanako = cast.hanako()
    agree(hanako, gadget, "area.waste_zone")
    read(want(gadget, hanako))
    withdraw(hanako, gadget)
    assert prefetch.refresh_read() == 0
    assert len(provider.seen) == 1


def test_private_cards_are_never_noted(gadget: GadgetInfo) -> None:
    private = replace(gadget, identity="pairwise")
    hanako = cast.hanako()
    agree(hanako, private, "area.waste_zone")
    prefetch.note(want(private, hanako))
    assert cache.get("warm:example.waste.calendar") is None


def test_the_notes_of_a_gadget_are_bounded(gadget: GadgetInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "MOST_NOTES", 2)
    monkeypatch.setattr(prefetch, "MOST_AT_ONCE", 1)
    for locale in ("ja", "en", "ja-simple"):
        read(want(gadget, locale=locale))
    assert (prefetch.refresh_read(), prefetch.refresh_read(), prefetch.refresh_read()) == (1, 1, 0)


class Crowd:
    """Two hundred published gadgets, each with a card that somebody read and that is stale by now."""

    def __init__(self, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        one = info(provider.origin)
        self.all = [
            replace(one, id=f"example.waste.g{number:03}", card_url=f"{provider.origin}/g/{number:03}")
            for number in range(200)
        ]
        registry = queries.Registry(1, {gadget.id: gadget for gadget in self.all}, Everybody())
        hold(monkeypatch, registry)
        for gadget in self.all:
            prefetch.note(want(gadget))
        self.bad, self.good = self.all[0], self.all[1:]
        for size in ("S", "M"):
            for locale in ("ja", "en", "ja-simple"):
                prefetch.note(want(self.bad, locale=locale, size=size))

    def sweeps(self) -> int:
        """So many sweeps are enough for the good ones alone."""
        return math.ceil(len(self.good) / prefetch.MOST_AT_ONCE)


@pytest.fixture
def crowd(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return Crowd(provider, monkeypatch)


def test_one_bad_gadget_among_200_delays_no_others_refresh(
    crowd: Crowd, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails at each call, has the most cards and comes first by name: it is asked once in a sweep, and last."""
    monkeypatch.setattr(breaker, "allows", lambda *_: True)
    card = reply(card_bytes())

    def answer(handler: Handler) -> None:
        (reply(b"", status=500) if handler.path == "/g/000" else card)(handler)

    provider.answer = answer
    for _ in range(crowd.sweeps() + 1):
        provider.seen.append(Seen("sweep", {}))
        prefetch.refresh_read()
    assert all(fetch.is_fresh(want(gadget)) for gadget in crowd.good)
    asked = [seen.path for seen in provider.seen]
    assert asked.count("/g/000") <= crowd.sweeps() + 1
    later = asked[asked.index("sweep", 1) :]
    turns = "\n".join(later).split("sweep")
    assert all(turn.strip().endswith("/g/000") for turn in turns if "/g/000" in turn), "it comes last"


@pytest.mark.parametrize("broken", ["notes", "drawing"])
def test_what_breaks_at_one_gadget_is_its_own_fault_and_named(
    crowd: Crowd,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    monkeypatch.setattr(prefetch, "MOST_AT_ONCE", 1000)
    few = crowd.good[:20]
    registry = queries.Registry(1, {gadget.id: gadget for gadget in [crowd.bad, *few]}, Everybody())
    hold(monkeypatch, registry)
    if broken == "notes":
        cache.set(f"warm:{crowd.bad.id}", json.dumps({"no list": ["", math.inf]}), 60)
    else:
        draw = fetch._drawn

        def breaking(parsed: Any, wanted: Wanted, *rest: Any) -> StoredCard:
            if wanted.gadget.id == crowd.bad.id:
                raise ZeroDivisionError("a secret of the card")
            return draw(parsed, wanted, *rest)

        monkeypatch.setattr(fetch, "_drawn", breaking)
    with caplog.at_level(logging.WARNING):
        prefetch.refresh_read()
    assert all(fetch.is_fresh(want(gadget)) for gadget in few)
    assert not fetch.is_fresh(want(crowd.bad))
    assert crowd.bad.id in caplog.text
    assert "secret" not in caplog.text
