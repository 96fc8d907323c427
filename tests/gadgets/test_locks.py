"""A lock lives as long as the work that it covers, and only its owner gives it back."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache

from gadgets.cards import breaker, breaker_rule, fetch
from gadgets.errors import GadgetBusyError
from gadgets.forms import submission
from gadgets.images import copies
from gadgets.outbound import locks
from gadgets.types import StoredCard, Unavailable
from identity.errors import IdentityError
from tests.gadgets.providers import Provider, card_bytes, reply
from tests.gadgets.samples import info
from tests.gadgets.test_fetch import want

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean")]

NAME = "a-lock"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.LOOPBACK_NAMES = True
    with Provider.running(reply(card_bytes())) as running:
        yield running


@pytest.fixture
def lives(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """How long each lock that is taken may live, by its name."""
    found: dict[str, float] = {}
    take = locks.take

    def noting(name: str, *, longest: float) -> str | None:
        found[name.partition(":")[0]] = longest
        return take(name, longest=longest)

    monkeypatch.setattr(locks, "take", noting)
    return found


def test_only_the_owner_gives_a_lock_back() -> None:
    mine = locks.take(NAME, longest=10)
    assert mine is not None
    assert locks.take(NAME, longest=10) is None
    locks.release(NAME, "of somebody else")
    assert locks.take(NAME, longest=10) is None
    locks.release(NAME, mine)
    assert locks.take(NAME, longest=10) is not None


def test_who_comes_late_does_not_release_the_lock_of_the_next() -> None:
    late = locks.take(NAME, longest=10)
    assert late is not None
    cache.delete(NAME)  # it ended by itself
    following = locks.take(NAME, longest=10)
    locks.release(NAME, late)
    assert cache.get(NAME) == following


def test_of_many_at_once_one_has_it() -> None:
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: locks.take(NAME, longest=10), range(64)))
    assert sum(token is not None for token in taken) == 1


@pytest.mark.parametrize("deadline", [fetch.PERSON_WAITS, fetch.BACKGROUND])
def test_the_lock_of_a_fetch_outlives_its_deadline_and_the_drawing(
    provider: Provider, lives: dict[str, float], deadline: float
) -> None:
    assert isinstance(fetch.refresh(want(info(provider.origin)), deadline=deadline), StoredCard)
    assert lives["fetching"] >= deadline + fetch.DRAWING_SECONDS


def test_the_lock_is_there_while_the_card_is_drawn(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawing comes after the deadline of the call; a second fetch must not begin beside it."""
    drawing, may_end = threading.Event(), threading.Event()
    draw = fetch._drawn

    def slowly(*arguments: Any) -> StoredCard:
        drawing.set()
        assert may_end.wait(20)
        return draw(*arguments)

    monkeypatch.setattr(fetch, "_drawn", slowly)
    wanted = want(info(provider.origin))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(fetch.refresh, wanted, deadline=0.5)
        assert drawing.wait(20)
        time.sleep(0.6)  # the deadline of the first has passed
        second = fetch.refresh(wanted, deadline=0.2)
        may_end.set()
        assert isinstance(first.result(), StoredCard)
    assert isinstance(second, Unavailable)
    assert second.code == "busy"
    assert len(provider.seen) == 1


def test_the_lock_of_an_image_outlives_the_call_and_the_decoding(
    provider: Provider, lives: dict[str, float]
) -> None:
    copies.copy_of(info(provider.origin), f"{provider.origin}/a.png")
    (longest,) = [seconds for name, seconds in lives.items() if name.startswith("fetching-image")]
    assert longest >= fetch.PERSON_WAITS + copies.DECODING_SECONDS


def test_the_lock_of_a_form_outlives_the_call_and_the_drawing(lives: dict[str, float]) -> None:
    longest = fetch.PERSON_WAITS + fetch.DRAWING_SECONDS
    with (
        submission._alone("form-sending:x", time.monotonic() + 0.1, longest),
        pytest.raises(GadgetBusyError),
        submission._alone("form-sending:x", time.monotonic() + 0.1, longest),
    ):
        raise AssertionError("two of one")
    assert cache.get("form-sending:x") is None


class OurOwnError(Exception):
    """Nothing of a provider's."""


@pytest.mark.parametrize("error", [OurOwnError, IdentityError, GadgetBusyError, KeyboardInterrupt])
def test_a_trial_that_ends_in_another_exception_is_given_back(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What says nothing about the provider decides nothing; the next caller may try at once."""
    gadget = info()
    tries: list[tuple[str, ...]] = []
    monkeypatch.setattr(breaker, "undecided", lambda *of: tries.append(of))
    with pytest.raises(error), fetch.guarded(gadget, time.monotonic() + 1, whose="hanako"):
        raise error
    assert tries == [(gadget.id, "hanako")]


@pytest.mark.parametrize("whose", ["", "hanako"])
def test_giving_back_the_trial_lets_the_next_caller_try(monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    monkeypatch.setattr(breaker_rule, "pause", lambda _times: 0.2)
    gadget = info()
    for _ in range(50):
        breaker.failed(gadget.id, whose)
        if breaker.is_open(gadget.id, whose):
            break
    while breaker.is_open(gadget.id, whose):
        time.sleep(0.05)
    assert breaker.allows(gadget.id, whose)
    assert not breaker.allows(gadget.id, whose), "one trial at a time"
    breaker.undecided(gadget.id, whose)
    assert breaker.allows(gadget.id, whose)


def test_a_trial_lasts_longer_than_the_longest_call() -> None:
    assert breaker.TRIAL >= fetch.BACKGROUND + fetch.DRAWING_SECONDS
