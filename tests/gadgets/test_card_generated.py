"""Every card that the schema allows is refused with a place and a remedy, or drawn, within its budget."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from gadgets.contract import card, card_size, forms
from gadgets.contract.card import Card
from gadgets.errors import CardError, CardNotDrawnError
from gadgets.serving import calendar, stored
from gadgets.serving.render import Addresses, render
from gadgets.types import StoredCard, Wanted
from tests.gadgets.generated import cards
from tests.gadgets.test_card import GADGET, PAIRWISE

SIZES, LOCALES = ("S", "M", "L"), ("ja", "en", "ja-simple")
FEW = tuple(zip(SIZES, LOCALES, strict=True))
ALL = tuple((size, locale) for size in SIZES for locale in LOCALES)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
MOST_STEPS = 1_200_000
"""Calls of functions while one card is read and drawn once."""
QUIET = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
]


class Steps:
    """Counts the calls of functions: the same for the same card, on every machine."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        def one(_frame: Any, what: str, _of: Any) -> None:
            self.count += what in ("call", "c_call")

        sys.setprofile(one)
        try:
            yield
        finally:
            sys.setprofile(None)


def accepted(raw: bytes) -> list[Card]:
    """The card as each kind of gadget may send it; a refusal names place and remedy, and is never a fault of ours."""
    found = []
    for gadget in (GADGET, PAIRWISE):
        try:
            found.append(card.parse(raw, manifest=gadget))
        except CardError as error:
            assert not isinstance(error, CardNotDrawnError), error.in_words("en")
            for problem in error.problems:
                assert problem.path.startswith("$")
                assert problem.in_words("ja").encode()
                assert problem.remedy["en"]
    return found


def whole(made: Card, size: str, locale: str, *, old: bool = False) -> str:
    """Draws, and holds the drawing against its budget."""
    html = render(
        made,
        locale=locale,
        size=size,
        old=old,
        calendar_url="/dates",
        addresses=Addresses(image=lambda _: "/image", form=lambda _: "/form"),
    )
    assert len(html.encode()) <= card_size.MOST_HTML
    assert len(re.findall(r"<[a-z]", html)) <= card_size.elements(made.blocks) <= card_size.MOST_ELEMENTS
    shown = html.partition('<details class="rc-details rc-more">')[0]
    parts = card_size.parted(made.blocks, size)
    assert sum(map(card_size.rows, parts.first)) <= card_size.ROWS[size] + card_size.SLACK + 2
    assert bool(parts.rest) == (shown != html)
    return html


def kept(made: Card, html: str) -> None:
    """Stored and read again, the dates as a calendar file, the forms as they are filled in."""
    wanted = Wanted(GADGET, "M", "ja")
    held = StoredCard(
        html=html,
        summary=made.summary,
        fetched_at=NOW,
        fresh_until=NOW,
        stale_until=NOW,
        observed_at=made.observed_at.astimezone(UTC),
        source=made.source,
        valid_until=made.valid_until.astimezone(UTC),
        forms=(html, ""),
        dates=calendar.dates_of(made),
        inputs=made.inputs,
    )
    again = stored.decode(stored.encode(held, wanted), wanted, NOW)
    assert again is not None
    assert again.dates == held.dates
    if held.dates:
        assert calendar.ics(again, gadget_id="a.b.c", title="題", now=NOW)
    for raw in again.inputs:
        spec = forms.read(raw)
        forms.check(spec, {field.name: field.value for field in spec.fields})


def written(document: Any) -> bytes:
    """As most providers write JSON; half a surrogate pair can only be written as an escape."""
    try:
        return json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(document).encode()


def drawn(document: Any, ways: tuple[tuple[str, str], ...]) -> None:
    made = accepted(written(document))
    event("drawn" if made else "refused")
    for one in made[:1]:
        for size, locale in ways:
            html = whole(one, size, locale)
        whole(one, *ways[0], old=True)
        kept(one, html)


@given(cards())
@settings(
    max_examples=150, deadline=None, suppress_health_check=QUIET, phases=(Phase.explicit, Phase.generate)
)
def test_what_the_schema_allows_is_refused_with_words_or_drawn(document: Any) -> None:
    drawn(document, FEW)


@pytest.mark.full
@given(cards())
@settings(
    max_examples=10_000, deadline=None, suppress_health_check=QUIET, phases=(Phase.explicit, Phase.generate)
)
def test_ten_thousand_cards_in_three_sizes_and_languages(document: Any) -> None:
    drawn(document, ALL)
