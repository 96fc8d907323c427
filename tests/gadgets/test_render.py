"""Each block is drawn as accessible HTML: no heading, no script, no style, and never a value for a missing one."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets import card
from gadgets.render import moment, number, render, template_version
from gadgets.text import inline_html, paragraphs
from tests.gadgets.providers import card_bytes
from tests.gadgets.samples import info
from tests.gadgets.test_card import BLOCKS


class Elements(HTMLParser):
    """Every element with its attributes; fails on what is not closed."""

    VOID = frozenset({"br"})

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


def drawn(*blocks: dict[str, Any], locale: str = "ja", old: bool = False, **changes: Any) -> str:
    parsed = card.parse(card_bytes(blocks=list(blocks), **changes), manifest=info())
    return render(parsed, locale=locale, old=old)


def test_all_blocks_together_are_well_formed_and_keep_the_policy() -> None:
    elements = Elements(drawn(*BLOCKS.values(), {"type": "chart", "fallback": "図"}))
    names = {name for name, _ in elements.found}
    assert not names & {"script", "style", "img", "iframe", "form", "h1", "h2", "h3", "h4", "h5", "h6"}
    for _, attributes in elements.found:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


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
        "2026-04-02T09:00:00+09:00",
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
    assert '<time datetime="2026-04-01T09:00:00+09:00">4月1日（水） 09:00</time>' in html


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
    html = drawn({"type": "chart", "series": [1], "fallback": "**12** 件 & 3 < 4"})
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
            '!<a href="https://waste.example/x.png" rel="noopener noreferrer">絵</a>',
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
