"""Where the marks of a chart or a map sketch go: coordinates for our SVG templates; pure.

No colour, no font and no word is decided here. Every number is text with one decimal, so that no language
puts a comma into a coordinate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gadgets.protocol.cards.card_blocks import Chart, Map, Place

WIDTH, HEIGHT = 320.0, 160.0
_EDGE = 12.0
_DECIMALS = 6
_MANY_POINTS = 31
_TALLEST = 170.0
_LEAST_SPAN = 0.004
"""Degrees: a sketch never shows less than about 400 m."""
_METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: str
    y: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is drawn for one series: bars, or the strokes of a line (`d` of a path) with its dots."""

    number: int
    bars: tuple[Bar, ...] = ()
    strokes: str = ""
    dots: tuple[Dot, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart without its words. `grid`: heights of the lines at `high`, at zero (when inside) and at `low`."""

    box: str
    right: str
    grid: tuple[str, ...]
    series: tuple[Marks, ...]
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Route:
    """A line of a map; its number stands at `dot`."""

    d: str
    dot: Dot


@dataclass(frozen=True, slots=True)
class Sketch:
    """A map without its words; `metres`: what the width of the picture stands for."""

    box: str
    dots: tuple[Dot, ...]
    routes: tuple[Route, ...]
    metres: float


def _text(number: float) -> str:
    text = f"{number:.1f}"
    return "0.0" if text == "-0.0" else text


def _step(span: float) -> float:
    """A round step (1, 2 or 5 times a power of ten) of which at most about four fit into the span."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next((power * it for it in (1, 2, 5) if power * it * 4 >= span * 0.999999), power * 10)


def scale(values: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    """Round lower and upper ends that hold every value; bars always stand on zero."""
    low, high = min(values), max(values)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = max(abs(low), 1.0) / 2
        low, high = (low, low + 1.0) if from_zero else (low - room, high + room)
    step = _step(high - low)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def chart(block: Chart) -> Picture:
    """The marks of a chart that has at least one value; missing values are gaps."""
    rows = [[_amount(value) for value in series.values] for series in block.series]
    known = [value for row in rows for value in row if value is not None]
    low, high = scale(known, from_zero=block.kind == "bar")

    def y(value: float) -> float:
        return HEIGHT - _EDGE - (value - low) / (high - low) * (HEIGHT - 2 * _EDGE)

    lines = [high, 0.0, low] if low < 0 < high else [high, low]
    slot = (WIDTH - 2 * _EDGE) / len(block.labels)
    drawn: list[Marks] = []
    for number, row in enumerate(rows, 1):
        heights = [None if value is None else y(value) for value in row]
        if block.kind == "bar":
            drawn.append(_bars(number, heights, slot, y(0.0), len(block.series)))
        else:
            drawn.append(_line(number, heights, slot))
    return Picture(
        box=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        right=_text(WIDTH),
        grid=tuple(_text(y(value)) for value in lines),
        series=tuple(drawn),
        low=low,
        high=high,
    )


def _amount(value: float | None) -> float | None:
    """A value as the table beside the picture shows it: six decimals; what is smaller is no height."""
    return None if value is None else round(float(value), _DECIMALS)


def _bars(number: int, heights: Sequence[float | None], slot: float, base: float, many: int) -> Marks:
    wide = slot * 0.8 / many
    return Marks(
        number,
        bars=tuple(
            Bar(
                _text(_EDGE + slot * (index + 0.1) + wide * (number - 1)),
                _text(min(top, base)),
                _text(max(wide - 0.5, 0.5)),
                _text(abs(base - top)),
            )
            for index, top in enumerate(heights)
            if top is not None
        ),
    )


def _line(number: int, heights: Sequence[float | None], slot: float) -> Marks:
    """Neighbours are joined; a value between two gaps always has a dot, else nobody would see it."""
    strokes: list[str] = []
    dots: list[Dot] = []
    for index, top in enumerate(heights):
        if top is None:
            continue
        joined = index > 0 and heights[index - 1] is not None
        goes_on = index + 1 < len(heights) and heights[index + 1] is not None
        x, y = _text(_EDGE + slot * (index + 0.5)), _text(top)
        strokes.append(f"{'L' if joined else 'M'}{x} {y}")
        if len(heights) <= _MANY_POINTS or not (joined or goes_on):
            dots.append(Dot(x, y))
    return Marks(number, strokes="".join(strokes), dots=tuple(dots))


def sketch(block: Map) -> Sketch:
    """A sketch with north up: equirectangular around its middle, which is true enough for a region."""
    points = [point for place in block.places for point in place.points]
    longitudes, latitudes = [point[0] for point in points], [point[1] for point in points]
    west, east = min(longitudes), max(longitudes)
    south, north = min(latitudes), max(latitudes)
    middle = ((west + east) / 2, (south + north) / 2)
    shrink = math.cos(math.radians(middle[1]))
    wide = max((east - west) * shrink, _LEAST_SPAN)
    tall = max(north - south, _LEAST_SPAN * 0.5)
    unit = min((WIDTH - 4 * _EDGE) / wide, _TALLEST / tall)
    height = max(tall * unit + 4 * _EDGE, HEIGHT)

    def at(point: tuple[float, float]) -> tuple[str, str]:
        x = WIDTH / 2 + (point[0] - middle[0]) * shrink * unit
        return _text(x), _text(height / 2 - (point[1] - middle[1]) * unit)

    def dot(number: int, point: tuple[float, float]) -> Dot:
        return Dot(*at(point), str(number))

    def route(number: int, place: Place) -> Route:
        strokes = (f"{'L' if index else 'M'}{' '.join(at(it))}" for index, it in enumerate(place.points))
        return Route("".join(strokes), dot(number, place.points[len(place.points) // 2]))

    numbered = list(enumerate(block.places, 1))
    return Sketch(
        box=f"0 0 {WIDTH:.0f} {height:.0f}",
        dots=tuple(dot(number, place.points[0]) for number, place in numbered if len(place.points) == 1),
        routes=tuple(route(number, place) for number, place in numbered if len(place.points) > 1),
        metres=WIDTH / unit * _METRES_A_DEGREE,
    )
