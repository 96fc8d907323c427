"""Every provider's card is valid for every claim, language, size and setting, and says the right thing."""

import json
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from examples.kit.config import Config
from examples.lunch.provider import build as build_lunch
from examples.river.provider import build as build_river
from examples.waste.provider import build as build_waste
from gadgets.protocol import card as wire
from gadgets.protocol import manifest as manifests
from tests.examples.support import Running, World, running

LOCALES = ("ja", "en", "ja-simple")
YEARS = "household.school_years"
ZONE = "area.waste_zone"
CLAIMS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "waste": (
        {},
        *({ZONE: str(n)} for n in range(1, 9)),
        {ZONE: "9"},
        {ZONE: 7},
        {ZONE: None},
        {"age_band": "35-44"},
    ),
    "lunch": (
        {},
        {YEARS: ["e1"]},
        {YEARS: ["preschool", "e6", "j3"]},
        {YEARS: ["h1", "nonsense"]},
        {YEARS: "e1"},
        {YEARS: []},
    ),
    "river": ({}, {ZONE: "7"}),
    "fourth": ({}, {ZONE: "7"}),
}


def manifest_of(it: Running) -> manifests.Manifest:
    answer = it.get("/gadget.json")
    return manifests.parse(answer.content, url=it.origin + "/gadget.json")


def fetch(it: Running, **over: Any) -> dict[str, Any]:
    """One card, checked by the portal's own reader."""
    ctx = {"locale": "ja", "size": "M", "settings": {}} | over.pop("ctx", {})
    claims = over.get("claims", {})
    answer = it.card(ctx=ctx, granted=sorted(claims), **over)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith(wire.MEDIA_TYPE)
    parsed = wire.parse(answer.content, manifest=manifest_of(it))
    assert parsed.lang == ("en" if ctx["locale"] == "en" else "ja")
    return json.loads(answer.content)


