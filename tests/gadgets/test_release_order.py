"""A release is written down before it leaves: what cannot be noted is not sent, and what is not sent is not noted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError

from gadgets.cards import fetch, signing
from gadgets.errors import GadgetBusyError, TlsError
from gadgets.outbound.http import Door
from gadgets.types import StoredCard, Unavailable, Wanted
from identity import actions
from identity.models import AccessLog
from tests import cast
from tests.gadgets.providers import Handler, Provider, card_bytes, reply
from tests.gadgets.samples import info
from tests.gadgets.test_door import certificate
from tests.gadgets.test_fetch import agree, want, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider.running(reply(card_bytes())) as running:
        yield running


def test_what_cannot_be_written_down_does_not_leave(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    gadget, hanako = info(provider.origin), cast.hanako()
    agree(hanako, gadget, "area.waste_zone")

    def full(**_: Any) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(actions, "release", full)
    with pytest.raises(DatabaseError):
        fetch.refresh(want(gadget, hanako))
    assert provider.seen == []


def test_it_is_written_down_before_the_provider_sees_it(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    gadget, hanako = info(provider.origin), cast.hanako()
    agree(hanako, gadget, "area.waste_zone")
    order: list[str] = []
    plain = provider.answer

    def answer(handler: Handler) -> None:
        order.append("seen")
        plain(handler)

    provider.answer = answer
    really = actions.release

    def note(**what: Any) -> None:
        really(**what)
        order.append("noted")

    monkeypatch.setattr(actions, "release", note)
    fetch.refresh(want(gadget, hanako))
    assert order == ["noted", "seen"]
    assert AccessLog.objects.count() == 1


def test_over_tls_the_provider_has_shown_who_it_is_before_anything_is_noted(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path, "waste.localhost")
    noted: list[str] = []

    def ask(through: Door) -> None:
        through.fetch(
            provider.card_url, deadline=5, max_bytes=100, before_sending=lambda: noted.append("noted")
        )

    with Provider.running(reply(b"ok"), tls=context) as provider:
        with pytest.raises(TlsError):
            ask(Door(loopback_names=True))
        assert noted == []
        ask(Door(loopback_names=True, ca_file=trusted))
    assert noted == ["noted"]
    assert len(provider.seen) == 1


def test_a_grant_that_ends_while_the_request_is_made_ends_what_it_says(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the token and the first byte: what was made for the old grant is thrown away, and made anew."""
    gadget, hanako = info(provider.origin), cast.hanako()
    agree(hanako, gadget, "area.waste_zone")
    wanted = want(gadget, hanako)
    mint = signing.mint
    minted: list[tuple[str, ...]] = []

    def withdrawn_meanwhile(made_for: Wanted, **given: Any) -> str:
        minted.append(made_for.granted)
        if len(minted) == 1:
            withdraw(hanako, gadget)
        return mint(made_for, **given)

    monkeypatch.setattr(signing, "mint", withdrawn_meanwhile)
    assert isinstance(fetch.refresh(wanted), StoredCard)
    assert minted == [("area.waste_zone",), ()]
    (seen,) = provider.seen
    assert seen.token(signing.jwks()).claims["claims"] == {}
    assert not AccessLog.objects.exists()


def test_a_grant_that_changes_each_time_ends_in_busy_and_nothing_left(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    gadget, hanako = info(provider.origin), cast.hanako()
    agree(hanako, gadget, "area.waste_zone")
    wanted, mint = want(gadget, hanako), signing.mint
    districts = iter(("yashima", "busshozan", "yashima", "busshozan"))

    def moved_meanwhile(made_for: Wanted, **given: Any) -> str:
        actions.set_attributes(
            resident_id=hanako.id, values={"area.district": next(districts)}, by=cast.as_actor(hanako)
        )
        return mint(made_for, **given)

    monkeypatch.setattr(signing, "mint", moved_meanwhile)
    found = fetch.refresh(wanted)
    assert isinstance(found, Unavailable)
    assert found.code == GadgetBusyError.code
    assert provider.seen == []
    assert not AccessLog.objects.exists()
