"""The recorded menu stands for today's weekday, and names what is in it."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from examples.lunch.ingredients import INGREDIENTS, contains, found
from examples.lunch.menu import MenuError, load
from examples.lunch.wishes import Wishes

MENU = load()


def test_each_weekday_replays_the_same_weekday() -> None:
    for offset in range(28):
        day = date(2026, 11, 2) + timedelta(days=offset)
        lunch = MENU.on(day)
        if day.weekday() >= 5:
            assert lunch is None
        else:
            assert lunch is not None
            assert lunch.recorded.weekday() == day.weekday()


def test_the_whole_weeks_take_turns() -> None:
    first, second = MENU.on(date(2026, 11, 16)), MENU.on(date(2026, 11, 23))
    assert first is not None
    assert second is not None
    assert {first.recorded, second.recorded} == {date(2026, 7, 6), date(2026, 7, 13)}
    assert MENU.on(date(2026, 11, 30)) == first


def test_a_weekend_shows_the_next_week() -> None:
    assert next(day for day, _ in MENU.week(date(2026, 11, 22))) == date(2026, 11, 23)
    assert MENU.next_day(date(2026, 11, 20))[0] == date(2026, 11, 23)


def test_every_dish_has_an_english_name() -> None:
    for day, lunch in [*MENU.week(date(2026, 11, 16)), *MENU.week(date(2026, 11, 23))]:
        assert all(MENU.dish_name(dish, "en").isascii() for dish in lunch.dishes), day


def test_ingredients_are_found_by_the_menus_own_words() -> None:
    curry = next(one for _, one in MENU.week(date(2026, 11, 23)) if one.recorded == date(2026, 7, 8))
    assert [dish.name for dish in contains(curry, "pork")] == ["夏野菜カレーライス"]
    assert found(curry, ["beef", "milk", "pork", "unknown"]) == ["milk", "pork"]


def test_each_choice_is_in_some_lunch_and_not_in_all_but_milk() -> None:
    lunches = [one for day in (date(2026, 11, 16), date(2026, 11, 23)) for _, one in MENU.week(day)]
    for key in INGREDIENTS:
        hits = sum(bool(contains(lunch, key)) for lunch in lunches)
        if key == "milk":
            assert hits == len(lunches)
        elif key != "beef":
            assert hits > 0, key


def test_a_day_that_is_no_date_names_its_line(tmp_path: Path) -> None:
    table = tmp_path / "menu.csv"
    table.write_text(
        "#property,lunchDay,menuName,foodName,quantity\n1,7/1,a,b,1\n2,7/32,a,b,1\n", encoding="utf-8"
    )
    with pytest.raises(MenuError, match=r"line 3: the day '7/32'"):
        load(table)


def test_a_table_without_a_whole_week_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "menu.csv"
    table.write_text("#property,lunchDay,menuName,foodName,quantity\n1,7/1,a,b,1\n", encoding="utf-8")
    with pytest.raises(MenuError, match="no week"):
        load(table)


def test_wishes_outlive_the_process_and_can_be_taken_back(tmp_path: Path) -> None:
    wishes = Wishes(tmp_path)
    wishes.keep("hanako", ["pork", "nonsense", "egg"])
    wishes.close()
    again = Wishes(tmp_path)
    assert again.of("hanako") == ("egg", "pork")
    assert again.of("taro") == ()
    assert again.of(None) == ()
    again.keep("hanako", [])
    assert again.of("hanako") == ()
    again.close()
