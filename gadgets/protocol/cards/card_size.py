"""How large a card becomes: the elements of its HTML, and the rows of text that it stands high; pure.

Elements are counted from above, so that a card that is accepted never becomes more. Rows are an estimate for the
narrowest tile (a telephone, 360 pixels wide): what does not fit into a size's rows is drawn below "more".
"""

import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gadgets.errors import Problem
from gadgets.protocol.cards.card_blocks import (
    Actions,
    Block,
    Chart,
    Dates,
    Facts,
    Fallback,
    Form,
    Image,
    ListBlock,
    Map,
    Metric,
    Notice,
    Progress,
    Submit,
    Table,
    Text,
)
from gadgets.protocol.text import marks_in
from gadgets.protocol.wire import problem

MOST_ELEMENTS = 5000
"""Elements of the HTML of one card."""
MOST_HTML = 600 * 1024
"""Bytes of the HTML of one card."""
ROWS: Mapping[str, int] = {"S": 30, "M": 45, "L": 60}
"""Rows of text that a tile of each size may stand high before the rest goes below "more"."""
SLACK = 4
"""So many rows more are shown at once: "more" for a line or two saves nothing."""
_EVERY_FONT_HAS = "\u0530"
"""Latin, Greek and Cyrillic letters and their marks end before it."""
_PUNCTUATION, _SYMBOLS = "\u2000", "\u2070"
_COLUMNS = 17.0
_NARROW = 12.0
_FRAME_ELEMENTS = 12
_SPLIT_LEAST = 3


# --- elements ------------------------------------------------------------------------------------------------


def _inline(text: str) -> int:
    """Emphasis takes two signs of markup, a link two, a line break one."""
    return marks_in(text) + text.count("\n")


def _paragraphs(text: str) -> int:
    return 1 + text.count("\n") // 2 + _inline(text)


def _chart_elements(block: Chart) -> int:
    labels, series = len(block.labels), len(block.series)
    return 22 + 8 * series + labels * (2 + 4 * series)


def _action_elements(block: Actions) -> int:
    return 1 + sum(3 + (_inline(item.spec.intro) if isinstance(item, Submit) else 0) for item in block.items)


_ELEMENTS: Mapping[type, Callable[[Any], int]] = {
    Text: lambda block: 1 + _paragraphs(block.text),
    Fallback: lambda block: 1 + _paragraphs(block.text),
    Notice: lambda block: 5 + _paragraphs(block.text),
    Facts: lambda block: 1 + 3 * len(block.items),
    ListBlock: lambda block: 1 + sum(3 + _inline(item.text) for item in block.items),
    Table: lambda block: 6 + len(block.columns) + len(block.rows) * (1 + len(block.columns)),
    Dates: lambda block: 1 + 4 * len(block.items),
    Metric: lambda _: 12,
    Progress: lambda _: 8,
    Chart: _chart_elements,
    Map: lambda block: 10 + 7 * len(block.places),
    Image: lambda _: 4,
    Form: lambda block: 6 + _paragraphs(block.spec.intro),
    Actions: _action_elements,
}


def elements(blocks: Sequence[Block]) -> int:
    """At most so many elements the HTML of these blocks has, however they are shared out."""
    # A block that is parted at "more" begins twice.
    return _FRAME_ELEMENTS + sum(_ELEMENTS[type(block)](block) for block in blocks) + 8


def problems(blocks: Sequence[Block]) -> Iterator[Problem]:
    """A card whose page would have too many elements."""
    found = elements(blocks)
    if found > MOST_ELEMENTS:
        yield problem(
            "$.blocks",
            f"表示に使う要素が約 {found} 個になり、上限の {MOST_ELEMENTS} 個を超えています。",
            f"would become about {found} elements of a page; at most {MOST_ELEMENTS} are allowed.",
            "表の行、グラフの点、項目を減らしてください。",
            "Send fewer rows, points and items.",
        )


# --- rows ----------------------------------------------------------------------------------------------------


def width(text: str) -> float:
    """In full-width letters, from above.

    A telephone without a font for a script draws a box as wide as a full-width letter for each sign of it, marks too.
    """
    return sum(map(_letter_width, unicodedata.normalize("NFC", text)))


def _letter_width(letter: str) -> float:
    if letter < _EVERY_FONT_HAS or _PUNCTUATION <= letter < _SYMBOLS:
        if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
            return 0.0
        if unicodedata.east_asian_width(letter) not in "WFA":
            return 0.9 if letter.isupper() or letter in "mw@%&" else 0.6
    return 1.0


