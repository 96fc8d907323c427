"""A card is accepted whole or refused with the place named; what is missing is never drawn as a value."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.errors import CardError
from gadgets.protocol import card
from gadgets.types import GadgetInfo
from tests.gadgets.providers import card_bytes, card_document
from tests.gadgets.samples import info

GADGET = info()
PAIRWISE = info(
    identity="pairwise",
    endpoints={
        "card": "https://waste.example/g/card",
        "health": "https://waste.example/g/health",
        "login": "https://waste.example/oidc/start",
        "action": "https://waste.example/g/action",
    },
)
"""Takes forms, and may show no image; `GADGET` is the other way round."""

BLOCKS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": "**あす**は収集日です。[くわしく](https://waste.example/days)"},
    "facts": {"type": "facts", "items": [{"label": "地区", "value": "7"}]},
    "list": {
        "type": "list",
        "items": ["びん", {"text": "かん", "href": "https://waste.example/can"}, {"text": "紙"}],
    },
    "table": {
        "type": "table",
        "caption": "収集日",
        "columns": [{"label": "曜日"}, {"label": "種類"}],
        "rows": [["月", "燃えるごみ"], ["火", ""]],
        "row_headers": True,
    },
    "dates": {
        "type": "dates",
        "items": [
            {"date": "2026-04-02", "label": "燃えるごみ"},
            {"date": "2026-04-02T09:00:00+09:00", "label": "説明会", "note": "要予約"},
        ],
    },
    "metric": {
        "type": "metric",
        "label": "水位",
        "value": 1.25,
        "unit": "m",
        "observed": "2026-04-01T09:00:00+09:00",
        "status": "current",
    },
    "progress": {"type": "progress", "label": "図書館の席", "value": 12, "max": 40, "unit": "席"},
    "notice": {"type": "notice", "level": "warning", "text": "注意してください。"},
    "chart": {
        "type": "chart",
        "caption": "今週の水位",
        "kind": "line",
        "labels": ["月", "火", "水", "木"],
        "series": [
            {"label": "今年", "values": [1.2, 1.4, None, 1.1]},
            {"label": "去年", "values": [0.9, 1.0, 1.1, 1.0]},
        ],
        "unit": "m",
    },
    "map": {
        "type": "map",
        "caption": "避難所",
        "geojson": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [134.05, 34.34]},
                    "properties": {"label": "小学校", "note": "体育館"},
                },
                {
                    "type": "Feature",
                    "geometry": {"type": "LineString", "coordinates": [[134.04, 34.33], [134.06, 34.35]]},
                    "properties": {"label": "川沿いの道"},
                },
            ],
        },
    },
    "image": {
        "type": "image",
        "src": "https://waste.example/a.png",
        "alt": "収集所の入口",
        "caption": "北側",
    },
    "form": {
        "type": "form",
        "name": "wish",
        "label": "希望を送る",
        "intro": "次の献立の希望です。",
        "button": "入力する",
        "fields": [
            {"name": "dish", "label": "料理", "type": "text", "max_length": 20, "required": True},
            {"name": "people", "label": "人数", "type": "number", "minimum": 1, "maximum": 5, "whole": True},
            {
                "name": "when",
                "label": "いつ",
                "type": "enum",
                "choices": [{"value": "am", "label": "午前"}, {"value": "pm", "label": "午後"}],
            },
            {"name": "agree", "label": "確かめました", "type": "boolean", "required": True},
            {"name": "day", "label": "日", "type": "date", "earliest": "2026-04-01", "latest": "2026-04-30"},
        ],
    },
    "actions": {
        "type": "actions",
        "items": [{"type": "open", "label": "開く", "href": "https://waste.example/"}],
    },
}


SUBMIT = {"type": "submit", "label": "取り消す", "name": "cancel", "values": {"id": 3, "all": False}}


def gadget_of(blocks: Any) -> GadgetInfo:
    """The gadget that may send these blocks."""
    forms = any("form" in str(block.get("type")) or SUBMIT in block.get("items", ()) for block in blocks)
    return PAIRWISE if forms else GADGET


def parse(**changes: Any) -> card.Card:
    return card.parse(card_bytes(**changes), manifest=gadget_of(changes.get("blocks", ())))


def refused(**changes: Any) -> CardError:
    with pytest.raises(CardError) as caught:
        parse(**changes)
    return caught.value


def test_every_block_is_read() -> None:
    assert list(BLOCKS) == list(card.KNOWN_BLOCKS)
    for kind, block in BLOCKS.items():
        assert [read.type for read in parse(blocks=[block]).blocks] == [kind]
    parsed = parse(blocks=[block for kind, block in BLOCKS.items() if kind != "form"])
    dates = parsed.blocks[4]
    assert isinstance(dates, card.Dates)
    assert dates.items[0].at == date(2026, 4, 2)
    assert not dates.items[0].has_time
    assert dates.items[1].has_time
    assert dates.items[1].iso == "2026-04-02T09:00:00+09:00"


def test_a_card_speaks_as_of_its_oldest_observation_else_of_its_update() -> None:
    assert parse().observed_at == datetime(2026, 3, 31, 15, tzinfo=UTC)
    older = {**BLOCKS["metric"], "observed": "2026-03-30T00:00:00Z"}
    assert parse(blocks=[BLOCKS["metric"], older]).observed_at == datetime(2026, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize("kind", list(BLOCKS))
def test_an_unknown_field_in_any_block_is_named(kind: str) -> None:
    error = refused(blocks=[{**BLOCKS[kind], "colour": "red"}])
    assert error.path == "$.blocks[0].colour"


@pytest.mark.parametrize("kind", list(BLOCKS))
def test_every_block_may_carry_a_fallback_that_is_not_shown(kind: str) -> None:
    assert (
        parse(blocks=[{**BLOCKS[kind], "fallback": "代わり"}]).blocks == parse(blocks=[BLOCKS[kind]]).blocks
    )


def test_an_unknown_block_shows_its_fallback() -> None:
    parsed = parse(blocks=[{"type": "hologram", "series": [1, 2], "fallback": "今月は 12 件です。"}])
    assert parsed.blocks == (card.Fallback("今月は 12 件です。"),)


def test_an_unknown_block_without_fallback_is_refused() -> None:
    error = refused(blocks=[BLOCKS["text"], {"type": "hologram", "series": [1]}])
    assert error.path == "$.blocks[1].fallback"
    assert "fallback" in error.remedy


def test_a_form_and_a_submit_are_read_and_kept_as_they_came() -> None:
    actions = {"type": "actions", "items": [SUBMIT]}
    parsed = parse(blocks=[BLOCKS["form"], actions])
    form = parsed.blocks[0]
    assert isinstance(form, card.Form)
    assert [(field.name, field.kind, field.required) for field in form.spec.fields] == [
        ("dish", "text", True),
        ("people", "number", False),
        ("when", "enum", False),
        ("agree", "boolean", True),
        ("day", "date", False),
    ]
    assert isinstance(parsed.blocks[1], card.Actions)
    submit = parsed.blocks[1].items[0]
    assert isinstance(submit, card.Submit)
    assert submit.spec.values == {"id": 3, "all": False}
    assert parsed.inputs == (BLOCKS["form"], SUBMIT)


@pytest.mark.parametrize("block", [BLOCKS["form"], {"type": "actions", "items": [SUBMIT]}])
@pytest.mark.parametrize("gadget", [GADGET, info(identity="pairwise")])
def test_forms_are_for_pairwise_gadgets_that_declare_an_action(
    block: dict[str, Any], gadget: GadgetInfo
) -> None:
    with pytest.raises(CardError) as caught:
        card.parse(card_bytes(blocks=[block]), manifest=gadget)
    assert caught.value.path.startswith("$.blocks[0]")
    assert "endpoints.action" in caught.value.remedy


def test_an_image_comes_from_a_known_origin_and_never_with_a_pseudonym() -> None:
    with pytest.raises(CardError) as caught:
        card.parse(card_bytes(blocks=[BLOCKS["image"]]), manifest=PAIRWISE)
    assert caught.value.path == "$.blocks[0]"
    assert "pairwise" in caught.value.detail
    own = info("https://own.example", link_origins=[])
    card.parse(card_bytes(blocks=[{**BLOCKS["image"], "src": "https://own.example/x"}]), manifest=own)
    for src in ("https://waste.example:444/a.png", "https://evil.example/a.png", "http://waste.example/a"):
        assert refused(blocks=[{**BLOCKS["image"], "src": src}]).path == "$.blocks[0].src"
    assert refused(blocks=[{"type": "image", "src": "https://waste.example/a"}]).path == "$.blocks[0].alt"
    assert refused(blocks=[BLOCKS["image"]] * 5).path == "$.blocks[4]"


def _feature(geometry: dict[str, Any]) -> dict[str, Any]:
    feature = {"type": "Feature", "geometry": geometry, "properties": {"label": "x"}}
    return {**BLOCKS["map"], "geojson": {"type": "FeatureCollection", "features": [feature]}}


def _field(**field: Any) -> dict[str, Any]:
    return {**BLOCKS["form"], "fields": [{"name": "a", "label": "a", **field}]}


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({**BLOCKS["progress"], "value": 41}, "value"),
        ({**BLOCKS["progress"], "value": -1}, "value"),
        ({**BLOCKS["progress"], "max": 0}, "max"),
        ({**BLOCKS["chart"], "kind": "pie"}, "kind"),
        ({**BLOCKS["chart"], "labels": ["月"]}, "series[0].values"),
        ({**BLOCKS["chart"], "series": []}, "series"),
        ({**BLOCKS["chart"], "series": [{"label": "a", "values": [1, 2, 3, "4"]}]}, "series[0].values[3]"),
        ({**BLOCKS["chart"], "series": BLOCKS["chart"]["series"] * 3}, "series"),
        ({**BLOCKS["chart"], "labels": ["x"] * 61}, "labels"),
        (_feature({"type": "Polygon", "coordinates": [[0, 0]]}), "geojson.features[0].geometry.type"),
        (_feature({"type": "Point", "coordinates": [181, 0]}), "geojson.features[0].geometry.coordinates[0]"),
        (_feature({"type": "Point", "coordinates": [0, 0, 9]}), "geojson.features[0].geometry.coordinates"),
        (
            _feature({"type": "LineString", "coordinates": [[0, 0]]}),
            "geojson.features[0].geometry.coordinates",
        ),
        (_feature({"type": "Point"}), "geojson.features[0].geometry.coordinates"),
        ({**BLOCKS["form"], "fields": []}, "fields"),
        ({**BLOCKS["form"], "fields": BLOCKS["form"]["fields"][:1] * 2}, "fields[1].name"),
        ({**BLOCKS["form"], "name": "Wish!"}, "name"),
        (_field(type="text"), "fields[0].max_length"),
        (_field(type="number", minimum=1), "fields[0].maximum"),
        (_field(type="number", minimum=3, maximum=1), "fields[0].minimum"),
        (_field(type="enum"), "fields[0].choices"),
        (_field(type="enum", choices=[{"value": "a", "label": "b"}] * 2), "fields[0].choices[1].value"),
        (_field(type="date", earliest="2026-02-30"), "fields[0].earliest"),
        (_field(type="date", earliest="2026-05-02", latest="2026-05-01"), "fields[0].earliest"),
        (_field(type="password"), "fields[0].type"),
        (_field(type="boolean", max_length=3), "fields[0].max_length"),
        ({**BLOCKS["form"], "intro": "[外](https://evil.example/)"}, "intro"),
    ],
)
def test_what_breaks_a_rule_of_a_block_is_named(block: dict[str, Any], path: str) -> None:
    error = refused(blocks=[block])
    assert f"$.blocks[0].{path}" in {problem.path for problem in error.problems}
    assert all(problem.remedy["ja"] and problem.remedy["en"] for problem in error.problems)


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"type": "open", "label": "x"}, "href"),
        ({"type": "submit", "label": "x"}, "name"),
        ({**SUBMIT, "href": "https://waste.example/"}, "href"),
        ({**SUBMIT, "values": {"a": [1]}}, "values.a"),
        ({"type": "fly", "label": "x"}, "type"),
    ],
)
def test_what_breaks_a_rule_of_an_action_is_named(item: dict[str, Any], path: str) -> None:
    with pytest.raises(CardError) as caught:
        card.parse(card_bytes(blocks=[{"type": "actions", "items": [item]}]), manifest=PAIRWISE)
    assert f"$.blocks[0].items[0].{path}" in {problem.path for problem in caught.value.problems}


def test_two_forms_have_two_names() -> None:
    error = refused(
        blocks=[BLOCKS["form"], {"type": "actions", "items": [SUBMIT, {**SUBMIT, "name": "wish"}]}]
    )
    assert error.path == "$.blocks[1].items[1].name"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"summary": ""}, "$.summary"),
        ({"summary": "あ" * 201}, "$.summary"),
        ({"lang": "Japanese!"}, "$.lang"),
        ({"updated": "2026-04-01"}, "$.updated"),
        ({"updated": "2026-04-01T00:00:00"}, "$.updated"),
        ({"updated": "2026-02-30T00:00:00Z"}, "$.updated"),
        ({"source": {"publisher": "高松市"}}, "$.source.licence"),
        ({"source": {"publisher": "Tаkamatsu", "licence": "x"}}, "$.source.publisher"),
        ({"source": {"publisher": "a", "licence": "x", "url": "javascript:x"}}, "$.source.url"),
        ({"source": {"publisher": "a", "licence": "x", "url": "https://evil.example/"}}, "$.source.url"),
        ({"source": {"publisher": "a", "licence": "x", "url": "http://waste.example/"}}, "$.source.url"),
        ({"blocks": []}, "$.blocks"),
        ({"blocks": [BLOCKS["text"]] * 31}, "$.blocks"),
        ({"html": "x"}, "$.html"),
    ],
)
def test_the_frame_of_a_card_is_checked(changes: dict[str, Any], path: str) -> None:
    assert refused(**changes).path == path


def test_thirty_blocks_are_allowed() -> None:
    assert len(parse(blocks=[BLOCKS["text"]] * 30).blocks) == 30


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"type": "text", "text": "a <b>x</b>"}, "$.blocks[0].text"),
        ({"type": "facts", "items": [{"label": "a", "value": "<img src=x>"}]}, "$.blocks[0].items[0].value"),
        ({"type": "list", "items": ["ok", "<i>"]}, "$.blocks[0].items[1]"),
        ({"type": "list", "items": [{"text": "\u202ex"}]}, "$.blocks[0].items[0].text"),
        ({"type": "hologram", "fallback": "<b>"}, "$.blocks[0].fallback"),
        ({"type": "hologram", "fallback": "x", "deep": [{"a": "<b>"}]}, "$.blocks[0].deep[0].a"),
    ],
)
def test_html_and_bidi_controls_are_refused_anywhere(block: dict[str, Any], path: str) -> None:
    assert refused(blocks=[block]).path == path


def test_a_smaller_than_sign_in_plain_text_is_allowed() -> None:
    assert parse(blocks=[{"type": "text", "text": "3 < 4 で 5 > 2、I <3 you"}])


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "[外](https://evil.example/)"},
        {"type": "notice", "level": "info", "text": "[外](https://evil.example/)"},
        {"type": "list", "items": ["[外](https://evil.example/)"]},
        {"type": "list", "items": [{"text": "外", "href": "https://evil.example/"}]},
        {"type": "actions", "items": [{"type": "open", "label": "外", "href": "https://waste.example:444/"}]},
        {"type": "hologram", "fallback": "[外](https://waste.example.evil.example/)"},
    ],
)
def test_links_stay_inside_the_declared_origins(block: dict[str, Any]) -> None:
    error = refused(blocks=[block])
    assert error.path.startswith("$.blocks[0]")
    assert "link_origins" in error.detail


@pytest.mark.parametrize(
    "href", ["http://waste.example/", "javascript:alert(1)", "mailto:a@waste.example", "/x"]
)
def test_links_are_https(href: str) -> None:
    if not href.startswith(
        "javascript"
    ):  # in a text that is no link at all, but the characters as they stand
        refused(blocks=[{"type": "text", "text": f"[x]({href})"}])
    refused(blocks=[{"type": "list", "items": [{"text": "x", "href": href}]}])


def test_loopback_links_are_for_the_demo() -> None:
    local = info(link_origins=["http://waste.localhost:8001"])
    block = {"type": "list", "items": [{"text": "x", "href": "http://waste.localhost:8001/x"}]}
    assert card.parse(card_bytes(blocks=[block]), manifest=local).blocks


def test_rows_have_a_cell_for_each_column() -> None:
    error = refused(blocks=[{**BLOCKS["table"], "rows": [["月", "燃"], ["火"]]}])
    assert error.path == "$.blocks[0].rows[1]"
    assert "2" in error.detail


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"value": None}, "$.blocks[0].value"),
        ({"status": "not_available"}, "$.blocks[0].value"),
        ({"value": 0, "status": "not_available"}, "$.blocks[0].value"),
        ({"observed": None}, "$.blocks[0].observed"),
        ({"value": "1.2"}, "$.blocks[0].value"),
        ({"value": True}, "$.blocks[0].value"),
        ({"status": "green"}, "$.blocks[0].status"),
    ],
)
def test_a_missing_value_says_so_and_is_never_zero(changes: dict[str, Any], path: str) -> None:
    assert refused(blocks=[{**BLOCKS["metric"], **changes}]).path == path


def test_a_missing_value_is_accepted_when_it_says_so() -> None:
    block = {**BLOCKS["metric"], "value": None, "status": "not_available", "observed": None}
    metric = parse(blocks=[block]).blocks[0]
    assert isinstance(metric, card.Metric)
    assert metric.value is None


@pytest.mark.parametrize("day", ["2026-02-30", "2026-4-1", "20260401", "tomorrow", "2026-04-01 09:00"])
def test_dates_exist(day: str) -> None:
    assert refused(blocks=[{"type": "dates", "items": [{"date": day, "label": "x"}]}]).path.endswith("date")


def test_more_than_64_kb_is_an_error_that_names_size_and_limit() -> None:
    big = card_bytes(blocks=[{"type": "text", "text": "x"}]) + b" " * 65536
    with pytest.raises(CardError) as caught:
        card.parse(big, manifest=GADGET)
    assert str(len(big)) in caught.value.detail
    assert "65536" in caught.value.detail


def test_depth_of_twelve_is_the_last_that_is_read() -> None:
    def nested(levels: int) -> bytes:
        deep: Any = "x"
        for _ in range(levels):
            deep = [deep]
        return card_bytes(blocks=[{"type": "hologram", "fallback": "x", "deep": deep}])

    assert card.parse(nested(9), manifest=GADGET)  # card, blocks, block: three more
    with pytest.raises(CardError) as caught:
        card.parse(nested(10), manifest=GADGET)
    assert "13" in caught.value.detail


def test_a_resident_reads_no_detail_of_a_providers_fault() -> None:
    error = refused(html="x")
    assert "html" not in error.message
    assert "html" in error.provider_message


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_as_a_card_error(noise: bytes) -> None:
    with pytest.raises(CardError):
        card.parse(noise, manifest=GADGET)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from([*BLOCKS, "hologram"]),
    st.dictionaries(
        st.sampled_from(
            [
                "text",
                "items",
                "caption",
                "columns",
                "rows",
                "row_headers",
                "label",
                "value",
                "unit",
                "observed",
                "status",
                "level",
                "fallback",
                "note",
            ]
        ),
        _json,
        max_size=6,
    ),
)
def test_any_block_is_read_or_refused_with_a_path_inside_it(kind: str, fields: dict[str, Any]) -> None:
    document = card_document(blocks=[{**BLOCKS.get(kind, {}), **fields, "type": kind}])
    try:
        card.parse(json.dumps(document).encode(), manifest=GADGET)
    except CardError as error:
        assert all(problem.path.startswith("$") for problem in error.problems)
        assert all(problem.remedy["ja"] and problem.remedy["en"] for problem in error.problems)
