"""The public picture of who reads what from whom: boxes in three columns and lines between them; pure.

Left whose data, in the middle the services, right the attributes of residents. The same stands in tables below the
picture, so it needs no more words than its labels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 760
BOX, HEIGHT, GAP, TOP = 220, 34, 12, 34
COLUMNS = (0, 270, 540)
MOST_LETTERS = 15
"""Of a label in its box (a Latin letter counts half); the whole of it is the box's title."""


@dataclass(frozen=True, slots=True)
class Box:
    """One end of a line; `whole` is its label in full."""

    key: str
    label: str
    whole: str
    x: int
    y: int

    @property
    def text_x(self) -> int:
        return self.x + 10

    @property
    def text_y(self) -> int:
        return self.y + 22


@dataclass(frozen=True, slots=True)
class Line:
    """From the right side of a box to the left side of another."""

    d: str
    whole: str


@dataclass(frozen=True, slots=True)
class Picture:
    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    heads: tuple[int, ...] = COLUMNS


Named = tuple[str, str]
"""A key that tells apart, and what a reader sees."""


def draw(read: Iterable[tuple[Named, Named]], asked: Iterable[tuple[Named, Named]]) -> Picture:
    """`read`: (data, service); `asked`: (service, attribute). The same for the same, in the order given."""
    read, asked = list(dict.fromkeys(read)), list(dict.fromkeys(asked))
    columns = (
        _column(0, (data for data, _ in read)),
        _column(1, [service for _, service in read] + [service for service, _ in asked]),
        _column(2, (attribute for _, attribute in asked)),
    )
    left, middle, right = columns
    lines = [_line(left[data[0]], middle[service[0]]) for data, service in read]
    lines += [_line(middle[service[0]], right[attribute[0]]) for service, attribute in asked]
    rows = max((len(column) for column in columns), default=0)
    boxes = tuple(box for column in columns for box in column.values())
    return Picture(WIDTH, TOP + max(rows, 1) * (HEIGHT + GAP), boxes, tuple(lines))


def _column(number: int, named: Iterable[Named]) -> dict[str, Box]:
    different = dict(named)
    return {
        key: Box(key, short(label), label, COLUMNS[number], TOP + row * (HEIGHT + GAP))
        for row, (key, label) in enumerate(different.items())
    }


def short(label: str) -> str:
    """As much of a label as fits into a box."""
    room = float(MOST_LETTERS)
    for index, letter in enumerate(label):
        room -= 0.5 if letter.isascii() else 1
        if room < 0:
            return label[: max(index - 1, 1)] + "…"
    return label


def _line(start: Box, end: Box) -> Line:
    x, y = start.x + BOX, start.y + HEIGHT // 2
    to_x, to_y = end.x, end.y + HEIGHT // 2
    half = (x + to_x) // 2
    return Line(f"M{x} {y}C{half} {y} {half} {to_y} {to_x} {to_y}", f"{start.whole} → {end.whole}")
