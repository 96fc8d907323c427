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

from gadgets.cards import calendar, card_store
from gadgets.cards.render import Addresses, render
from gadgets.errors import CardError, CardNotDrawnError
from gadgets.protocol import card, forms
from gadgets.protocol.card import Card
from gadgets.protocol.cards import card_size
from gadgets.types import StoredCard, Wanted
from tests.gadgets.generated import cards
from tests.gadgets.providers import card_document as document
from tests.gadgets.test_card import BLOCKS, GADGET, PAIRWISE

SIZES, LOCALES = ("S", "M", "L"), ("ja", "en", "ja-simple")
FEW = tuple(zip(SIZES, LOCALES, strict=True))
ALL = tuple((size, locale) for size in SIZES for locale in LOCALES)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
MOST_STEPS = 1_500_000
"""Calls of functions while one card is read and drawn once: half a second of a slow machine."""
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
    again = card_store.decode(card_store.encode(held, wanted), wanted, NOW)
    assert again is not None
    assert again.dates == held.dates
    if held.dates:
        assert calendar.ics(again, gadget_id="a.b.c", title="題", now=NOW)
    for raw in again.inputs:
        spec = forms.read(raw)
        forms.check(spec, {field.name: field.value for field in spec.fields})


def written(sent: Any) -> bytes:
    """As most providers write JSON; half a surrogate pair can only be written as an escape."""
    try:
        return json.dumps(sent, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(sent).encode()


def drawn(sent: Any, ways: tuple[tuple[str, str], ...]) -> bool:
    """Whether a kind of gadget may send it; then it was drawn in each of these ways."""
    raw = written(sent)
    made = accepted(raw)
    for one in made[:1]:
        steps = Steps()
        with steps.counted():
            again = card.parse(raw, manifest=PAIRWISE if one.inputs else GADGET)
            render(again, locale="en", size="S")
        assert steps.count <= MOST_STEPS
        for size, locale in ways:
            html = whole(one, size, locale)
        whole(one, *ways[0], old=True)
        kept(one, html)
    return bool(made)


@given(cards())
@settings(
    max_examples=120, deadline=None, suppress_health_check=QUIET, phases=(Phase.explicit, Phase.generate)
)
def test_what_the_schema_allows_is_refused_with_words_or_drawn(sent: Any) -> None:
    event(str(drawn(sent, FEW)))


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(4), ids="of ten thousand {}".format)
@given(sent=cards())
@settings(
    max_examples=2_500, deadline=None, suppress_health_check=QUIET, phases=(Phase.explicit, Phase.generate)
)
def test_ten_thousand_cards_in_three_sizes_and_languages(part: int, sent: Any) -> None:
    """In four parts, which several processes share; each begins with other cards."""
    event(f"{part} {drawn(sent, ALL)}")


CHART = {
    "type": "chart",
    "caption": "a",
    "kind": "bar",
    "labels": ["a"] * 60,
    "series": [{"label": "a", "values": [1.5] * 60}] * 4,
}
DEAR: dict[str, list[dict[str, Any]]] = {
    "charts": [CHART] * 4,
    "tables": [{**BLOCKS["table"], "columns": [{"label": "a"}] * 8, "rows": [["a"] * 8] * 100}] * 5,
    "marks": [{"type": "text", "text": "*a _b [" * 33}] * 6,
    "links": [{"type": "list", "items": ["[a](https://waste.example/)"] * 4 + ["あ"] * 56}] * 25,
    "quotation marks": [{"type": "facts", "items": [{"label": "'" * 100, "value": "'" * 300}] * 40}] * 3,
    "marks on letters": [{"type": "text", "text": "ที่" * 660}] * 9,
    "facts": [{"type": "facts", "items": [{"label": "a", "value": "b"}] * 40}] * 30,
    "points": [
        {
            **BLOCKS["map"],
            "geojson": {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "geometry": {"type": "LineString", "coordinates": [[1, 2]] * 500},
                        "properties": {"label": "a"},
                    }
                ]
                * 12,
            },
        }
    ],
}


@pytest.mark.parametrize("name", DEAR)
def test_the_dearest_cards_that_pass_are_within_the_budget(name: str) -> None:
    assert drawn(document(blocks=DEAR[name]), FEW), "it is refused by now: take one that passes"


ENDS: dict[str, tuple[dict[str, Any], str]] = {
    "a value of 309 digits": ({"blocks": [{**BLOCKS["metric"], "value": 1e308}]}, "$.blocks[0].value"),
    "the end of the calendar": (
        {"blocks": [{"type": "dates", "items": [{"date": "9999-12-31", "label": "a"}]}]},
        "$.blocks[0].items[0].date",
    ),
    "the first day of all": (
        {"blocks": [{"type": "dates", "items": [{"date": "0001-01-01T00:00:00+09:00", "label": "a"}]}]},
        "$.blocks[0].items[0].date",
    ),
    "valid for ever": ({"valid_until": "9999-12-31T23:59:59-12:00"}, "$.valid_until"),
    "made at the beginning": ({"updated": "0001-01-01T00:00:00+14:00"}, "$.updated"),
    "observed in the year 1": (
        {"blocks": [{**BLOCKS["metric"], "observed": "0001-01-01T00:00:00+14:00"}]},
        "$.blocks[0].observed",
    ),
    "a part of nothing": ({"blocks": [{**BLOCKS["progress"], "value": 0, "max": 5e-324}]}, "$.blocks[0].max"),
    "a first value of 309 digits": (
        {"blocks": [{**BLOCKS["form"], "fields": [{"name": "a", "label": "a", "type": "number", "minimum": 0, "maximum": 1, "value": 1e308}]}]},
        "$.blocks[0].fields[0].value",
    ),
    "a day of the year 9999": (
        {"blocks": [{**BLOCKS["form"], "fields": [{"name": "a", "label": "a", "type": "date", "latest": "9999-12-31"}]}]},
        "$.blocks[0].fields[0].latest",
    ),
    "a sent value of 309 digits": (
        {"blocks": [{"type": "actions", "items": [{"type": "submit", "label": "a", "name": "a", "values": {"a": 1e308}}]}]},
        "$.blocks[0].items[0].values.a",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_values_at_the_ends_of_their_ranges_are_refused_at_their_place(name: str) -> None:
    changes, path = ENDS[name]
    with pytest.raises(CardError) as caught:
        card.parse(written(document(**changes)), manifest=PAIRWISE)
    assert caught.value.path == path
    assert not isinstance(caught.value, CardNotDrawnError)


@pytest.mark.parametrize(
    "values", [[5e-324, 0.0], [1e12, -1e12], [1e12, 1e12 - 1e-4], [-5e-324, 5e-324], [1e-7, 2e-7]]
)
@pytest.mark.parametrize("kind", ["bar", "line"])
def test_a_chart_of_extreme_steps_is_drawn(values: list[float], kind: str) -> None:
    chart = {**CHART, "kind": kind, "labels": ["a", "b"], "series": [{"label": "a", "values": values}]}
    assert drawn(document(blocks=[chart]), FEW)
