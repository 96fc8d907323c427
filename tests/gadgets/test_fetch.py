"""Cards are fetched with consent read again, one call at a time, and served stale when the provider fails."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.db import connections, transaction
from django.utils import timezone

from gadgets.cards import breaker, fetch, signing
from gadgets.cards.fetch import StoredCard, Unavailable, Wanted
from gadgets.metrics.recent_faults import recent
from gadgets.release import claims_key
from gadgets.signals import card_fetched
from gadgets.types import FetchOutcome, GadgetInfo
from identity import actions, queries
from identity.domain.consent import Notice
from identity.idp import ClientSpec
from identity.models import AccessLog, Resident
from identity.oidc import clients
from tests import cast
from tests.gadgets.held import add
from tests.gadgets.providers import Handler, Provider, card_bytes, reply
from tests.gadgets.samples import claim, info

NOTICE = Notice(language="ja", text="収集日を調べるため、ごみ収集区を伝えます。")
METRIC = {
    "type": "metric",
    "label": "水位",
    "value": 1.25,
    "unit": "m",
    "observed": "2026-04-01T09:00:00+09:00",
    "status": "current",
}

pytestmark = pytest.mark.django_db


def ask(wanted: fetch.Wanted) -> fetch.StoredCard | fetch.Unavailable:
    """A refresh that has the time which a laden machine needs; deadlines have tests of their own."""
    return fetch.refresh(wanted, deadline=20)


@pytest.fixture(autouse=True)
def empty_cache(settings: Any) -> Iterator[None]:
    settings.LOOPBACK_NAMES = True
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider.running(reply(card_bytes())) as running:
        yield running


@pytest.fixture
def outcomes() -> Iterator[list[FetchOutcome]]:
    found: list[FetchOutcome] = []

    def note(outcome: FetchOutcome, **_: object) -> None:
        found.append(outcome)

    card_fetched.connect(note)
    yield found
    card_fetched.disconnect(note)


def agree(resident: Resident, gadget: GadgetInfo, *items: str, level: str | None = None) -> None:
    actions.grant(
        resident_id=resident.id,
        recipient=gadget.id,
        purpose="card",
        items=items,
        declared=gadget.declared,
        level=level or gadget.identity,
        notice=NOTICE,
        controller="Example Waste Ltd",
        by=cast.as_actor(resident),
    )


def withdraw(resident: Resident, gadget: GadgetInfo) -> None:
    actions.withdraw(resident_id=resident.id, recipient=gadget.id, by=cast.as_actor(resident))


def want(gadget: GadgetInfo, resident: Resident | None = None, **changes: Any) -> Wanted:
    bundle = queries.bundle(resident.id) if resident else None
    if bundle:
        add(gadget)
    asked = {"locale": "ja", "size": "M", "settings": {}, **changes}
    return fetch.wanted_for(gadget, bundle=bundle, **asked)


def pairwise_gadget(provider: Provider) -> GadgetInfo:
    gadget = info(
        provider.origin, identity="pairwise", claims=[claim("area.waste_zone"), claim("age_band", "optional")]
    )
    clients.save(
        ClientSpec(
            gadget_id=gadget.id,
            client_id=gadget.client_id or "",
            name="waste",
            sector_host="waste.example",
            identity_level="pairwise",
        )
    )
    return gadget


def fresh(found: StoredCard | Unavailable) -> StoredCard:
    assert isinstance(found, StoredCard), found
    return found


class TestWanted:
    """Which form of a card a reader gets, and under which key."""

    def test_a_guest_and_somebody_not_asked_get_the_public_form(self) -> None:
        gadget, hanako = info(), cast.hanako()
        for wanted in (want(gadget), want(gadget, hanako)):
            assert wanted.public_form
            assert (wanted.level, wanted.granted, wanted.claims, wanted.resident_id) == ("none", (), {}, None)
        assert fetch.cache_key(want(gadget)) == fetch.cache_key(want(gadget, hanako))

    def test_granted_claims_make_it_personal(self) -> None:
        gadget, hanako = info(), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        wanted = want(gadget, hanako)
        assert wanted.level == "audience"
        assert wanted.claims == {"area.waste_zone": "7"}
        assert not wanted.public_form

    def test_residents_with_the_same_claims_share_a_card_at_audience(self) -> None:
        gadget, hanako, taro = info(), cast.hanako(), cast.taro()
        agree(hanako, gadget, "area.waste_zone")
        agree(taro, gadget, "area.waste_zone")
        mine, his = want(gadget, hanako), want(gadget, taro)
        assert fetch.cache_key(mine) != fetch.cache_key(his)
        assert fetch.cache_key(mine) == fetch.cache_key(replace(his, claims=mine.claims))

    def test_pairwise_keys_belong_to_one_resident_and_one_consent_version(self) -> None:
        gadget, hanako = info(identity="pairwise"), cast.hanako()
        agree(hanako, info(identity="audience"), "area.waste_zone", level="pairwise")
        wanted = want(gadget, hanako)
        assert wanted.level == "pairwise"
        assert fetch.cache_key(wanted) != fetch.cache_key(replace(wanted, resident_id=UUID(int=5)))
        assert fetch.cache_key(wanted) != fetch.cache_key(replace(wanted, consent_version=99))

    def test_a_missing_required_claim_means_the_public_form(self) -> None:
        gadget = info(claims=[claim("area.waste_zone"), claim("age_band", "optional")])
        hanako = cast.hanako()
        agree(hanako, gadget, "age_band")
        assert want(gadget, hanako).public_form

    def test_a_granted_claim_without_a_value_is_missing_too(self) -> None:
        gadget, newcomer = info(), cast.newcomer()
        agree(newcomer, gadget, "area.waste_zone")
        assert want(gadget, newcomer).public_form

    def test_an_optional_claim_may_be_left_out(self) -> None:
        gadget = info(claims=[claim("area.waste_zone"), claim("age_band", "optional")])
        hanako = cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        assert want(gadget, hanako).granted == ("area.waste_zone",)

    def test_a_grant_at_a_lower_level_does_not_release_a_pseudonym(self) -> None:
        gadget, hanako = info(identity="pairwise"), cast.hanako()
        agree(hanako, gadget, "area.waste_zone", level="audience")
        assert want(gadget, hanako).public_form

    def test_a_pairwise_gadget_without_a_client_has_only_its_public_form(self) -> None:
        hanako = cast.hanako()
        gadget = info(identity="pairwise", client_id=None)
        agree(hanako, gadget, "area.waste_zone")
        assert want(gadget, hanako).public_form

    def test_small_cells_drop_optional_claims_and_then_all(self) -> None:
        gadget = info(claims=[claim("area.waste_zone"), claim("age_band", "optional")])
        hanako = cast.hanako()
        agree(hanako, gadget, "area.waste_zone", "age_band")
        zone = claims_key({"area.waste_zone": "7"})
        both = claims_key({"area.waste_zone": "7", "age_band": "35-44"})
        assert want(gadget, hanako, cells={both: 20}).granted == ("area.waste_zone", "age_band")
        assert want(gadget, hanako, cells={both: 19, zone: 20}).granted == ("area.waste_zone",)
        assert want(gadget, hanako, cells={both: 19, zone: 19}).public_form

    def test_size_and_settings_are_those_the_manifest_knows(self) -> None:
        wanted = want(info(), size="L", settings={"bins": "none", "x": 1})
        assert (wanted.size, wanted.settings) == ("S", {"bins": "all"})

    @pytest.mark.parametrize(
        "changes",
        [{"locale": "en"}, {"size": "S"}, {"settings": {"bins": "recycling"}}],
    )
    def test_what_the_token_says_is_in_the_key(self, changes: dict[str, Any]) -> None:
        gadget = info()
        assert fetch.cache_key(want(gadget)) != fetch.cache_key(want(gadget, **changes))

    def test_versions_are_in_the_key(self) -> None:
        gadget = info()
        assert fetch.cache_key(want(gadget)) != fetch.cache_key(want(replace(gadget, version="9.0.0")))


class TestStored:
    """The stored form, plain and sealed."""

    def card(self, **changes: Any) -> StoredCard:
        now = datetime(2026, 4, 1, tzinfo=UTC)
        whole = {
            "html": "<p>水位 & 7</p>\n<p>x</p>",
            "summary": "要約\n二行",
            "fetched_at": now,
            "fresh_until": now + timedelta(hours=1),
            "stale_until": now + timedelta(hours=2),
            "observed_at": now - timedelta(hours=1),
            "source": fetch.cards.Source("高松市", "CC BY 4.0", None, "見本"),
            "valid_until": now + timedelta(minutes=30),
            "etag": '"1"',
            **changes,
        }
        forms = changes.get("forms") or (whole["html"], "")
        return StoredCard(**{**whole, "forms": forms})

    def test_a_card_comes_back_as_it_went_in(self) -> None:
        wanted, card = want(info()), self.card()
        assert fetch.decode(fetch.encode(card, wanted), wanted) == card

    def test_past_its_freshness_the_old_form_is_shown(self) -> None:
        wanted, card = want(info()), self.card(html="aktuell", forms=("aktuell", "alt"))
        raw = fetch.encode(card, wanted)
        at = card.fetched_at
        assert fetch.decode(raw, wanted, at).html == "aktuell"  # type: ignore[union-attr]
        assert fetch.decode(raw, wanted, at + timedelta(minutes=31)).html == "alt"  # type: ignore[union-attr]
        assert card.status(at) == "current"
        assert card.status(at + timedelta(minutes=31)) == "old"
        assert not card.wants_refresh(at + timedelta(minutes=31))
        assert card.wants_refresh(at + timedelta(minutes=61))

    def test_a_private_card_is_sealed_for_its_own_key(self) -> None:
        hanako = cast.hanako()
        gadget = info(identity="pairwise")
        agree(hanako, gadget, "area.waste_zone")
        wanted, card = want(gadget, hanako), self.card()
        raw = fetch.encode(card, wanted)
        assert "水位".encode() not in raw
        assert fetch.decode(raw, wanted) == card
        assert fetch.decode(raw, replace(wanted, resident_id=UUID(int=9))) is None
        assert fetch.decode(raw, replace(wanted, consent_version=wanted.consent_version + 1)) is None
        assert fetch.decode(raw[:-1] + bytes([raw[-1] ^ 1]), wanted) is None
        assert raw != fetch.encode(card, wanted)

    def test_another_key_of_the_city_opens_nothing(self, settings: Any) -> None:
        hanako = cast.hanako()
        gadget = info(identity="pairwise")
        agree(hanako, gadget, "area.waste_zone")
        wanted = want(gadget, hanako)
        raw = fetch.encode(self.card(), wanted)
        settings.CARD_CACHE_KEY = b"k" * 32
        assert fetch.decode(raw, wanted) is None

    def test_a_plain_card_does_not_pass_for_a_private_one(self) -> None:
        hanako = cast.hanako()
        gadget = info(identity="pairwise")
        agree(hanako, gadget, "area.waste_zone")
        assert fetch.decode(fetch.encode(self.card(), want(gadget)), want(gadget, hanako)) is None

    @pytest.mark.parametrize("raw", [None, "text", b"", b"c1", b"c1{}\n", b"c1[]\nx", b"zz", b"c1\xff\n", 7])
    def test_what_is_broken_is_as_good_as_missing(self, raw: object) -> None:
        assert fetch.decode(raw, want(info())) is None


class TestRefresh:
    """One fetch from end to end, over HTTP."""

    def test_a_card_is_fetched_drawn_stored_and_then_served_from_the_cache(self, provider: Provider) -> None:
        wanted = want(info(provider.origin))
        found = fresh(ask(wanted))
        assert "あすは燃えるごみの日です。" in found.html
        assert found.source.publisher == "高松市"
        assert found.observed_at == datetime(2026, 3, 31, 15, tzinfo=UTC)
        assert fetch.cached(wanted) == found
        assert ask(wanted) == found
        assert len(provider.seen) == 1

    def test_the_token_says_what_the_resident_granted(self, provider: Provider) -> None:
        gadget, hanako = info(provider.origin), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        fresh(ask(want(gadget, hanako, locale="ja-simple", settings={"bins": "recycling"})))
        claims = provider.seen[0].token(signing.jwks()).claims
        assert claims["claims"] == {"area.waste_zone": "7"}
        assert claims["granted"] == ["area.waste_zone"]
        assert claims["ctx"] == {"locale": "ja-simple", "size": "M", "settings": {"bins": "recycling"}}
        assert claims["htu"] == provider.card_url
        assert "sub" not in claims
        assert str(hanako.id) not in json.dumps(claims)

    def test_what_left_is_written_down_for_the_resident(self, provider: Provider) -> None:
        gadget, hanako = info(provider.origin), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        fresh(ask(want(gadget, hanako)))
        row = AccessLog.objects.get()
        assert (row.resident_id, row.recipient, row.items, row.via) == (
            hanako.id,
            gadget.id,
            ["area.waste_zone"],
            "card",
        )

    def test_the_public_form_writes_nothing_down(self, provider: Provider) -> None:
        fresh(ask(want(info(provider.origin), cast.hanako())))
        assert not AccessLog.objects.exists()

    def test_a_pairwise_gadget_gets_its_own_pseudonym(self, provider: Provider) -> None:
        gadget, hanako = pairwise_gadget(provider), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        wanted = want(gadget, hanako)
        found = fresh(ask(wanted))
        claims = provider.seen[0].token(signing.jwks()).claims
        assert claims["sub"] == queries.subject_for(hanako.id, gadget.client_id or "")
        assert found.stale_until - found.fetched_at <= timedelta(minutes=15)
        assert "燃えるごみ".encode() not in cache.get(fetch.cache_key(wanted))

    def test_a_withdrawal_counts_although_the_page_was_drawn_before(self, provider: Provider) -> None:
        gadget, hanako = info(provider.origin), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        drawn_before = want(gadget, hanako)
        withdraw(hanako, gadget)
        fresh(ask(drawn_before))
        claims = provider.seen[0].token(signing.jwks()).claims
        assert (claims["granted"], claims["claims"]) == ([], {})
        assert not AccessLog.objects.exists()
        assert fetch.cached(drawn_before) is None
        assert fetch.cached(want(gadget, hanako)) is not None

    def test_a_withdrawal_counts_at_pairwise_too(self, provider: Provider) -> None:
        gadget, hanako = pairwise_gadget(provider), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        drawn_before = want(gadget, hanako)
        withdraw(hanako, gadget)
        fresh(ask(drawn_before))
        assert "sub" not in provider.seen[0].token(signing.jwks()).claims

    def test_a_changed_attribute_counts_at_once(self, provider: Provider) -> None:
        gadget, hanako = info(provider.origin), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        before = want(gadget, hanako)
        actions.set_attributes(
            resident_id=hanako.id, values={"area.district": "yashima"}, by=cast.as_actor(hanako)
        )
        fresh(ask(before))
        assert provider.seen[0].token(signing.jwks()).claims["claims"] == {"area.waste_zone": "8"}

    def test_a_claim_that_the_page_left_out_stays_out(self, provider: Provider) -> None:
        gadget = info(provider.origin, claims=[claim("area.waste_zone"), claim("age_band", "optional")])
        hanako = cast.hanako()
        agree(hanako, gadget, "area.waste_zone", "age_band")
        cells = {claims_key({"area.waste_zone": "7"}): 500}
        fresh(ask(want(gadget, hanako, cells=cells)))
        assert provider.seen[0].token(signing.jwks()).claims["granted"] == ["area.waste_zone"]

    def test_a_closed_account_gets_the_public_form(self, provider: Provider) -> None:
        gadget, hanako = info(provider.origin), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        wanted = want(gadget, hanako)
        Resident.objects.filter(id=hanako.id).update(is_active=False)
        fresh(ask(wanted))
        assert provider.seen[0].token(signing.jwks()).claims["claims"] == {}

    def test_a_gadget_whose_client_is_gone_is_not_asked(self, provider: Provider) -> None:
        gadget, hanako = info(provider.origin, identity="pairwise"), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        found = ask(want(gadget, hanako))
        assert isinstance(found, Unavailable)
        assert provider.seen == []

    def test_a_link_gadget_has_no_card(self) -> None:
        gadget = info(kind="link", endpoints={"login": "https://waste.example/oidc/start"})
        found = ask(want(gadget))
        assert isinstance(found, Unavailable)
        assert (found.code, found.retry) == ("no_card", False)

    def test_no_provider_is_asked_inside_a_transaction(self, provider: Provider) -> None:
        with pytest.raises(fetch.HttpInTransactionError), transaction.atomic():
            ask(want(info(provider.origin)))
        assert provider.seen == []


class TestFreshness:
    """How long a card holds; a provider's headers may only shorten it."""

    def lives(self, provider: Provider, control: str = "", **changes: Any) -> tuple[float, float]:
        headers = {"Cache-Control": control} if control else {}
        provider.answer = reply(card_bytes(), headers=headers)
        found = fresh(ask(want(info(provider.origin, **changes))))
        return (
            (found.fresh_until - found.fetched_at).total_seconds(),
            (found.stale_until - found.fresh_until).total_seconds(),
        )

    def test_the_manifest_says_how_long_less_a_little_at_random(self, provider: Provider) -> None:
        fresh_for, stale_for = self.lives(provider, cache={"max_age": 1000, "stale": 500})
        assert 900 <= fresh_for <= 1000
        assert stale_for == pytest.approx(500)

    def test_headers_shorten(self, provider: Provider) -> None:
        fresh_for, _ = self.lives(provider, "private, max-age=100")
        assert 90 <= fresh_for <= 100

    def test_headers_do_not_lengthen(self, provider: Provider) -> None:
        fresh_for, _ = self.lives(provider, "max-age=999999", cache={"max_age": 1000, "stale": 0})
        assert fresh_for <= 1000

    @pytest.mark.parametrize("control", ["no-store", "no-cache", "max-age=0"])
    def test_a_card_holds_long_enough_to_be_shown(self, provider: Provider, control: str) -> None:
        fresh_for, stale_for = self.lives(provider, control)
        assert fresh_for == fetch.SHORTEST_FRESH
        assert (stale_for == 0) == (control == "no-store")

    def test_a_stale_card_is_asked_for_with_its_etag(self, provider: Provider) -> None:
        provider.answer = reply(card_bytes(blocks=[METRIC]), headers={"ETag": '"v1"'})
        wanted = want(info(provider.origin))
        first = fresh(ask(wanted))
        age(wanted, first)
        assert "古い情報" in (fetch.cached(wanted) or first).html
        provider.answer = reply(b"", status=304)
        second = fresh(ask(wanted))
        assert provider.seen[1].headers["if-none-match"] == '"v1"'
        assert second.html == first.html
        assert second.fetched_at > first.fetched_at
        assert second.fresh_until > timezone.now()

    def test_304_that_nobody_asked_for_is_an_error(self, provider: Provider) -> None:
        provider.answer = reply(b"", status=304)
        assert isinstance(ask(want(info(provider.origin))), Unavailable)


