"""Checks 4, 10 and 11 of a query: the portal makes its card, from the manifest's template, with data and without."""

from collections.abc import Iterator
from datetime import UTC, datetime

from gadgets.cards import drawing
from gadgets.cityos import template
from gadgets.conformance.bench import Bench, Seen
from gadgets.conformance.checks import accessibility, kinds
from gadgets.conformance.checks.cards import links
from gadgets.conformance.checks.request_tokens import Case
from gadgets.errors import CardError, Problem
from gadgets.outbound.http import Answer
from gadgets.protocol import card as cards
from gadgets.protocol.conformance_lines import Line, fix, not_run, passed

TITLE = {"ja": "データがあってもなくても正しいカード", "en": "Card valid with data and without"}


def check(bench: Bench) -> Iterator[Line]:
    """The lines 3 to 11 of a query."""
    yield kinds.without_server(3)
    yield _cards(bench)
    for number in (5, 6, 7, 8, 9):
        yield kinds.without_server(number)
    if not bench.seen:
        yield from (_first(number) for number in (10, 11))
        return
    yield from accessibility.check(bench)
    yield links(bench)


def _first(number: int) -> Line:
    return not_run(
        number,
        kinds.TITLES[number],
        {"ja": "カードがまだ作れないため、調べられませんでした。", "en": "There is no card to read yet."},
        {"ja": "まず検査 4 を直してください。", "en": "Correct check 4 first."},
    )


def _cards(bench: Bench) -> Line:
    now = datetime.now(UTC)
    found = template.check(bench.manifest, now)
    if found:
        return _wrong(found)
    for locale in bench.env.locales:
        for name, raw in template.samples(bench.manifest, locale, now):
            try:
                card = cards.parse(raw, manifest=bench.anywhere)
                drawing.card_html(card, locale=locale)
            except CardError as error:
                return _wrong(list(error.problems))
            case = Case(f"{name}/{locale}", {}, locale, bench.manifest.sizes[0])
            bench.seen.append(Seen(case, Answer("", 200, {}, raw, 0.0), card))
    count = len(bench.seen)
    return passed(
        4,
        TITLE,
        {"ja": f"{count} 通りすべて正しいカードでした。", "en": f"All {count} cards are valid."},
    )


def _wrong(found: list[Problem]) -> Line:
    return fix(
        4,
        TITLE,
        {language: "\n".join(one.in_words(language) for one in found) for language in ("ja", "en")},
        {
            "ja": f"マニフェストの {found[0].path}: {found[0].remedy['ja']}",
            "en": f"{found[0].path} of the manifest: {found[0].remedy['en']}",
        },
    )
