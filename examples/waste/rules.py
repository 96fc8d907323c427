"""Reads the city's rules for collection days (「毎週火・金曜日」「第２・４月曜日」) and turns them into dates."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from examples.kit.card import Texts

WEEKDAYS = "月火水木金土日"
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ORDINALS = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 5: "5th"}
_WEEKLY = re.compile(rf"毎週([{WEEKDAYS}](?:・[{WEEKDAYS}])*)曜日?")
_MONTHLY = re.compile(rf"第([1-5](?:・第?[1-5])*)([{WEEKDAYS}])曜日?")


class RuleError(ValueError):
    """A rule of the table cannot be read; the message quotes it."""


@dataclass(frozen=True)
class Rule:
    """Weekdays (0 = Monday), on every week or on the given weeks of the month only."""

    weekdays: tuple[int, ...]
    weeks: tuple[int, ...] = ()

    def on(self, day: date) -> bool:
        """Whether there is a collection on this day. Week 2 = the second such weekday of the month."""
        if day.weekday() not in self.weekdays:
            return False
        return not self.weeks or (day.day - 1) // 7 + 1 in self.weeks

    def texts(self) -> Texts:
        """The rule in words."""
        ja = "・".join(WEEKDAYS[day] for day in self.weekdays)
        simple = "と ".join(f"{WEEKDAYS[day]}曜日（{_KANA[day]}ようび）" for day in self.weekdays)
        en = " and ".join(WEEKDAY_NAMES[day] for day in self.weekdays)
        if not self.weeks:
            return {"ja": f"毎週{ja}曜日", "ja-simple": f"毎週（まいしゅう） {simple}", "en": f"Every {en}"}
        return {
            "ja": f"第{'・'.join(str(week) for week in self.weeks)}{ja}曜日",
            "ja-simple": f"月の {'と '.join(f'{week}回目（かいめ）' for week in self.weeks)}の {simple}",
            "en": f"{' and '.join(ORDINALS[week] for week in self.weeks)} {en} of the month",
        }


_KANA = ("げつ", "か", "すい", "もく", "きん", "ど", "にち")


def parse(raw: str) -> Rule:
    """Reads one cell of the table; raises RuleError when any of it is not understood."""
    plain = unicodedata.normalize("NFKC", raw).replace(" ", "")
    if match := _WEEKLY.fullmatch(plain):
        return Rule(tuple(sorted(WEEKDAYS.index(day) for day in match[1].split("・"))))
    if match := _MONTHLY.fullmatch(plain):
        weeks = tuple(sorted(int(week) for week in match[1].replace("第", "").split("・")))
        return Rule((WEEKDAYS.index(match[2]),), weeks)
    raise RuleError(f"the rule {raw!r} cannot be read")


def collections(
    rules: Sequence[tuple[str, Rule]], *, start: date, days: int
) -> list[tuple[date, tuple[str, ...]]]:
    """The collection days from `start` on, each with the classes of waste collected."""
    out = []
    for offset in range(days):
        day = start + timedelta(days=offset)
        classes = tuple(name for name, rule in rules if rule.on(day))
        if classes:
            out.append((day, classes))
    return out
