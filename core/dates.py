"""Reads dates and times as people in Japan write them; what would need a guess is refused; pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
YEARS = range(1900, 2201)
WEEKDAYS = "月火水木金土日"

_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DATE_KANJI = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_DATE_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DATE_ERA = re.compile(r"(令和|平成|昭和|R|H|S)(\d{1,2}|元)[年.](\d{1,2})[月.](\d{1,2})日?")
_WEEKDAY = re.compile(rf"\(([{WEEKDAYS}])(?:曜日?)?\)$")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_TIME_KANJI = re.compile(r"(\d{1,2})時(?:(\d{1,2})分)?")
_MOMENT = re.compile(r"(.*\d|.*日|.*\))(?:T| |(?<=[日)]))\s*(\d{1,2}(?::\d{2}(?::\d{2})?|時(?:\d{1,2}分)?))")

_ = str  # marks a sentence for the catalogue; forms translate it

REFUSALS = {
    "date": _("日付は 2026-04-19 のように書いてください。"),
    "no_such_date": _("この日付は暦にありません。"),
    "weekday": _("曜日が日付と合いません。"),
    "year": _("年は 1900 から 2200 までです。"),
    "time": _("時刻は 09:30 のように書いてください。"),
    "no_such_time": _("この時刻はありません（00:00 から 23:59 まで）。"),
    "midnight": _("24:00 は次の日の 00:00 です。終わりなら、終了日を次の日にして 00:00 と書いてください。"),
    "moment": _("日付と時刻を 2026-04-19 09:30 のように書いてください。"),
}
"""Why a value is refused, by code, in Japanese; forms translate them."""


class BadValueError(ValueError):
    """The value cannot be read without guessing; the sentence says what is expected."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


def _refused(code: str) -> BadValueError:
    return BadValueError(REFUSALS[code], code)


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """A value and, when the cell was not written as the standard says, why it could be read all the same."""

    value: T
    why: str = ""


def narrow(raw: str) -> str:
    """Full-width digits and signs as half-width ones; the horizontal bar that stands for a hyphen too."""
    return unicodedata.normalize("NFKC", raw).replace("―", "-").replace("−", "-").strip()


def day(raw: str) -> Parsed[date]:
    """A date as YYYY-MM-DD; also with slashes, 年月日, eight digits or an era, which are listed as repairs."""
    text = re.sub(r"\s+", "", narrow(raw).replace("ー", "-").replace("‐", "-"))
    weekday = _WEEKDAY.search(text)
    value = _date(text[: weekday.start()] if weekday else text)
    if weekday and WEEKDAYS[value.weekday()] != weekday[1]:
        raise _refused("weekday")
    return Parsed(value, "" if raw == value.isoformat() else "日付の書き方を揃えました。")


def _date(text: str) -> date:
    found = _DATE.fullmatch(text) or _DATE_KANJI.fullmatch(text) or _DATE_COMPACT.fullmatch(text)
    if found:
        year, month, number = (int(part) for part in found.groups())
    elif era := _DATE_ERA.fullmatch(text):
        name, years, *rest = era.groups()
        year = ERAS[name] + (1 if years == "元" else int(years))
        month, number = int(rest[0]), int(rest[1])
    else:
        raise _refused("date")
    if year not in YEARS:
        raise _refused("year")
    try:
        return date(year, month, number)
    except ValueError:
        raise _refused("no_such_date") from None


def clock(raw: str, *, seconds: bool = False) -> Parsed[time]:
    """A time as HH:MM; also H:MM, HH:MM:00 and 10時30分; other seconds than 00 only where they are asked for."""
    hour, minute, second = _clock(re.sub(r"\s+", "", narrow(raw)))
    if second and not seconds:
        raise _refused("time")
    if (hour, minute, second) == (24, 0, 0):
        raise _refused("midnight")
    try:
        value = time(hour, minute, second)
    except ValueError:
        raise _refused("no_such_time") from None
    return Parsed(value, "" if raw == f"{value:%H:%M}" else "時刻の書き方を揃えました。")


def _clock(text: str) -> tuple[int, int, int]:
    found = _TIME.fullmatch(text) or _TIME_KANJI.fullmatch(text)
    if not found:
        raise _refused("time")
    return int(found[1]), int(found[2] or 0), int(found[3] or 0) if found.re is _TIME else 0


def moment(raw: str) -> Parsed[datetime]:
    """A day and a time of it, without a zone; 24:00 is the beginning of the next day. A day alone is refused."""
    text = narrow(raw)
    found = _MOMENT.fullmatch(text)
    if not found:
        if text:
            day(text.partition(" ")[0].partition("T")[0])  # says what is wrong with the date, when that is it
        raise _refused("moment")
    on = day(found[1]).value
    if _clock(found[2]) == (24, 0, 0):
        return Parsed(
            datetime.combine(on + timedelta(days=1), time.min), "24:00 を次の日の 00:00 としました。"
        )
    value = datetime.combine(on, clock(found[2], seconds=True).value)
    same = raw.replace("T", " ") in {f"{value:%Y-%m-%d %H:%M}", f"{value:%Y-%m-%d %H:%M:%S}"}
    return Parsed(value, "" if same else "日時の書き方を揃えました。")
