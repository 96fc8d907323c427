"""Shared cards that are read stay fresh in the background; private ones and withdrawn ones are left alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from gadgets import queries
from gadgets.serving import fetch, keys, warm
from gadgets.types import GadgetInfo, StoredCard, Wanted
from tests import cast
from tests.gadgets.crowd import Everybody
from tests.gadgets.providers import Provider, card_bytes, reply
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
    monkeypatch.setattr(queries, "registry", lambda: registry)
    return published


def read(wanted: Wanted) -> None:
    """What a fragment request does; then the card becomes stale."""
    found = fetch.refresh(wanted)
    assert isinstance(found, StoredCard)
    warm.note(wanted)
    old = replace(found, fresh_until=timezone.now() - timedelta(seconds=1))
    cache.set(fetch.cache_key(wanted), fetch.encode(old, wanted), 600)


def test_a_stale_card_that_was_read_is_fetched_again(gadget: GadgetInfo, provider: Provider) -> None:
    wanted = want(gadget, locale="en")
    read(wanted)
    assert warm.refresh_read() == 1
    assert fetch.is_fresh(wanted)
    assert len(provider.seen) == 2
    assert provider.seen[1].token(keys.jwks()).claims["ctx"]["locale"] == "en"


def test_a_fresh_card_is_left_alone(gadget: GadgetInfo, provider: Provider) -> None:
    wanted = want(gadget)
    read(wanted)
    assert (warm.refresh_read(), warm.refresh_read()) == (1, 0)
    assert len(provider.seen) == 2


def test_a_card_that_nobody_read_is_left_alone(gadget: GadgetInfo, provider: Provider) -> None:
    assert warm.refresh_read() == 0
    assert provider.seen == []


def test_after_max_age_without_a_reader_it_is_left_alone(gadget: GadgetInfo) -> None:
    read(want(gadget))
    later = timezone.now().timestamp() + gadget.max_age + 1
    assert warm.refresh_read(now=later) == 0


def test_a_shared_personal_card_is_fetched_for_a_live_grant(gadget: GadgetInfo, provider: Provider) -> None:
    hanako = cast.hanako()
    agree(hanako, gadget, "area.waste_zone")
    read(want(gadget, hanako))
    assert warm.refresh_read() == 1
    assert provider.seen[1].token(keys.jwks()).claims["claims"] == {"area.waste_zone": "7"}
    assert '"7"' not in cache.get("warm:example.waste.calendar")


def test_after_a_withdrawal_nothing_is_fetched_for_it(gadget: GadgetInfo, provider: Provider) -> None:
    hanako = cast.hanako()
    agree(hanako, gadget, "area.waste_zone")
    read(want(gadget, hanako))
    withdraw(hanako, gadget)
    assert warm.refresh_read() == 0
    assert len(provider.seen) == 1


def test_private_cards_are_never_noted(gadget: GadgetInfo) -> None:
    private = replace(gadget, identity="pairwise")
    hanako = cast.hanako()
    agree(hanako, private, "area.waste_zone")
    warm.note(want(private, hanako))
    assert cache.get("warm:example.waste.calendar") is None


def test_the_notes_of_a_gadget_are_bounded(gadget: GadgetInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "MOST_NOTES", 2)
    monkeypatch.setattr(warm, "MOST_AT_ONCE", 1)
    for locale in ("ja", "en", "ja-simple"):
        read(want(gadget, locale=locale))
    assert (warm.refresh_read(), warm.refresh_read(), warm.refresh_read()) == (1, 1, 0)