def lines(text: str, columns: float = _COLUMNS) -> int:
    """Lines that a text takes in so many full-width letters."""
    return sum(max(1, math.ceil(width(part) / columns)) for part in text.split("\n"))


def _fact_rows(label: str, value: str) -> float:
    together = width(label) + width(value) + 1 <= _COLUMNS and "\n" not in label + value
    return 1.3 if together else lines(label) + lines(value) + 0.3


def _table_rows(row: Sequence[str]) -> float:
    return max((lines(cell, _NARROW) for cell in row), default=1) + 0.6


def _note(block: Any) -> int:
    return lines(block.note) if block.note else 0


_ROWS: Mapping[type, Callable[[Any], float]] = {
    Text: lambda block: lines(block.text),
    Fallback: lambda block: lines(block.text),
    Notice: lambda block: lines(block.text, _COLUMNS - 2) + 2,
    Facts: lambda block: sum(_fact_rows(item.label, item.value) for item in block.items),
    ListBlock: lambda block: sum(_list_rows(item) for item in block.items),
    Table: lambda block: (
        lines(block.caption) + _table_rows(block.columns) + sum(_table_rows(row) for row in block.rows)
    ),
    Dates: lambda block: sum(_date_rows(item) for item in block.items),
    Metric: lambda block: lines(block.label) + 3.5 + _note(block),
    Progress: lambda block: lines(block.label) + 2.5 + _note(block),
    Chart: lambda block: 9 + lines(block.caption) + len(block.series) + _note(block),
    Map: lambda block: (
        10 + lines(block.caption) + _note(block) + sum(_place_rows(place) for place in block.places)
    ),
    Image: lambda block: 11 + (lines(block.caption) if block.caption else 0),
    Form: lambda block: lines(block.spec.label) + lines(block.spec.intro) + 2,
    Actions: lambda block: sum(1.7 * lines(item.label, _COLUMNS - 5) for item in block.items),
}


def _list_rows(item: Any) -> int:
    return lines(item.text, _COLUMNS - (7 if item.href else 2))


def _date_rows(item: Any) -> float:
    beside = width(item.label) <= _COLUMNS - 9
    return (1 if beside else 1 + lines(item.label)) + (lines(item.note) if item.note else 0) + 0.5


def _place_rows(place: Any) -> int:
    return lines(place.label, _COLUMNS - 2) + (lines(place.note, _COLUMNS - 2) if place.note else 0)


def rows(block: Block) -> float:
    """Rows of text that a block stands high in the narrowest tile, with the space after it."""
    return _ROWS[type(block)](block) + 0.5


# --- what is shown at once, and what stands below "more" ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parts:
    """The blocks that are shown at once, and those below "more"."""

    first: tuple[Block, ...]
    rest: tuple[Block, ...] = ()


def parted(blocks: Sequence[Block], size: str) -> Parts:
    """As many blocks as a tile of this size holds; a long list goes on below "more"."""
    room = float(ROWS[size])
    if sum(map(rows, blocks)) <= room + SLACK:
        return Parts(tuple(blocks))
    first: list[Block] = []
    for index, block in enumerate(blocks):
        high = rows(block)
        if high <= room:
            first.append(block)
            room -= high
            continue
        head, tail = _split(block, room)
        return Parts((*first, *head), (*tail, *blocks[index + 1 :]))
    return Parts(tuple(first))


_ITEMS: Mapping[type, tuple[str, Callable[[Any], float]]] = {
    Facts: ("items", lambda item: _fact_rows(item.label, item.value)),
    ListBlock: ("items", _list_rows),
    Dates: ("items", _date_rows),
    Table: ("rows", _table_rows),
}


def _split(block: Block, room: float) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """A list of entries is parted between two of them, when enough of them fit; anything else goes below."""
    found = _ITEMS.get(type(block))
    if found is None:
        return (), (block,)
    name, high = found
    entries = getattr(block, name)
    # What stands around the entries (caption, head) is drawn with the first part.
    left = room - (rows(block) - sum(map(high, entries)))
    fitting = 0
    for entry in entries:
        left -= high(entry)
        if left < 0:
            break
        fitting += 1
    if fitting < _SPLIT_LEAST:
        return (), (block,)
    return (replace(block, **{name: entries[:fitting]}),), (replace(block, **{name: entries[fitting:]}),)
