"""Single values of open lists: what is repaired, and what is refused rather than guessed."""

from datetime import date, time

import pytest

from portal.imports import open_values as values


@pytest.mark.parametrize(
    "raw",
    [
        "2026/4/9",
        "2026.04.09",
        "20260409",
        "2026年4月9日",
        "２０２６−０４−０９",
        "令和8年4月9日",
        "R8.4.9",
        "R08.04.09",
    ],
)
def test_a_date_in_another_writing_is_read_and_said_to_be_repaired(raw: str) -> None:
    parsed = values.day(raw)
    assert parsed.value == date(2026, 4, 9)
    assert parsed.why


def test_a_date_as_the_standard_has_it_is_no_repair() -> None:
    assert values.day("2026-04-09") == values.Parsed(date(2026, 4, 9), "")


def test_eras_count_from_their_first_year() -> None:
    assert values.day("S38.01.14").value == date(1963, 1, 14)
    assert values.day("令和元年5月1日").value == date(2019, 5, 1)


@pytest.mark.parametrize(
    "raw", ["7/1", "2026-02-30", "8月5日（水）～8月16日（日）", "来週", "2026-13-01", "26-04-09"]
)
def test_a_date_that_needs_guessing_is_refused(raw: str) -> None:
    with pytest.raises(values.BadValueError):
        values.day(raw)


def test_times_are_read_in_three_writings() -> None:
    assert values.clock("09:30") == values.Parsed(time(9, 30), "")
    assert values.clock("9:30").value == values.clock("9時30分").value == time(9, 30)
    assert values.clock("9時").why


@pytest.mark.parametrize("raw", ["24:00", "午後3時", "10時ごろ", "9:75"])
def test_a_time_that_needs_guessing_is_refused(raw: str) -> None:
    with pytest.raises(values.BadValueError):
        values.clock(raw)


def test_a_swapped_point_is_turned_round_and_an_impossible_one_left_out() -> None:
    assert values.point(34.3, 134.0) == values.Parsed((34.3, 134.0), "")
    turned = values.point(134.0, 34.3)
    assert turned.value == (34.3, 134.0)
    assert turned.why
    for pair in ((0.0, 0.0), (34.3, 34.3), (51.5, -0.1)):
        parsed = values.point(*pair)
        assert parsed.value is None
        assert parsed.why


def test_a_number_with_words_is_no_coordinate() -> None:
    with pytest.raises(values.BadValueError):
        values.degrees("北緯34度")
    assert values.degrees("３４．３") == 34.3


@pytest.mark.parametrize(
    "raw", ["www.example.jp", "javascript:alert(1)", "https://", "http://a b/", "http://[x"]
)
def test_an_address_without_http_is_refused(raw: str) -> None:
    with pytest.raises(values.BadValueError):
        values.web(raw)


def test_a_line_end_after_an_address_is_taken_off_and_said() -> None:
    parsed = values.web("https://example.jp/a\n")
    assert parsed.value == "https://example.jp/a"
    assert parsed.why
