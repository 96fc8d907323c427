"""Each block is drawn as accessible HTML: no heading, no script, no style, and never a value for a missing one."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.cards.render import Addresses, moment, number, render, template_version
from gadgets.protocol import card
from gadgets.protocol.text import inline_html, paragraphs
from tests.gadgets.providers import card_bytes
from tests.gadgets.samples import info
from tests.gadgets.test_card import BLOCKS, SUBMIT, gadget_of


class Elements(HTMLParser):
    """Every element with its attributes; fails on what is not closed."""

    VOID = frozenset({"br", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


ADDRESSES = Addresses(image=lambda src: f"/i/{src[-5:]}", form=lambda name: f"/f/{name}/")
DRAWN = [block for kind, block in BLOCKS.items() if kind != "form"]
"""Every block that one gadget may send; a form is for another one."""


def drawn(*blocks: dict[str, Any], locale: str = "ja", old: bool = False, **changes: Any) -> str:
    parsed = card.parse(card_bytes(blocks=list(blocks), **changes), manifest=gadget_of(blocks))
    return render(parsed, locale=locale, old=old, addresses=ADDRESSES)


def test_all_blocks_together_are_well_formed_and_keep_the_policy() -> None:
    whole = Elements(drawn(*DRAWN, {"type": "hologram", "fallback": "図"}))
    form = Elements(drawn(BLOCKS["form"], {"type": "actions", "items": [SUBMIT]}))
    found = [*whole.found, *form.found]
    names = {name for name, _ in found}
    assert not names & {"script", "style", "iframe", "form", "input", "h1", "h2", "h3", "h4", "h5", "h6"}
    for _, attributes in found:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_a_progress_says_its_numbers_in_words() -> None:
    html = drawn(BLOCKS["progress"])
    assert Elements(html).of("progress") == [
        {"class": "rc-progress__bar", "aria-label": "図書館の席", "max": "40", "value": "12"}
    ]
    assert "12</span> / 40 席" in html
    missing = drawn({**BLOCKS["progress"], "value": None})
    assert "<progress" not in missing
    assert "取得できません" in missing
    zero = drawn({**BLOCKS["progress"], "value": 0})
    assert 'value="0"' in zero


def test_a_chart_is_a_picture_and_the_same_numbers_as_a_table() -> None:
    html = drawn(BLOCKS["chart"])
    elements = Elements(html)
    assert [svg.get("aria-label") for svg in elements.of("svg") if svg.get("role") == "img"] == ["今週の水位"]
    assert len(elements.of("details")) == len(elements.of("table")) == 1
    cells = re.findall(r"<td>(.*?)</td>", html)
    assert cells == ["", "1.2", "0.9", "1.4", "1", "<span>なし</span>", "1.1", "1.1", "1"]
    assert html.count('scope="row"') == 4
    first = re.search(r'rc-chart__series--1">(.*?)</g>', html)
    assert first is not None
    assert first[1].count("M") == 2, "a missing value is a gap"
    assert re.findall(r"<li>.*?</svg> (.*?)</li>", html) == ["今年", "去年"]
    assert "縦は0.8から1.4まで" in html
    assert "月 → 木" in html


def test_bars_stand_on_zero_and_a_missing_one_is_no_bar() -> None:
    block = {**BLOCKS["chart"], "kind": "bar", "series": [{"label": "a", "values": [2, -1, None, 0]}]}
    html = drawn(block)
    bars = Elements(html).of("rect")
    assert [bar["height"] for bar in bars] == ["90.7", "45.3", "0.0"]
    assert "縦は-1から2まで" in html
    assert "rc-chart__legend" not in html


def test_a_chart_without_any_value_says_so() -> None:
    html = drawn({**BLOCKS["chart"], "series": [{"label": "a", "values": [None] * 4}]})
    assert "<svg" not in html
    assert "取得できません" in html
    assert html.count("なし") == 4


@pytest.mark.parametrize("locale", ["ja", "en", "ja-simple"])
def test_no_coordinate_holds_a_comma_in_any_language(locale: str) -> None:
    block = {**BLOCKS["chart"], "series": [{"label": "a", "values": [1e9, 2.5e9, 1, 0]}]}
    html = drawn(block, BLOCKS["map"], locale=locale)
    for attribute in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "d", "viewBox"):
        for value in re.findall(rf' {attribute}="([^"]*)"', html):
            assert re.fullmatch(r"[ML0-9. -]+", value), (attribute, value)


def test_a_map_is_a_sketch_and_a_list_of_the_same_places() -> None:
    html = drawn(BLOCKS["map"])
    assert re.findall(r"<text[^>]*>(\d)</text>", html) == ["2", "1"]
    assert re.findall(r'rc-map__name">(.*?)</span>', html) == ["小学校", "川沿いの道"]
    assert "体育館" in html
    assert "横の幅は約4.2 kmです" in html
    assert Elements(html).of("ol")


def test_a_single_place_is_drawn_in_the_middle() -> None:
    features = BLOCKS["map"]["geojson"]["features"][:1]
    html = drawn({**BLOCKS["map"], "geojson": {"type": "FeatureCollection", "features": features}})
    dot = Elements(html).of("circle")[0]
    assert (dot["cx"], dot["cy"]) == ("160.0", "92.0")


def test_an_image_is_ours_never_the_providers() -> None:
    html = drawn(BLOCKS["image"])
    image = Elements(html).of("img")[0]
    assert image["src"] == "/i/a.png"
    assert image["alt"] == "収集所の入口"
    assert "waste.example" not in html
    parsed = card.parse(card_bytes(blocks=[BLOCKS["image"]]), manifest=info())
    assert "<img" not in render(parsed, locale="ja"), "without an address of ours the words stand alone"
    assert "収集所の入口" in render(parsed, locale="ja")


def test_a_form_is_a_link_to_a_page_of_ours() -> None:
    html = drawn(BLOCKS["form"], {"type": "actions", "items": [SUBMIT]})
    assert [link["href"] for link in Elements(html).of("a")] == ["/f/wish/", "/f/cancel/"]
    assert "外部サイト" not in html
    assert "csrf" not in html


def test_facts_are_a_description_list() -> None:
    html = drawn(BLOCKS["facts"])
    assert "<dt>地区</dt><dd>7</dd>" in html
    assert Elements(html).of("dl")


def test_a_table_has_its_caption_and_scoped_headers() -> None:
    html = drawn(BLOCKS["table"])
    assert "<caption>収集日</caption>" in html
    assert html.count('<th scope="col">') == 2
    assert html.count('<th scope="row">') == 2
    assert drawn({**BLOCKS["table"], "row_headers": False}).count('scope="row"') == 0


def test_dates_are_times_with_weekdays_in_the_readers_language() -> None:
    html = drawn(BLOCKS["dates"])
    assert [time["datetime"] for time in Elements(html).of("time")] == [
        "2026-04-02",
        "2026-04-02T09:00+09:00",
    ]
    assert "4月2日（木）" in html
    assert "4月2日（木） 09:00" in html
    assert "Thu 2 Apr" in drawn(BLOCKS["dates"], locale="en")
    assert "4月2日（木）" in drawn(BLOCKS["dates"], locale="ja-simple")


def test_another_year_is_said() -> None:
    html = drawn({"type": "dates", "items": [{"date": "2027-01-04", "label": "燃えるごみ"}]})
    assert "2027年1月4日（月）" in html


def test_a_metric_says_its_value_unit_state_and_time() -> None:
    html = drawn(BLOCKS["metric"])
    assert '<span class="rc-metric__number">1.25</span>' in html
    assert "最新" in html
    assert '<time datetime="2026-04-01T09:00+09:00">4月1日（水） 09:00</time>' in html


def test_a_card_past_its_freshness_calls_nothing_current() -> None:
    html = drawn(BLOCKS["metric"], old=True)
    assert "最新" not in html
    assert "古い情報" in html
    assert "rc-metric--old" in html


def test_an_old_value_says_so_at_once() -> None:
    assert "古い情報" in drawn({**BLOCKS["metric"], "status": "old"})


@pytest.mark.parametrize("old", [False, True])
def test_a_missing_value_is_words_and_never_a_number(old: bool) -> None:
    missing = {**BLOCKS["metric"], "value": None, "status": "not_available", "observed": None}
    html = drawn(missing, old=old)
    assert "取得できません" in html
    assert "rc-metric__number" not in html
    assert "最新" not in html
    assert not re.search(r">[^<]*\d[^<]*<", html)


def test_zero_is_a_value() -> None:
    assert '<span class="rc-metric__number">0</span>' in drawn({**BLOCKS["metric"], "value": 0})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (1200, "1,200"),
        (1.5, "1.5"),
        (-2.25, "-2.25"),
        (1e9, "1,000,000,000"),
    ],
)
def test_numbers_are_written_without_noise(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("level", "word"), [("info", "お知らせ"), ("warning", "注意"), ("danger", "危険"), ("success", "完了")]
)
def test_a_notice_has_an_icon_and_a_word(level: str, word: str) -> None:
    html = drawn({"type": "notice", "level": level, "text": "x"})
    assert f"rc-notice--{level}" in html
    assert 'aria-hidden="true"' in html
    assert word in html


def test_links_leave_openly_and_safely() -> None:
    html = drawn(BLOCKS["actions"], BLOCKS["list"], BLOCKS["text"])
    links = Elements(html).of("a")
    assert len(links) == 3
    assert all(link["rel"] == "noopener noreferrer" for link in links)
    assert all("target" not in link for link in links)
    assert html.count("外部サイト") == 2


def test_an_unknown_block_shows_its_fallback_as_text() -> None:
    html = drawn({"type": "hologram", "series": [1], "fallback": "**12** 件 & 3 < 4"})
    assert "<strong>12</strong> 件 &amp; 3 &lt; 4" in html


def test_words_of_ours_are_marked_when_the_card_is_in_another_language() -> None:
    assert 'lang="ja"' in drawn(BLOCKS["metric"], locale="ja")
    assert 'class="rc-metric__status" lang=' not in drawn(BLOCKS["metric"], locale="ja-simple")
    assert 'class="rc-metric__status" lang="en"' in drawn(BLOCKS["metric"], locale="en")
    assert drawn(BLOCKS["metric"], locale="en", lang="en").startswith('<div class="rc-card" lang="en">')


def test_text_is_escaped_everywhere() -> None:
    evil = "\"'&< x onload=alert(1)"
    blocks = [
        {"type": "text", "text": evil},
        {"type": "facts", "items": [{"label": evil, "value": evil}]},
        {"type": "list", "items": [evil, {"text": evil, "href": "https://waste.example/?a=%22&b=1"}]},
        {**BLOCKS["table"], "caption": evil, "rows": [[evil, evil]]},
        {**BLOCKS["metric"], "label": evil, "unit": "\"'&<", "note": evil},
        {"type": "notice", "level": "info", "text": evil},
        {"type": "dates", "items": [{"date": "2026-04-02", "label": evil, "note": evil}]},
        {"type": "actions", "items": [{"type": "open", "label": evil, "href": "https://waste.example/"}]},
    ]
    for _, attributes in Elements(drawn(*blocks)).found:
        assert "onload" not in attributes


def test_paragraphs_and_breaks() -> None:
    assert paragraphs("一\n二\n\n三") == ["一<br>\n二", "三"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**強い**言葉", "<strong>強い</strong>言葉"),
        ("*弱い* 言葉", "<em>弱い</em> 言葉"),
        (
            "![絵](https://waste.example/x.png)",
            '!<a href="https://waste.example/x.png" rel="noopener noreferrer">絵</a>（waste.example）',
        ),
        ("# 見出し", "# 見出し"),
        ("- 項目", "- 項目"),
        ("`code`", "`code`"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("https://waste.example/", "https://waste.example/"),
        (r"\*そのまま\*", "*そのまま*"),
    ],
)
def test_the_only_marks_are_emphasis_and_links(text: str, html: str) -> None:
    assert inline_html(text) == html


@given(st.text(max_size=80))
def test_any_text_draws_only_the_allowed_elements(text: str) -> None:
    elements = Elements(inline_html(text))
    assert {name for name, _ in elements.found} <= {"em", "strong", "a", "br"}
    for name, attributes in elements.found:
        assert set(attributes) <= ({"href", "rel"} if name == "a" else set())


def test_the_template_version_is_short_and_stable() -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", template_version())
    assert template_version() == template_version()


def test_a_moment_is_told_in_the_zone_of_the_city() -> None:
    parsed = card.parse(card_bytes(updated="2026-12-31T20:00:00Z"), manifest=info())
    assert moment(parsed.updated, "ja", parsed.updated) == "1月1日（金） 05:00"