def age(wanted: Wanted, card: StoredCard) -> None:
    """Makes a stored card stale."""
    old = replace(card, fresh_until=timezone.now() - timedelta(seconds=1))
    cache.set(fetch.cache_key(wanted), fetch.encode(old, wanted), 600)


FAULTS: dict[str, Any] = {
    "bad_status": reply(b"", status=500),
    "wrong_content_type": reply(b"<h1>x</h1>", content_type="text/html"),
    "answer_too_large": reply(b" " * 70_000),
    "card": reply(card_bytes(blocks=[{"type": "text", "text": "<b>x</b>"}])),
    "redirect_refused": reply(b"", status=302, headers={"Location": "http://127.0.0.1/"}),
}


class TestFailing:
    """A provider that fails costs its own card and nothing else."""

    @pytest.mark.parametrize("code", list(FAULTS))
    def test_a_fault_is_unavailable_and_told_to_the_provider(
        self, provider: Provider, outcomes: list[FetchOutcome], code: str
    ) -> None:
        provider.answer = FAULTS[code]
        found = ask(want(info(provider.origin)))
        assert isinstance(found, Unavailable)
        assert found.code == code
        assert found.message
        assert "localhost" not in found.message
        assert found.provider_message
        (outcome,) = outcomes
        assert (outcome.ok, outcome.code, outcome.gadget_id) == (False, code, "example.waste.calendar")

    def test_a_success_is_told_too(self, provider: Provider, outcomes: list[FetchOutcome]) -> None:
        fresh(ask(want(info(provider.origin))))
        assert [outcome.ok for outcome in outcomes] == [True]

    @pytest.mark.parametrize("code", list(FAULTS))
    def test_a_stale_card_is_served_instead(self, provider: Provider, code: str) -> None:
        wanted = want(info(provider.origin))
        first = fresh(ask(wanted))
        age(wanted, first)
        provider.answer = FAULTS[code]
        found = fresh(ask(wanted))
        assert found.html == first.html
        assert found.status(timezone.now()) == "old"

    def test_what_left_before_a_fault_is_written_down(self, provider: Provider) -> None:
        gadget, hanako = info(provider.origin), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        provider.answer = FAULTS["bad_status"]
        assert isinstance(ask(want(gadget, hanako)), Unavailable)
        assert AccessLog.objects.count() == 1

    def test_what_never_left_is_not_written_down(self) -> None:
        gadget, hanako = info("http://waste.localhost:1"), cast.hanako()
        agree(hanako, gadget, "area.waste_zone")
        found = ask(want(gadget, hanako))
        assert isinstance(found, Unavailable)
        assert found.code == "connect_failed"
        assert not AccessLog.objects.exists()

    def test_a_hanging_provider_costs_no_more_than_the_deadline(self, provider: Provider) -> None:
        provider.answer = lambda _: time.sleep(3)
        started = time.monotonic()
        found = fetch.refresh(want(info(provider.origin)), deadline=0.4)
        assert time.monotonic() - started < 1.2
        assert isinstance(found, Unavailable)
        assert (found.code, found.retry) == ("deadline_passed", True)

    def test_after_five_failures_the_provider_is_left_alone(self, provider: Provider) -> None:
        provider.answer = FAULTS["bad_status"]
        gadget = info(provider.origin)
        for _ in range(5):
            ask(want(gadget))
        assert breaker.is_open(gadget.id, fetch.whose_card(want(gadget)))
        found = ask(want(gadget))
        assert isinstance(found, Unavailable)
        assert found.code == "breaker_open"
        assert len(provider.seen) == 5

    def test_a_private_address_is_refused(self) -> None:
        found = ask(want(info("https://localhost")))
        assert isinstance(found, Unavailable)
        assert found.code == "address_refused"


