"""Reads single values of open lists: what is written oddly but provably is repaired, the rest is refused; pure."""

import re
from urllib.parse import urlsplit

from core.dates import BadValueError, Parsed, clock, day, narrow

__all__ = ["BadValueError", "Parsed", "clock", "day", "degrees", "point", "web"]

JAPAN = ((20.0, 46.0), (122.0, 154.0))
"""Bounds of latitude and longitude (degrees) within which every place of a Japanese list lies."""


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
