"""The card of a query: read under a contract from a running broker, drawn by our templates, and every way it fails."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from examples.cityos.provider import CityOs
from examples.kit.web import Response
from gadgets import queries
from gadgets.cards import breaker, fetch
from gadgets.cityos import contracts
from gadgets.cityos.query import BREAKER
from gadgets.errors import ContractMissingError
from gadgets.metrics import call_metrics
from gadgets.models import Contract, DataRead, GadgetHour
from gadgets.types import StoredCard, Unavailable, Wanted
from identity import queries as identity_queries
from identity.models import AccessLog, Resident
from tests import cast
from tests.gadgets import cityos
from tests.gadgets.cityos import GAUGE, LIBRARY

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
def running() -> Iterator[CityOs]:
    with cityos.city_os() as found, override_settings(CONTEXT_BROKER_URL=found.config.public_origin):
        yield found


@pytest.fixture
def gauge(db: None, running: CityOs, django_capture_on_commit_callbacks: Any) -> Iterator[str]:
    with cityos.river(django_capture_on_commit_callbacks):
        yield cityos.whole(running, django_capture_on_commit_callbacks)


def wanted(gadget_id: str, resident: Resident | None = None, locale: str = "ja") -> Wanted:
    bundle = identity_queries.bundle(resident.pk) if resident else None
    gadget = queries.registry().gadgets[gadget_id]
    cells = queries.registry().cells
    return fetch.wanted_for(gadget, bundle=bundle, locale=locale, size="M", settings={}, cells=cells)


def drawn(gadget_id: str, resident: Resident | None = None, locale: str = "ja") -> StoredCard:
    found = fetch.refresh(wanted(gadget_id, resident, locale))
    assert isinstance(found, StoredCard), found
    return found


def missing(gadget_id: str = GAUGE, resident: Resident | None = None) -> Unavailable:
    found = fetch.refresh(wanted(gadget_id, resident))
    assert isinstance(found, Unavailable), found
    return found


def granting(gadget_id: str) -> Resident:
    hanako = cast.hanako()
    cityos.grants(hanako, gadget_id)
    return hanako


def test_the_card_of_the_nearest_gauge_is_drawn_with_its_time_and_its_source(gauge: str) -> None:
    card = drawn(gauge)
    assert "荒川" in card.html or "足羽川" in card.html
    assert "2023年7月13日の記録" in card.html
    assert (card.source.publisher, card.source.licence) == ("川の事業者", "MIT")
    assert card.observed_at < card.fetched_at


def test_each_district_has_its_own_nearest_gauge_and_the_resident_sees_what_left(gauge: str) -> None:
    hanako = granting(gauge)
    asked = wanted(gauge, hanako)
    assert (asked.level, dict(asked.claims)) == ("audience", {"area.district": "busshozan"})
    assert "荒川 原目" in drawn(gauge, hanako).html
    log = AccessLog.objects.get(resident=hanako)
    assert (log.recipient, log.items, log.via) == (gauge, ["area.district"], "query")


def test_the_broker_is_asked_for_the_middle_of_the_district_only(gauge: str, running: CityOs) -> None:
    drawn(gauge, granting(gauge))
    request = running.broker.asked[-1]
    assert request.query["coordinates"] == "[134.04785,34.27851]"
    assert request.query["georel"] == "near;maxDistance==50000"
    assert "authorization" not in request.headers
    assert not {"cookie", "x-forwarded-for"} & set(request.headers)


def test_a_withdrawn_claim_is_used_no_more(gauge: str, running: CityOs) -> None:
    hanako = granting(gauge)
    before = wanted(gauge, hanako)
    cityos.withdraws(hanako, gauge)
    found = fetch.refresh(before)
    assert isinstance(found, StoredCard)
    assert running.broker.asked[-1].query["coordinates"] != "[134.04785,34.27851]"
    assert not AccessLog.objects.filter(resident=hanako).exists()


def test_reads_are_counted_by_day_and_type_without_a_resident(gauge: str) -> None:
    drawn(gauge)
    drawn(gauge)  # from the cache: not read again
    drawn(gauge, granting(gauge))
    row = DataRead.objects.get()
    assert (row.gadget_id, row.entity_type, row.count) == (gauge, "WaterLevelObserved", 2)


def test_data_of_the_city_need_no_agreement_but_the_operators(
    db: None, running: CityOs, django_capture_on_commit_callbacks: Any
) -> None:
    gadget_id = cityos.file(running.config.url("/library-near-you.json"), django_capture_on_commit_callbacks)
    contract = cityos.asked(LIBRARY)
    assert (contract.owner, contract.state) == (None, "asked")
    cityos.approve(gadget_id, django_capture_on_commit_callbacks)
    card = drawn(gadget_id, granting(gadget_id))
    assert "高松市香川図書館" in card.html
    assert (card.source.publisher, card.source.licence) == ("高松市オープンデータを加工", "CC BY 4.0")


def test_without_the_owners_agreement_the_version_is_not_approved(
    db: None, running: CityOs, django_capture_on_commit_callbacks: Any
) -> None:
    with cityos.river(django_capture_on_commit_callbacks):
        gadget_id = cityos.file(
            running.config.url("/river-near-you.json"), django_capture_on_commit_callbacks
        )
        with pytest.raises(ContractMissingError, match=r"川の事業者.*まだ利用に同意していません"):
            cityos.approve(gadget_id, django_capture_on_commit_callbacks)
    assert gadget_id not in queries.registry().gadgets
    assert Contract.objects.get().operator_agreed_at is None


def test_an_agreement_taken_back_stops_the_next_fetch_and_the_old_card_goes(gauge: str) -> None:
    card = wanted(gauge)
    drawn(gauge)
    contracts.end(
        contract_id=cityos.asked().pk, reason="データの提供を終えます", by=cast.as_actor(cityos.owner())
    )
    stale(card)
    assert missing().code == "no_contract"
    assert cache.get(fetch.cache_key(card)) is None


def test_a_contract_that_covers_less_than_the_manifest_reads_nothing(gauge: str, running: CityOs) -> None:
    Contract.objects.update(attrs=["name", "dateObserved"])
    assert missing().code == "no_contract"
    assert not running.broker.asked


def test_without_a_city_os_the_card_says_so(gauge: str) -> None:
    with override_settings(CONTEXT_BROKER_URL=""):
        assert missing().message == "この窓口は市のデータ連携基盤につながっていないため、表示できません。"


@pytest.mark.parametrize("fault", ["500", "not-json", "html", "huge", "hang:3"])
def test_a_broken_broker_is_said_in_words_and_is_nobodys_gadget(
    gauge: str, running: CityOs, fault: str
) -> None:
    call_metrics.flush()
    GadgetHour.objects.all().delete()
    running.broker.fault = fault
    found = missing()
    assert (found.code, found.retry) == ("broker", True)
    assert found.message == "市のデータを取得できませんでした。"
    assert breaker.allows(gauge)
    call_metrics.flush()
    assert not GadgetHour.objects.exists()


def test_the_last_card_stays_while_the_broker_is_down(gauge: str, running: CityOs) -> None:
    card = wanted(gauge)
    drawn(gauge)
    running.broker.fault = "500"
    stale(card)
    assert drawn(gauge).status(fetch.timezone.now()) == "old"


def test_a_broker_that_fails_five_times_is_left_alone_for_a_while(gauge: str, running: CityOs) -> None:
    running.broker.fault = "500"
    for _ in range(5):
        assert missing().code == "broker"
    asked = len(running.broker.asked)
    assert missing().code == "broker_paused"
    assert (len(running.broker.asked), breaker.is_open(BREAKER, gauge)) == (asked, True)
    # It may be this query alone that fails: others are asked for as before.
    assert breaker.allows(BREAKER, "example.other.query")


def test_nobody_listens_where_the_broker_should_be(gauge: str) -> None:
    with override_settings(CONTEXT_BROKER_URL="http://127.0.0.1:1"):
        assert missing().code == "broker"


def test_the_token_is_sent_where_one_is_set(gauge: str, running: CityOs) -> None:
    running.broker.token = "river-token"
    assert missing().code == "broker"
    with override_settings(CONTEXT_BROKER_TOKEN="river-token", CONTEXT_BROKER_CONTEXT="https://c.example/x"):
        drawn(gauge)
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in running.broker.asked[-1].headers["link"]


def sends(running: CityOs, *entities: dict[str, Any]) -> None:
    """The broker answers these, whatever it was asked."""
    body = json.dumps(entities)
    running.site.route(
        "GET", "/ngsi-ld/v1/entities", lambda _: Response(body, content_type="application/json")
    )


def entity(**attributes: Any) -> dict[str, Any]:
    near = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [134.05, 34.3]}}
    return {"id": "urn:x", "type": "WaterLevelObserved", "location": near, **attributes}


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


NOW = "2026-01-01T00:00:00+09:00"


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"waterLevel": prop(None), "dateObserved": prop(NOW)},
        {"waterLevel": prop("2.4"), "dateObserved": prop(NOW)},
        {"waterLevel": prop(2.4)},
        {"waterLevel": prop(2.4), "dateObserved": prop("yesterday")},
        {"waterLevel": prop(2.4), "dateObserved": prop("2026-01-01T00:00:00")},
        {"waterLevel": prop(2.4), "dateObserved": prop("2199-01-01T00:00:00+09:00")},
    ],
    ids=["nothing", "null", "text", "no-time", "no-date", "no-offset", "to-come"],
)
def test_a_value_that_is_not_one_is_not_available_and_never_zero(
    gauge: str, running: CityOs, attributes: dict[str, Any]
) -> None:
    sends(running, entity(**attributes))
    html = drawn(gauge).html
    assert "取得できません" in html
    assert "2.4" not in html
    assert not re.search(r"\b0\b", html)


def test_an_old_value_is_called_old(gauge: str, running: CityOs) -> None:
    sends(running, entity(waterLevel=prop(2.4), dateObserved=prop(NOW)))
    card = drawn(gauge)
    assert ("2.4" in card.html, "古い" in card.html) == (True, True)


def test_only_the_declared_attributes_of_the_declared_type_get_in(gauge: str, running: CityOs) -> None:
    other = {**entity(name=prop("別の種類")), "id": "urn:a", "type": "Person"}
    far = {**entity(name=prop("遠い")), "id": "urn:b"}
    far["location"] = {"value": {"type": "Point", "coordinates": [139.7, 35.7]}}
    nowhere = {"id": "urn:c", "type": "WaterLevelObserved", "name": prop("場所なし")}
    sends(running, other, far, nowhere, entity(name=prop("近い"), secret=prop("秘密")))
    html = drawn(gauge).html
    assert "近い" in html
    assert not any(word in html for word in ("別の種類", "遠い", "場所なし", "秘密"))


def test_no_entity_at_all_is_said(gauge: str, running: CityOs) -> None:
    sends(running)
    assert "情報がありません" in drawn(gauge).html


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "川\u202eの", "\u0000"], ids=["tag", "bidi", "nul"]
)
def test_markup_and_hidden_characters_of_the_broker_are_not_shown(
    gauge: str, running: CityOs, text: str
) -> None:
    sends(running, entity(name=prop(text), waterLevel=prop(2.4), dateObserved=prop(NOW)))
    html = drawn(gauge).html
    assert ("2.4" in html, text in html, "script" in html) == (True, False, False)


def test_the_card_is_in_the_readers_language(gauge: str) -> None:
    assert "Level" in drawn(gauge, locale="en").html
    assert "川の 水位" in drawn(gauge, locale="ja-simple").html


def stale(wanted: Wanted) -> None:
    """As if the card's fresh time were over."""
    from dataclasses import replace
    from datetime import timedelta

    held = fetch.cached(wanted)
    assert held is not None
    past = held.fetched_at - timedelta(seconds=1)
    cache.set(fetch.cache_key(wanted), fetch.encode(replace(held, fresh_until=past), wanted), 600)