class TestTogether:
    """Many requests at once. Public cards only: the threads need no database."""

    def test_one_card_is_fetched_once_for_all_who_wait(self, provider: Provider) -> None:
        def slowly(handler: Handler) -> None:
            time.sleep(0.3)
            reply(card_bytes())(handler)

        provider.answer = slowly
        wanted = want(info(provider.origin))
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: ask(wanted), range(6)))
        assert len(provider.seen) == 1
        assert all(fresh(card).html == fresh(found[0]).html for card in found)

    def test_who_waits_for_a_failing_fetch_is_told_to_try_again(self, provider: Provider) -> None:
        def failing(handler: Handler) -> None:
            time.sleep(0.3)
            reply(b"", status=500)(handler)

        provider.answer = failing
        wanted = want(info(provider.origin))
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda _: ask(wanted), range(2)))
        assert {card.code for card in found if isinstance(card, Unavailable)} == {"bad_status", "busy"}

    def test_at_most_four_calls_to_one_gadget_at_once(self, provider: Provider) -> None:
        lock, together, most = threading.Lock(), 0, 0

        def counting(handler: Handler) -> None:
            nonlocal together, most
            with lock:
                together += 1
                most = max(most, together)
            time.sleep(0.1)
            with lock:
                together -= 1
            reply(card_bytes())(handler)

        provider.answer = counting
        properties = {"days": {"type": "integer", "minimum": 1, "maximum": 12}}
        gadget = info(provider.origin, settings={"type": "object", "properties": properties})
        with ThreadPoolExecutor(12) as pool:
            found = list(
                pool.map(
                    lambda day: fetch.refresh(want(gadget, settings={"days": day}), deadline=4), range(1, 13)
                )
            )
        assert all(isinstance(card, StoredCard) for card in found)
        assert len(provider.seen) == 12
        assert most == fetch.PER_GADGET

    def test_who_finds_no_place_in_time_is_told_to_try_again(self, provider: Provider) -> None:
        provider.answer = lambda _: time.sleep(1)
        properties = {"days": {"type": "integer", "minimum": 1, "maximum": 12}}
        gadget = info(provider.origin, settings={"type": "object", "properties": properties})
        with ThreadPoolExecutor(4) as pool:
            waiting = [
                pool.submit(fetch.refresh, want(gadget, settings={"days": day}), deadline=0.8)
                for day in range(1, 5)
            ]
            time.sleep(0.2)
            found = fetch.refresh(want(gadget, settings={"days": 9}), deadline=0.1)
            assert isinstance(found, Unavailable)
            assert (found.code, found.retry) == ("busy", True)
            assert all(isinstance(task.result(), Unavailable) for task in waiting)