def blocks(card: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [block for block in card["blocks"] if block["type"] == kind]


@pytest.mark.parametrize("name", ["waste", "lunch", "river", "fourth"])
def test_every_card_is_valid(name: str, request: pytest.FixtureRequest) -> None:
    it: Running = request.getfixturevalue(name)
    sizes = manifest_of(it).sizes
    for claims, locale, size in product(CLAIMS[name], LOCALES, sizes):
        card = fetch(
            it, claims=claims, ctx={"locale": locale, "size": size}, sub="hanako" if name == "lunch" else None
        )
        assert card["summary"]
        if locale == "en" and name != "fourth":
            assert card["summary"].isascii()


@pytest.mark.parametrize("name", ["waste", "lunch", "river", "fourth"])
def test_the_manifest_is_complete(name: str, request: pytest.FixtureRequest) -> None:
    it: Running = request.getfixturevalue(name)
    assert it.get("/.well-known/region-gadget.json").json() == {"gadgets": [it.origin + "/gadget.json"]}
    parsed = manifest_of(it)
    assert parsed.id == it.gadget_id
    texts = [parsed.title, parsed.summary, *(claim.purpose for claim in parsed.claims)]
    assert all(set(text) == set(LOCALES) for text in texts)
    assert it.get("/g/health").json() == {"status": "ok"}
    assert it.get("/privacy").status_code == 200


@pytest.mark.parametrize("name", ["waste", "lunch", "river", "fourth"])
def test_the_same_request_gets_the_same_card_and_304(name: str, request: pytest.FixtureRequest) -> None:
    it: Running = request.getfixturevalue(name)
    first, second = it.card(), it.card()
    assert first.content == second.content
    again = it.card(headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    scope = "private" if name == "lunch" else "public"
    assert first.headers["Cache-Control"].startswith(f"{scope}, max-age=")


def test_waste_tells_the_days_of_the_residents_zone(waste: Running) -> None:
    card = fetch(waste, claims={ZONE: "7"})
    days = {item["date"]: item["label"] for item in blocks(card, "dates")[0]["items"]}
    assert days == {
        "2026-11-23": "缶・びん・ペットボトル",
        "2026-11-24": "燃やせるごみ",
        "2026-11-25": "プラスチック容器包装",
        "2026-11-27": "燃やせるごみ",
        "2026-12-01": "燃やせるごみ",
        "2026-12-02": "プラスチック容器包装",
        "2026-12-03": "破砕ごみ",
        "2026-12-04": "燃やせるごみ",
    }
    assert card["summary"] == "次の収集は11月23日（月）、缶・びん・ペットボトルです。"
    assert card["source"]["publisher"] == "高松市オープンデータ（CC BY 4.0）を加工"
    assert not blocks(card, "table")


def test_waste_shortens_the_small_card_and_can_show_recycling_only(waste: Running) -> None:
    small = fetch(waste, claims={ZONE: "7"}, ctx={"size": "S"})
    assert len(blocks(small, "dates")[0]["items"]) == 3
    recycling = fetch(waste, claims={ZONE: "7"}, ctx={"settings": {"bins": "recycling"}})
    assert "燃やせるごみ" not in json.dumps(recycling, ensure_ascii=False)
    assert len(blocks(fetch(waste, ctx={"settings": {"bins": "recycling"}}), "table")[0]["columns"]) == 4


def test_waste_without_a_zone_shows_all_zones(waste: Running) -> None:
    card = fetch(waste)
    assert len(blocks(card, "table")[0]["rows"]) == 8
    assert not blocks(card, "dates")
    assert not blocks(card, "notice")
    odd = fetch(waste, claims={ZONE: "9"})
    assert blocks(odd, "notice")[0]["level"] == "warning"


def test_waste_does_not_change_by_what_it_did_not_ask_for(waste: Running) -> None:
    base = fetch(waste, claims={ZONE: "7"})
    assert fetch(waste, claims={ZONE: "7", "age_band": "75+", "household.has_child": True}) == base


def test_lunch_without_claims_shows_today_only(lunch: Running) -> None:
    card = fetch(lunch, sub="hanako")
    assert blocks(card, "notice")[0]["text"] == "見本: 2026年7月の献立"
    assert "2026年7月" in card["source"]["note"]
    assert blocks(card, "list")[0]["items"][:2] == ["ごはん", "牛乳"]
    assert not blocks(card, "table")


def test_lunch_with_school_years_shows_the_week(lunch: Running) -> None:
    card = fetch(lunch, claims={YEARS: ["e2", "preschool", "j1"]}, sub="hanako")
    assert blocks(card, "facts")[0]["items"] == [
        {"label": "お子さまの学校", "value": "小学校2年、中学校1年"},
        {"label": "1食のめやす（エネルギー）", "value": "小学校2年 530 kcal、中学校1年 830 kcal"},
    ]
    assert [row[0] for row in blocks(card, "table")[0]["rows"]] == [
        "11月23日（月）",
        "11月24日（火）",
        "11月25日（水）",
        "11月26日（木）",
        "11月27日（金）",
    ]
    english = fetch(lunch, claims={YEARS: ["e2"]}, sub="hanako", ctx={"locale": "en"})
    assert blocks(english, "facts")[0]["items"][0]["value"] == "Elementary school year 2"


def test_lunch_says_why_a_child_without_this_lunch_gets_today_only(lunch: Running) -> None:
    card = fetch(lunch, claims={YEARS: ["h2"]}, sub="hanako")
    assert any("給食のある学年" in block["text"] for block in blocks(card, "text"))


def test_lunch_at_a_weekend_names_the_next_day(world: World) -> None:
    with running(build_lunch, "lunch", world, NOW="2026-11-22T09:00:00+09:00") as it:
        assert fetch(it, sub="hanako")["summary"].startswith("今日は給食がありません。次は11月23日（月）です")


def test_the_day_is_the_day_in_japan(world: World) -> None:
    with running(build_waste, "waste", world, NOW="2026-11-22T15:30:00+00:00") as it:
        card = fetch(it, claims={ZONE: "7"})
        assert card["updated"] == "2026-11-23T00:00:00+09:00"
        assert card["valid_until"] == "2026-11-24T00:00:00+09:00"


def test_river_warns_of_current_values_only(world: World) -> None:
    with running(build_river, "river", world, NOW="2026-11-23T08:25:00+09:00") as it:
        card = fetch(it)
        levels = [(block["level"], block["text"]) for block in blocks(card, "notice")]
        assert levels == [
            ("info", "福井県 2023年7月13日の記録を再生"),
            ("warning", "荒川 原目: レベル3 避難判断水位以上"),
            ("danger", "天王川 江波: レベル4 氾濫危険水位以上"),
        ]
        assert card["summary"] == "川の水位: 天王川 江波: レベル4 氾濫危険水位以上、ほか1地点（記録の再生）"
        metric = blocks(card, "metric")[0]
        assert (metric["value"], metric["observed"], metric["status"]) == (
            1.92,
            "2026-11-23T08:10:00+09:00",
            "current",
        )
    with running(build_river, "river", world, NOW="2026-11-23T09:30:00+09:00") as it:
        card = fetch(it)
        assert len(blocks(card, "notice")) == 1
        assert {block["status"] for block in blocks(card, "metric")} == {"old"}
        assert card["summary"] == "川の水位: 新しい値がありません（記録の再生）"


def test_river_keeps_a_missing_value_missing(world: World) -> None:
    with running(build_river, "river", world, NOW="2026-11-23T16:05:00+09:00") as it:
        card = fetch(it)
        missing = next(block for block in blocks(card, "metric") if block["status"] == "not_available")
        assert missing["value"] is None
        assert missing["note"] == "値がありません。最後の値は15:00の1.71 mです。"


def test_river_says_where_no_level_is_set(river: Running) -> None:
    card = fetch(river)
    rows = {row[0]: row[1:] for row in blocks(card, "table")[0]["rows"]}
    assert rows["天王川 江波"] == ["1.00", "1.40", "基準なし", "2.00"]
    assert rows["日野川 江端川水門"] == ["基準なし"] * 4
    ebata = next(block for block in blocks(card, "metric") if block["label"].startswith("日野川"))
    assert ebata["note"] == "基準なし"


def test_fourth_tells_todays_and_tomorrows_hours(fourth: Running) -> None:
    rows = blocks(fetch(fourth), "table")[0]["rows"]
    assert rows[0] == ["高松市中央図書館", "休館", "09:30–19:00"]
    assert rows[2] == ["高松市香川図書館", "09:30–19:00", "休館"]


def test_what_arrived_can_be_looked_up_in_tests_only(waste: Running, world: World) -> None:
    fetch(waste, claims={ZONE: "7"})
    fetch(waste, claims={ZONE: "7"})
    fetch(waste)
    seen = waste.get("/g/debug/last-claims").json()
    assert seen == {
        "calls": 3,
        "counts": {ZONE: {'"7"': 2}},
        "last": {"granted": [], "claims": {}, "has_sub": False},
    }
    with running(build_waste, "waste", world, DEBUG_CLAIMS="") as it:
        assert it.get("/g/debug/last-claims").status_code == 404


@pytest.mark.parametrize("fault", ["500", "huge", "html", "not-json"])
def test_a_fault_makes_a_card_that_the_portal_refuses(world: World, fault: str) -> None:
    with running(build_waste, "waste", world, FAULT=fault) as it:
        answer = it.card()
        if fault == "500":
            assert answer.status_code == 500
        elif fault == "not-json":
            assert answer.headers["Content-Type"].startswith("text/html")
        else:
            with pytest.raises(wire.CardError):
                wire.parse(answer.content, manifest=manifest_of(it))
        assert it.get("/g/health").status_code == 200


def test_a_hanging_card_answers_late(world: World) -> None:
    with running(build_waste, "waste", world, FAULT="hang:1") as it:
        answer = it.card()
        assert answer.status_code == 200
        assert answer.elapsed.total_seconds() >= 1


def test_the_gadget_id_follows_the_host() -> None:
    config = Config(1, "https://waste.example", "https://p.example", "https://p.example/jwks")
    assert config.gadget_id("calendar") == "example.waste.calendar"
