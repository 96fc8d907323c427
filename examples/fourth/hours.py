"""Opening hours of Takamatsu's libraries, from the city's own table."""

import csv
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

from examples.kit.card import Texts

DATA = Path(__file__).parent / "data" / "library_0035.csv"
WEEKDAYS = "月火水木金土日"
SATURDAY = 5
NAMES: dict[str, Texts] = {
    "高松市中央図書館": {"en": "Central Library", "ja-simple": "中央（ちゅうおう）図書館"},
    "高松市牟礼図書館": {"en": "Mure Library", "ja-simple": "牟礼（むれ）図書館"},
    "高松市香川図書館": {"en": "Kagawa Library", "ja-simple": "香川（かがわ）図書館"},
    "高松市国分寺図書館": {"en": "Kokubunji Library", "ja-simple": "国分寺（こくぶんじ）図書館"},
    "高松市夢みらい図書館": {"en": "Yume Mirai Library", "ja-simple": "夢（ゆめ）みらい図書館"},
}
_WEEKEND = re.compile(r"土日祝は(\d{1,2}):(\d{2})まで")


class HoursError(ValueError):
    """The table cannot be read; the message names the line."""


@dataclass(frozen=True)
class Library:
    """One library: on which weekdays it opens, and until when."""

    name: Texts
    weekdays: frozenset[int]
    opens: time
    closes: time
    closes_weekend: time

    def hours(self, day: date) -> tuple[time, time] | None:
        """Usual hours of this weekday; None when it is closed. Public holidays are not in the table."""
        if day.weekday() not in self.weekdays:
            return None
        return self.opens, self.closes_weekend if day.weekday() >= SATURDAY else self.closes


def load(table: Path = DATA) -> list[Library]:
    """Reads the table; raises HoursError naming the line that cannot be read."""
    out = []
    with table.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            try:
                out.append(_library(row))
            except ValueError as error:
                raise HoursError(f"line {reader.line_num}: {error}") from error
    return out


def _library(row: dict[str, str]) -> Library:
    opens, closes = time.fromisoformat(row["startTime"]), time.fromisoformat(row["endTime"])
    weekend = _WEEKEND.search(unicodedata.normalize("NFKC", row["availableDateNote"]))
    return Library(
        name={"ja": row["name"], **NAMES.get(row["name"], {})},
        weekdays=frozenset(WEEKDAYS.index(day) for day in row["availableDate"]),
        opens=opens,
        closes=closes,
        closes_weekend=time(int(weekend[1]), int(weekend[2])) if weekend else closes,
    )