def test_the_database_connection_is_given_back_before_the_provider_is_asked(
    provider: Provider, django_db_blocker: Any
) -> None:
    asked_at_close: list[int] = []

    def in_a_thread_of_its_own() -> StoredCard | Unavailable:
        mine = connections["default"]
        with django_db_blocker.unblock():
            mine.ensure_connection()
        close = mine.close

        def closing() -> None:
            asked_at_close.append(len(provider.seen))
            close()

        mine.close = closing  # type: ignore[method-assign]
        try:
            return ask(want(info(provider.origin)))
        finally:
            close()

    with ThreadPoolExecutor(1) as pool:
        fresh(pool.submit(in_a_thread_of_its_own).result())
    assert asked_at_close[:1] == [0]
    assert len(provider.seen) == 1


@pytest.mark.parametrize("waits_for", ["the fetch of somebody else", "a place among the calls"])
def test_who_waits_holds_no_database_connection(
    provider: Provider, django_db_blocker: Any, waits_for: str
) -> None:
    wanted = want(info(provider.origin))
    closed: list[int] = []

    def in_a_thread_of_its_own() -> StoredCard | Unavailable:
        mine = connections["default"]
        with django_db_blocker.unblock():
            mine.ensure_connection()
        close = mine.close

        def closing() -> None:
            closed.append(len(provider.seen))
            close()

        mine.close = closing  # type: ignore[method-assign]
        try:
            return fetch.refresh(wanted, deadline=0.2)
        finally:
            close()

    with ExitStack() as held:
        if waits_for == "the fetch of somebody else":
            cache.add(f"fetching:{fetch.cache_key(wanted)}", 1, 5)
        else:
            for _ in range(fetch.PER_GADGET):
                held.enter_context(fetch._bulkhead(wanted.gadget.id, time.monotonic() + 1))
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(in_a_thread_of_its_own).result()
    assert isinstance(found, Unavailable)
    assert found.code == "busy"
    assert closed
    assert provider.seen == []


def test_not_modified_may_not_set_a_cookie_either(provider: Provider) -> None:
    wanted = want(info(provider.origin))
    provider.answer = reply(card_bytes(), headers={"ETag": '"a"', "Cache-Control": "no-cache"})
    first = fresh(ask(wanted))
    old = replace(first, fresh_until=timezone.now() - timedelta(seconds=1))
    cache.set(fetch.cache_key(wanted), fetch.encode(old, wanted), 600)
    provider.answer = reply(b"", status=304, headers={"Set-Cookie": "session=stolen"})
    kept = fresh(ask(wanted))
    assert kept.status(timezone.now()) == "old"
    assert recent(wanted.gadget.id).faults[0].code == "cookie_refused"
