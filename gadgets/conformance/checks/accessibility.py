"""Check 10: axe-core finds nothing on the drawn cards: light, dark, with text twice as large, 320 pixels wide.

Needs Chromium, playwright and axe; where one of them is not there, the line says where the check can be run. Each
language is one page that holds every different card in it, as a home holds its tiles; nothing is fetched for it.
"""

import importlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from core.texts import Texts
from gadgets.cards import drawing
from gadgets.conformance.bench import SHOWN, Bench, Seen, no_card
from gadgets.protocol.conformance_lines import Line, fix, not_run, passed

NUMBER = 10
PATIENCE = 10_000
MOST_CARDS = 12
"""Of one language; the rest look alike."""
TITLE = {"ja": "だれにでも読めるカード（axe）", "en": "Accessible card (axe)"}


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a page; `text` is the size of letters in percent."""

    name: Texts
    width: int
    scheme: str = "light"
    text: int = 100


VIEWS = (
    View({"ja": "明るい配色", "en": "light"}, 1280),
    View({"ja": "暗い配色", "en": "dark"}, 1280, scheme="dark"),
    View({"ja": "文字 200 %", "en": "text at 200 %"}, 1280, text=200),
    View({"ja": "幅 320 px", "en": "320 px wide"}, 320),
)

WIDTH = "too-wide"
REMEDIES: Mapping[str, Texts] = {
    "valid-lang": {
        "ja": "カードの lang を、ja や en のような実在する言語の符号（BCP 47）にしてください。",
        "en": "Let the card's `lang` be a language tag that exists (BCP 47), such as ja or en.",
    },
    "link-name": {
        "ja": "リンクの label または text を、行き先がわかる言葉にしてください。",
        "en": "Let `label` or `text` of the link say where it leads.",
    },
    "image-alt": {
        "ja": "image の alt に、絵の内容を言葉で書いてください。",
        "en": "Say in `alt` of the image what it shows.",
    },
    "empty-table-header": {
        "ja": "table の columns の label を空にしないでください。",
        "en": "Leave no `label` of the table's `columns` empty.",
    },
    WIDTH: {
        "ja": "区切りのない長い語（アドレスや記号の列）を blocks から除くか、空白を入れてください。",
        "en": "Take long words without a break (addresses, rows of signs) out of `blocks`, or break them.",
    },
}


@dataclass(frozen=True, slots=True)
class Found:
    """One fault on a page: the rule, what axe says of it, an element, and under which view it showed."""

    rule: str
    help: str
    element: str
    view: View
    locale: str


def check(bench: Bench) -> Iterator[Line]:
    if not bench.seen:
        yield no_card(NUMBER, TITLE)
        return
    lacks = missing(bench.env.chromium)
    if lacks:
        yield _elsewhere(lacks)
        return
    pages = {locale: page_of(bench, cards, locale) for locale, cards in _by_language(bench).items()}
    # A thread of its own: playwright's loop must not meet another one that runs in this one.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="axe") as apart:
        try:
            found = apart.submit(look, bench.env.chromium, pages).result()
        except importlib.import_module("playwright.sync_api").Error as error:
            yield _elsewhere(str(error).splitlines()[0])
            return
    yield _told(found, sum(len(cards) for cards in _by_language(bench).values()))


def missing(chromium: str, *, axe: bool = True) -> str:
    """What is not here of what a check in the browser needs; empty when all is."""
    if not chromium or not Path(chromium).exists():
        return "Chromium"
    for module in ("playwright.sync_api", *(["axe_playwright_python.sync_playwright"] if axe else [])):
        try:
            importlib.import_module(module)
        except ImportError:
            return module.partition(".")[0]
    return ""


def _elsewhere(lacks: str) -> Line:
    return not_run(
        NUMBER,
        TITLE,
        {"ja": f"ここでは調べられません（{lacks}）。", "en": f"Cannot be run here ({lacks})."},
        {
            "ja": "Chromium のあるコンピューターで rgadget test を実行してください。",
            "en": "Run `rgadget test` on a computer with Chromium.",
        },
    )


def _by_language(bench: Bench) -> dict[str, list[Seen]]:
    """Every different card of a language, at most MOST_CARDS."""
    found: dict[str, list[Seen]] = {}
    for seen in bench.seen:
        kept = found.setdefault(seen.case.locale, [])
        alike = any(
            one.case.size == seen.case.size
            and (one.card.blocks, one.card.lang) == (seen.card.blocks, seen.card.lang)
            for one in kept
        )
        if not alike and len(kept) < MOST_CARDS:
            kept.append(seen)
    return found


def page_of(bench: Bench, cards: list[Seen], locale: str) -> str:
    """A page like the home, with one tile for each card."""
    now = datetime.now(UTC)
    tiles = "".join(
        drawing.tile(
            bench.manifest,
            drawing.stored(seen.card, bench.manifest, locale=locale, size=seen.case.size, now=now),
            locale=locale,
            size=seen.case.size,
            now=now,
            anchor=f"card-{number}",
        )
        for number, seen in enumerate(cards)
    )
    language = "en" if locale == "en" else "ja"
    name = escape(bench.manifest.id)
    return (
        f'<!doctype html><html lang="{language}" data-locale="{escape(locale)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{name}</title>'
        f"<style>{bench.env.stylesheet}</style></head><body><main><h1>{name}</h1><h2>{escape(locale)}</h2>"
        f'<div class="grid">{tiles}</div></main></body></html>'
    )


def look(chromium: str, pages: Mapping[str, str]) -> list[Found]:
    """Every fault of every page in every view. Raises playwright's Error when the browser does not start."""
    playwright = importlib.import_module("playwright.sync_api")
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    found: list[Found] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium)
        try:
            page = browser.new_context(service_workers="block").new_page()
            page.set_default_timeout(PATIENCE)
            page.route("**/*", lambda route: route.abort())
            for locale, html in pages.items():
                page.set_content(html)
                for view in VIEWS:
                    found += _look(page, axe, view, locale)
        finally:
            browser.close()
    return found


