"""Bars and lines stay inside their picture, and what is missing is drawn as nothing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from portal.figures import charts

VALUES = st.lists(st.none() | st.floats(0, 1e7), min_size=1, max_size=40)


@given(VALUES)
def test_bars_stay_inside_and_are_as_many_as_there_are_values(values) -> None:
    chart = charts.bars([str(n) for n in range(len(values))], values)
    assert len(chart.bars) == sum(value is not None for value in values)
    for bar in chart.bars:
        assert bar.x >= charts.LEFT
        assert bar.x + bar.width <= charts.WIDTH + 1
        assert 0 <= bar.y <= chart.floor
        assert abs(bar.y + bar.height - chart.floor) < 0.2
    assert chart.top >= max((value for value in values if value is not None), default=0) * (1 - 1e-9)


@given(VALUES)
def test_a_line_breaks_where_a_figure_is_missing(values) -> None:
    (line,) = charts.lines([str(n) for n in range(len(values))], [("a", values)]).lines
    assert len(line.dots) == sum(value is not None for value in values)
    joined = sum(len(piece.split()) - 1 for piece in line.pieces)
    pairs = pairwise(values)
    assert joined == sum(one is not None and other is not None for one, other in pairs)


def test_zero_is_a_figure_and_lines_differ_without_colour() -> None:
    chart = charts.lines(["1", "2"], [("a", [0, None]), ("b", [0.25, 0.5])])
    assert chart.lines[0].dots == ((charts.LEFT, chart.floor, "a 1: 0"),)
    assert chart.lines[0].dash != chart.lines[1].dash
    assert chart.top == 0.5
    assert charts.bars([], []).bars == ()
