"""A tile has a greatest height and never widens its page, whatever a card holds; "more" shows the rest, without script."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from gadgets.cards import drawing
from gadgets.protocol import card
from gadgets.protocol import manifest as manifests
from gadgets.protocol.cards import card_size
from gadgets.protocol.cards.card_blocks import Table
from gadgets.registration import check_environment
from tests.gadgets.providers import card_document
from tests.gadgets.samples import URL, document
from tests.gadgets.test_card import BLOCKS

pytestmark = pytest.mark.browser

MANIFEST = manifests.parse(document(sizes=["S", "M", "L"]), url=URL)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
ROW = 30
"""Pixels of a row with its leading, and a little: lists and tables have lines between their rows."""
AROUND = 420
"""Title, provider, status, "more", the spaces between blocks."""
MARKED = "あ" + "\u0301" * 6


def block(kind: str, **changes: Any) -> dict[str, Any]:
    return {**BLOCKS[kind], **changes}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


TALL: dict[str, list[dict[str, Any]]] = {
    "one long paragraph": [text("あ" * 2000)],
    "a word without end": [text("W" * 2000)],
    "a thousand lines": [text("x\n" * 999)],
    "thirty texts": [text(f"{number} " + "ながい文です。" * 40) for number in range(30)],
    "a long list": [block("list", items=["長い項目です。" * 40] * 60)],
    "lists": [block("list", items=[f"項目 {number}" for number in range(60)])] * 5,
    "facts": [block("facts", items=[{"label": "名前" * 20, "value": "値" * 200}] * 40)],
    "a table": [block("table", columns=[{"label": "列"}] * 8, rows=[["W" * 20] * 8] * 100, row_headers=True)],
    "dates": [block("dates", items=[{"date": "2026-04-02", "label": "収集" * 30, "note": "朝" * 200}] * 60)],
    "charts": [block("chart")] * 12,
    "maps": [block("map")] * 12,
    "numbers": [block("metric", value=-999999999999.123456, unit="W" * 20, note="注" * 300)] * 20,
    "marks on every letter": [
        text(MARKED * 200),
        block("facts", items=[{"label": MARKED * 10, "value": "a"}]),
    ],
    "joined letters": [text("क्क्क्क्क्क्क्क" * 60), text("\u1100" * 16 + " " + "\u0600" * 15 + "a")],
    "notices": [block("notice", text="注意してください。" * 100)] * 10,
}


def page_of(blocks: list[dict[str, Any]]) -> str:
    made = card.parse(
        json.dumps(card_document(blocks=blocks), ensure_ascii=False).encode(), manifest=MANIFEST
    )
    tiles = "".join(
        drawing.tile(
            MANIFEST,
            drawing.stored(made, MANIFEST, locale="ja", size=size, now=NOW),
            locale="ja",
            size=size,
            now=NOW,
            anchor=size,
        )
        for size in ("S", "M", "L")
    )
    return (
        '<!doctype html><html lang="ja"><head><meta name="viewport" content="width=device-width">'
        f'<style>{check_environment.stylesheet()}</style></head><body><main><div class="grid">{tiles}</div></main></body></html>'
    )


@pytest.mark.parametrize("name", TALL)
def test_a_tile_has_a_greatest_height_and_its_page_stays_as_wide_as_the_window(name: str, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.set_content(page_of(TALL[name]))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for size, rows in card_size.ROWS.items():
        height = page.locator(f"#gadget-{size}").evaluate("tile => tile.getBoundingClientRect().height")
        assert height <= (rows + card_size.SLACK) * ROW + AROUND, f"{size}: {height}"


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("ごみ", 2), ("こ\u3099み", 2), ("abc", 1.8), ("é", 1), ("e\u0301", 1), ("あ\u0301", 1), ("M%", 1.8),
        ("a\u200bb\u2060", 1.2), ("क्", 2), ("ที่", 3), ("\u0600", 1), ("한", 1), ("①", 1), ("😀", 1),
    ],
)  # fmt: skip
def test_what_some_telephone_has_no_font_for_counts_as_boxes(text: str, width: float) -> None:
    assert card_size.width(text) == pytest.approx(width)


def test_more_opens_without_script_and_shows_the_rest(browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.set_viewport_size({"width": 360, "height": 800})
    page.set_content(page_of([block("list", items=[f"項目 {number}" for number in range(60)])]))
    tile = page.locator("#gadget-S")
    assert tile.get_by_text("項目 5", exact=True).is_visible()
    assert not tile.get_by_text("項目 59", exact=True).is_visible()
    tile.get_by_text("続きを見る").click()
    assert tile.get_by_text("項目 59", exact=True).is_visible()
    assert tile.locator("li").count() == 60, "nothing is shown twice and nothing is lost"


def test_what_fits_has_no_more(page: Page) -> None:
    page.set_content(page_of([BLOCKS["facts"], BLOCKS["list"], BLOCKS["metric"]]))
    assert page.locator(".rc-more").count() == 0


def test_where_nothing_fits_the_summary_stands_before_more(page: Page) -> None:
    page.set_content(page_of(TALL["one long paragraph"]))
    tile = page.locator("#gadget-S .rc-card")
    assert tile.locator(".rc-summary").inner_text() == card_document()["summary"]
    assert tile.locator(".rc-more").count() == 1


def test_a_tall_head_of_a_table_leaves_less_room_for_its_rows() -> None:
    """Caption and head are drawn with the first part, and count with it."""
    block = Table(
        "説明" * 60, ("列の名前" * 20, "列"), tuple(("あ", "い") for _ in range(60)), row_headers=False
    )
    for size, room in card_size.ROWS.items():
        parts = card_size.parted((block,), size)
        assert sum(map(card_size.rows, parts.first)) <= room
        assert parts.rest
