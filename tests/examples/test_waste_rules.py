"""The city's rules for collection days become the right dates."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.waste.rules import WEEKDAYS, Rule, RuleError, collections, parse
from examples.waste.zones import CLASSES, load


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("毎週火・金曜日", Rule((1, 4))),
        ("毎週水曜日", Rule((2,))),
        ("第２・４月曜日", Rule((0,), (2, 4))),
        ("第1・第3木曜日", Rule((3,), (1, 3))),
        (" 第５ 土曜日 ", Rule((5,), (5,))),
    ],
)
def test_a_rule_is_read(raw: str, rule: Rule) -> None:
    assert parse(raw) == rule


@pytest.mark.parametrize(
    "raw", ["", "火・金", "毎週", "第６月曜日", "毎週火・金曜日（祝日を除く）", "第2・4曜日"]
)
def test_a_rule_that_is_not_understood_is_quoted(raw: str) -> None:
    with pytest.raises(RuleError, match="cannot be read") as caught:
        parse(raw)
    assert repr(raw) in str(caught.value)


def test_the_second_and_fourth_monday_of_a_month() -> None:
    days = [day for day, _ in collections([("c", parse("第２・４月曜日"))], start=date(2026, 11, 1), days=30)]
    assert days == [date(2026, 11, 9), date(2026, 11, 23)]


def test_two_classes_on_one_day_stand_together() -> None:
    rules = [("a", parse("毎週火・金曜日")), ("b", parse("第4火曜日"))]
    assert collections(rules, start=date(2026, 11, 24), days=2) == [(date(2026, 11, 24), ("a", "b"))]


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 6), st.integers(1, 4))
def test_a_monthly_rule_comes_exactly_once_a_month(day: date, weekday: int, week: int) -> None:
    rule = parse(f"第{week}{WEEKDAYS[weekday]}曜日")
    first = day.replace(day=1)
    hits = [one for one, _ in collections([("c", rule)], start=first, days=28) if one.month == first.month]
    assert len(hits) == 1
    assert hits[0].weekday() == weekday


def test_every_rule_of_the_citys_table_is_read() -> None:
    zones = load()
    assert sorted(zones) == [str(n) for n in range(1, 9)]
    assert all(set(zone.rules) == set(CLASSES) for zone in zones.values())
    assert all({"ja", "en", "ja-simple"} <= set(zone.districts) for zone in zones.values())
    assert zones["7"].rules["burnableGarbage"] == Rule((1, 4))
    assert zones["7"].rules["cansGlassPlastic"] == Rule((0,), (2, 4))


def test_a_rule_says_itself_in_three_languages() -> None:
    assert parse("第２・４月曜日").texts() == {
        "ja": "第2・4月曜日",
        "ja-simple": "月の 2回目（かいめ）と 4回目（かいめ）の 月曜日（げつようび）",
        "en": "2nd and 4th Monday of the month",
    }
    assert parse("毎週火・金曜日").texts()["en"] == "Every Tuesday and Friday"
