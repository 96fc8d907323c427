"""The lunch menu of July 2026 (Takamatsu), replayed onto the weekdays of today's week."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

DATA = Path(__file__).parent / "data"
YEAR = 2026
SCHOOL_DAYS = 5


class MenuError(ValueError):
    """The menu's table cannot be read; the message names the line."""


@dataclass(frozen=True)
class Dish:
    """One dish and what is in it, in the table's own words."""

    name: str
    ingredients: tuple[str, ...]


@dataclass(frozen=True)
class Lunch:
    """One day's lunch; `recorded` is the day in July 2026 it was really served."""

    recorded: date
    dishes: tuple[Dish, ...]


class Menu:
    """The recorded lunches, and which of them stands for a given day."""

    def __init__(self, lunches: Mapping[date, Lunch], english: Mapping[str, str]) -> None:
        self._english = english
        mondays = sorted({day - timedelta(days=day.weekday()) for day in lunches})
        weeks = [[lunches.get(monday + timedelta(days=i)) for i in range(SCHOOL_DAYS)] for monday in mondays]
        self._weeks = [[one for one in week if one] for week in weeks if all(week)]
        if not self._weeks:
            raise MenuError("the table holds no week with five lunches")

    def on(self, day: date) -> Lunch | None:
        """The lunch that is replayed on this day; None on Saturday and Sunday.

        Only the whole weeks of the table are used, in turn by ISO week number.
        """
        if day.weekday() >= SCHOOL_DAYS:
            return None
        return self._weeks[day.isocalendar().week % len(self._weeks)][day.weekday()]

    def week(self, day: date) -> list[tuple[date, Lunch]]:
        """Monday to Friday of this week, or of the next one when the day is at a weekend."""
        monday = day - timedelta(days=day.weekday())
        if day.weekday() >= SCHOOL_DAYS:
            monday += timedelta(days=7)
        days = [monday + timedelta(days=i) for i in range(SCHOOL_DAYS)]
        return [(one, lunch) for one in days if (lunch := self.on(one))]

    def next_day(self, day: date) -> tuple[date, Lunch]:
        """The first day after this one that has a lunch."""
        later = (day + timedelta(days=i) for i in range(1, 8))
        return next((one, lunch) for one in later if (lunch := self.on(one)))

    def dish_name(self, dish: Dish, locale: str) -> str:
        """The dish's name; English ones are this project's own."""
        return self._english.get(dish.name, dish.name) if locale == "en" else dish.name


def load(table: Path = DATA / "school_lunch_menu_0084_202607.csv") -> Menu:
    """Reads the table; raises MenuError naming the line that cannot be read."""
    days: dict[date, dict[str, list[str]]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            if not (row.get("lunchDay") or "").strip():
                continue
            day = _day(row["lunchDay"], reader.line_num)
            dishes = days.setdefault(day, {})
            dishes.setdefault(row["menuName"].strip(), []).append(row["foodName"].strip())
    lunches = {
        day: Lunch(day, tuple(Dish(name, tuple(foods)) for name, foods in dishes.items()))
        for day, dishes in days.items()
    }
    return Menu(lunches, json.loads((DATA / "dish_names_en.json").read_text(encoding="utf-8")))


def _day(raw: str, line: int) -> date:
    """「7/1」 has no year in the table; its file name says 2026."""
    month, _, day = raw.strip().partition("/")
    try:
        return date(YEAR, int(month), int(day))
    except ValueError as error:
        raise MenuError(f"line {line}: the day {raw!r} cannot be read") from error
