"""Where the bars and lines of a picture stand, in its own units; pure. The words of it are the template's."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 160
DASHES = ("", "7 4", "2 3", "9 3 2 3")
LEFT, BOTTOM = 48, 20
"""Room for the scale and for the days."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and what it says."""

    x: float
    y: float
    width: float
    height: float
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `pieces` are drawn each by itself, because a day without a figure interrupts it."""

    name: str
    pieces: tuple[str, ...]
    dots: tuple[tuple[float, float, str], ...]
    dash: str
    """Tells the lines apart without colour; the first is whole."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture: bars or lines over the same days; `top` is the value of its upper edge."""

    labels: tuple[str, ...]
    top: float
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def floor(self) -> int:
        """Where zero is."""
        return self.height - BOTTOM


def bars(labels: Sequence[str], values: Sequence[float | None]) -> Chart:
    """One bar for each value; what is missing has none."""
    top = _top(values)
    step = (WIDTH - LEFT) / max(len(values), 1)
    found = [
        Bar(
            x=round(LEFT + index * step + step * 0.1, 1),
            y=round(_y(value, top), 1),
            width=round(step * 0.8, 1),
            height=round(_y(0, top) - _y(value, top), 1),
            label=label,
            text=number(value),
        )
        for index, (label, value) in enumerate(zip(labels, values, strict=True))
        if value is not None
    ]
    return Chart(tuple(labels), top, bars=tuple(found), ticks=_ticks(top))


def lines(labels: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]]) -> Chart:
    """One line for each series, over the same labels."""
    top = _top([value for _, values in series for value in values])
    step = (WIDTH - LEFT) / max(len(labels) - 1, 1)
    return Chart(
        tuple(labels),
        top,
        lines=tuple(
            _line(name, labels, values, top, step, DASHES[place % len(DASHES)])
            for place, (name, values) in enumerate(series)
        ),
        ticks=_ticks(top),
    )


def _line(
    name: str, labels: Sequence[str], values: Sequence[float | None], top: float, step: float, dash: str
) -> Line:
    pieces: list[list[str]] = [[]]
    dots = []
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        if value is None:
            pieces.append([])
            continue
        x, y = round(LEFT + index * step, 1), round(_y(value, top), 1)
        pieces[-1].append(f"{x},{y}")
        dots.append((x, y, f"{name} {label}: {number(value)}"))
    return Line(name, tuple(" ".join(piece) for piece in pieces if len(piece) > 1), tuple(dots), dash)


def _y(value: float, top: float) -> float:
    room = HEIGHT - BOTTOM - 8
    return HEIGHT - BOTTOM - room * min(max(value / top, 0.0), 1.0)


def _top(values: Sequence[float | None]) -> float:
    """The next 1, 2 or 5 × a power of ten above all values."""
    most = max((value for value in values if value is not None), default=0.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most - 1e-9)


def _ticks(top: float) -> tuple[tuple[float, str], ...]:
    return tuple((round(_y(value, top), 1), number(value)) for value in (0.0, top / 2, top))


def number(value: float) -> str:
    """Whole numbers whole, others with two places."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
