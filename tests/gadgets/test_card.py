"""A card is accepted whole or refused with the place named; what is missing is never drawn as a value."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets import card
from gadgets.errors import CardError
from tests.gadgets.providers import card_bytes, card_document
from tests.gadgets.samples import info

GADGET = info()

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
    "notice": {"type": "notice", "level": "warning", "text": "注意してください。"},
    "actions": {
        "type": "actions",
        "items": [{"type": "open", "label": "開く", "href": "https://waste.example/"}],
    },
}


def parse(**changes: Any) -> card.Card:
    return card.parse(card_bytes(**changes), manifest=GADGET)


def refused(**changes: Any) -> CardError:
    with pytest.raises(CardError) as caught:
        parse(**changes)
    return caught.value


def test_every_block_is_read() -> None:
    parsed = parse(blocks=list(BLOCKS.values()))
    assert [block.type for block in parsed.blocks] == list(card.KNOWN_BLOCKS)
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
    parsed = parse(blocks=[{"type": "chart", "series": [1, 2], "fallback": "今月は 12 件です。"}])
    assert parsed.blocks == (card.Fallback("今月は 12 件です。"),)


def test_an_unknown_block_without_fallback_is_refused() -> None:
    error = refused(blocks=[BLOCKS["text"], {"type": "chart", "series": [1]}])
    assert error.path == "$.blocks[1].fallback"
    assert "fallback" in error.remedy


def test_submit_is_not_yet_supported() -> None:
    item = {"type": "submit", "label": "送る", "href": "https://waste.example/"}
    error = refused(blocks=[{"type": "actions", "items": [item]}])
    assert error.path == "$.blocks[0].items[0].type"
    assert "まだ対応していません" in error.detail


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
        ({"type": "chart", "fallback": "<b>"}, "$.blocks[0].fallback"),
        ({"type": "chart", "fallback": "x", "deep": [{"a": "<b>"}]}, "$.blocks[0].deep[0].a"),
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
        {"type": "chart", "fallback": "[外](https://waste.example.evil.example/)"},
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
        return card_bytes(blocks=[{"type": "chart", "fallback": "x", "deep": deep}])

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
    st.sampled_from([*BLOCKS, "chart"]),
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
