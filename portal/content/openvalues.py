"""Reads single values of open lists: what is written oddly but provably is repaired, the rest is refused; pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, time
from typing import Generic, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
JAPAN = ((20.0, 46.0), (122.0, 154.0))
"""Bounds of latitude and longitude (degrees) within which every place of a Japanese list lies."""

_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DATE_KANJI = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_DATE_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DATE_ERA = re.compile(r"(令和|平成|昭和|R|H|S)(\d{1,2}|元)[年.](\d{1,2})[月.](\d{1,2})日?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")
_TIME_KANJI = re.compile(r"(\d{1,2})時(?:(\d{1,2})分)?")


class BadValueError(ValueError):
    """The value cannot be read without guessing; the sentence says what is expected."""


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
    text = narrow(raw)
    found = _DATE.fullmatch(text) or _DATE_KANJI.fullmatch(text) or _DATE_COMPACT.fullmatch(text)
    if found:
        year, month, number = (int(part) for part in found.groups())
    elif era := _DATE_ERA.fullmatch(text):
        name, years, *rest = era.groups()
        year = ERAS[name] + (1 if years == "元" else int(years))
        month, number = int(rest[0]), int(rest[1])
    else:
        raise BadValueError("日付は 2026-04-19 のように書いてください。")
    try:
        value = date(year, month, number)
    except ValueError:
        raise BadValueError("この日付は暦にありません。") from None
    return Parsed(value, "" if raw == value.isoformat() else "日付の書き方を揃えました。")


def clock(raw: str) -> Parsed[time]:
    """A time as HH:MM; also H:MM, HH:MM:00 and 10時30分."""
    text = narrow(raw)
    found = _TIME.fullmatch(text) or _TIME_KANJI.fullmatch(text)
    if not found:
        raise BadValueError("時刻は 09:30 のように書いてください。")
    try:
        value = time(int(found[1]), int(found[2] or 0))
    except ValueError:
        raise BadValueError("この時刻はありません（00:00 から 23:59 まで）。") from None
    return Parsed(value, "" if raw == f"{value:%H:%M}" else "時刻の書き方を揃えました。")


def degrees(raw: str) -> float:
    """A number of degrees."""
    try:
        return float(narrow(raw))
    except ValueError:
        raise BadValueError("緯度・経度は数字で書いてください。") from None


def point(latitude: float, longitude: float) -> Parsed[tuple[float, float] | None]:
    """A place in Japan; a swapped pair is turned round, one that is provably no place of Japan is left out."""
    (south, north), (west, east) = JAPAN
    if south <= latitude <= north and west <= longitude <= east:
        return Parsed((latitude, longitude))
    if south <= longitude <= north and west <= latitude <= east:
        return Parsed((longitude, latitude), "緯度と経度が入れ替わっていたため、戻しました。")
    if latitude == longitude == 0:
        return Parsed(None, "0,0 は日本の地点ではないため、位置なしとしました。")
    if latitude == longitude:
        return Parsed(None, "緯度と経度が同じ値のため、位置なしとしました。")
    return Parsed(None, "日本の範囲の外のため、位置なしとしました。")


def web(raw: str) -> Parsed[str]:
    """An address that begins with http:// or https://."""
    text = raw.strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        raise BadValueError("URL として読めません。") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", text):
        raise BadValueError("URL は https:// から書いてください。")
    return Parsed(text, "" if text == raw else "前後の空白・改行を除きました。")
