"""Days and times as they are written in each of the three languages; pure but for the region's time zone."""

from datetime import date, datetime

from core.region_time import region_local
from portal.content.pages.event_rules import names_its_end

_DAYS = {"ja": "月火水木金土日", "ja-simple": "月火水木金土日"}
_EN_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EN_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(value: date | datetime, locale: str) -> str:
    """2026年6月3日(水), or Wed 3 Jun 2026."""
    if isinstance(value, datetime):
        value = region_local(value).date()
    if locale == "en":
        return f"{_EN_DAYS[value.weekday()]} {value.day} {_EN_MONTHS[value.month - 1]} {value.year}"
    weekday = _DAYS.get(locale, _DAYS["ja"])[value.weekday()]
    return f"{value.year}年{value.month}月{value.day}日({weekday})"


def clock(value: datetime) -> str:
    """14:05, in the region's time."""
    return f"{region_local(value):%H:%M}"


def when(starts: datetime, ends: datetime | None, locale: str, *, all_day: bool) -> str:
    """The day or days of an event, and its hours where they are known; an end at 23:59 is none that anybody named."""
    first = day(starts, locale)
    last = day(ends, locale) if ends else first
    hour = "" if all_day else f" {clock(starts)}"
    dash = " – " if locale == "en" else "〜"
    named = not all_day and ends is not None and names_its_end(region_local(ends).time())
    until = f" {clock(ends)}" if ends and named else ""
    if first != last:
        return f"{first}{hour}{dash}{last}{until}"
    return (
        f"{first}{hour}{dash}{until.strip()}"
        if hour and ends and ends > starts and until
        else f"{first}{hour}"
    )


def later(count: int, last: date | datetime, locale: str) -> str:
    """How many days of an event follow the one that is named, and when the last of them is."""
    until = day(last, locale)
    if locale == "en":
        return f"{count} more, the last on {until}"
    if locale == "ja-simple":
        return f"ほかに {count}かい あります（さいごは {until}）"
    return f"ほかに{count}回（{until}まで）"