def _look(page: Any, axe: Any, view: View, locale: str) -> list[Found]:
    page.emulate_media(color_scheme=view.scheme)
    page.set_viewport_size({"width": view.width, "height": 900})
    page.evaluate("size => { document.documentElement.style.fontSize = size }", f"{view.text}%")
    violations = axe.run(page).response["violations"]
    found = [
        Found(one["id"], one["help"], str(one["nodes"][0]["html"])[:200], view, locale) for one in violations
    ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(Found(WIDTH, "the card is wider than its window", "", view, locale))
    return found


def _told(found: list[Found], cards: int) -> Line:
    if not found:
        return passed(
            NUMBER,
            TITLE,
            {
                "ja": f"{cards} 枚を {len(VIEWS)} 通り（{'、'.join(view.name['ja'] for view in VIEWS)}）で調べました。",
                "en": f"{cards} cards in {len(VIEWS)} views ({', '.join(view.name['en'] for view in VIEWS)}).",
            },
        )
    rules = {one.rule: one for one in reversed(found)}
    shown = list(rules.values())[:SHOWN]
    return fix(
        NUMBER,
        TITLE,
        {
            language: "\n".join(
                f"[{one.locale}, {one.view.name[language]}] {one.rule}: {one.help} {one.element}".rstrip()
                for one in shown
            )
            for language in ("ja", "en")
        },
        {
            "ja": " ".join(_remedy(one)["ja"] for one in shown),
            "en": " ".join(_remedy(one)["en"] for one in shown),
        },
    )


def _remedy(found: Found) -> Texts:
    general = {
        "ja": f"示された要素になる blocks の内容を直してください（axe の規則 {found.rule}）。",
        "en": f"Correct the part of `blocks` that became this element (axe: {found.help}).",
    }
    return REMEDIES.get(found.rule, general)
