"""The recorded menu stands for today's weekday, and names what is in it."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from examples.lunch import card, provider
from examples.lunch.ingredients import INGREDIENTS, LIMIT, MANDATORY, contains, found
from examples.lunch.menu import Dish, Lunch, MenuError, load
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
        elif key not in ("beef", "shrimp", "crab", "buckwheat", "peanut", "walnut"):
            assert hits > 0, key


def lunch_of(*foods: str) -> Lunch:
    return Lunch(date(2026, 7, 6), (Dish("x", foods),))


@pytest.mark.parametrize(
    ("food", "key"),
    [("えびフライ", "shrimp"), ("むきエビ", "shrimp"), ("かにかま", "crab"), ("くるみ", "walnut"), ("小麦粉", "wheat"),
     ("焼きそばめん", "buckwheat"), ("鶏卵", "egg"), ("調理用牛乳", "milk"), ("ピーナッツ（粉）", "peanut"),
     ("いか（短冊）", "molluscs")],
)  # fmt: skip
def test_the_eight_allergens_of_food_labels_can_all_be_looked_for(food: str, key: str) -> None:
    assert len(set(MANDATORY)) == 8
    assert set(MANDATORY) <= set(INGREDIENTS)
    assert key in found(lunch_of(food), INGREDIENTS)


@pytest.mark.parametrize("locale", ["ja", "en", "ja-simple"])
def test_what_is_said_of_the_choice_is_the_same_wherever_it_is_said(locale: str) -> None:
    day = next(day for day in (date(2026, 11, 16) + timedelta(days=n) for n in range(14)) if MENU.on(day))
    hit, missed = (card.warnings(MENU, day, [key], locale) for key in ("milk", "peanut"))
    assert [block["type"] for block in hit] == ["notice", "notice", "text"]
    assert hit[-1]["text"] == LIMIT[locale]
    assert missed[0]["text"] == f"{card.NOT_FOUND[locale]} {LIMIT[locale]}"
    assert card.warnings(MENU, day, [], locale) == []
    for place in (card.FORM_INTRO[locale], provider.CHOOSE_WHY[locale]):
        assert place.endswith(LIMIT[locale])


def test_a_school_year_changes_what_is_shown() -> None:
    assert card.energy(["e3"], "ja") == [("小学校3年", 650)]
    assert card.energy(["e1", "e6", "j2"], "en") == [
        ("Elementary school year 1", 530), ("Elementary school year 6", 780), ("Junior high school year 2", 830),
    ]  # fmt: skip
    assert card.energy(["k3", "e9", "x", ""], "ja") == card.energy("e3", "ja") == []


def test_a_choice_that_became_several_goes_on_as_all_of_them(tmp_path: Path) -> None:
    wishes = Wishes(tmp_path)
    wishes._db.execute("INSERT INTO wish VALUES ('hanako', '[\"shellfish\", \"egg\"]')")
    assert wishes.of("hanako") == ("egg", "shrimp", "crab", "molluscs")


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
