"""The river levels of Fukui on 2023-07-13, replayed onto the time of day now."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from examples.kit.card import Texts

DATA = Path(__file__).parent / "data"
STALE_AFTER = timedelta(minutes=30)
LEVELS = ("水防団待機水位", "はん濫注意水位", "避難判断水位", "はん濫危険水位")
SHOWN = ("9", "124", "1", "30", "4")
NAMES: Mapping[str, Texts] = {
    "9": {"ja": "荒川 原目", "ja-simple": "荒川（あらかわ）の 原目（はらめ）", "en": "Arakawa at Harame"},
    "124": {
        "ja": "天王川 江波",
        "ja-simple": "天王川（てんのうがわ）の 江波（えなみ）",
        "en": "Tenno River at Enami",
    },
    "1": {
        "ja": "足羽川 九十九橋",
        "ja-simple": "足羽川（あすわがわ）の 九十九橋（つくもばし）",
        "en": "Asuwa River at Tsukumo Bridge",
    },
    "30": {
        "ja": "竹田川 川上",
        "ja-simple": "竹田川（たけだがわ）の 川上（かわかみ）",
        "en": "Takeda River at Kawakami",
    },
    "4": {
        "ja": "日野川 江端川水門",
        "ja-simple": "日野川（ひのがわ）の 江端川（えばたがわ） 水門（すいもん）",
        "en": "Hino River at Ebata Gate",
    },
}


class RecordError(ValueError):
    """The record cannot be read; the message names file and line."""


@dataclass(frozen=True)
class Station:
    """One gauge. `thresholds` in metres for the levels 1 to 4; None where none is set."""

    id: str
    name: Texts
    thresholds: tuple[float | None, ...]
    readings: tuple[tuple[time, float | None], ...]

    @property
    def has_thresholds(self) -> bool:
        """Whether any level is set at all."""
        return any(one is not None for one in self.thresholds)


@dataclass(frozen=True)
class Reading:
    """The newest reading at a moment; a missing value is None. `last_good` stands in for it, with its time."""

    value: float | None
    observed: datetime
    status: str
    last_good: tuple[datetime, float] | None = None


def load(folder: Path = DATA) -> tuple[Station, ...]:
    """The stations that the card shows; raises RecordError naming the line that cannot be read."""
    readings: dict[str, list[tuple[time, float | None]]] = {one: [] for one in SHOWN}
    levels = folder / "levels_2023-07-13.csv"
    with levels.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            if row["id"] in readings:
                place = f"{levels.name} line {reader.line_num}"
                readings[row["id"]].append((_time(row["日時"], place), _metres(row["河川水位"], place)))
    stations = {}
    with (folder / "stations.csv").open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            if row["id"] in readings:
                place = f"stations.csv line {reader.line_num}"
                stations[row["id"]] = Station(
                    id=row["id"],
                    name=NAMES[row["id"]],
                    thresholds=tuple(_metres(row[level], place) for level in LEVELS),
                    readings=tuple(sorted(readings[row["id"]], key=lambda one: one[0])),
                )
    if missing := [one for one in SHOWN if one not in stations or not readings[one]]:
        raise RecordError(f"no record of the stations {', '.join(missing)}")
    return tuple(stations[one] for one in SHOWN)


def reading(station: Station, now: datetime) -> Reading:
    """The newest reading at this time of day; before the first one, the last of the day before."""
    past = _replayed(station.readings, now)
    observed, value = past[-1]
    if value is None:
        good = next(((at, one) for at, one in reversed(past) if one is not None), None)
        return Reading(None, observed, "not_available", good)
    return Reading(value, observed, "old" if now - observed > STALE_AFTER else "current")


def level_of(station: Station, value: float) -> int:
    """The highest level (1 to 4) whose threshold is set and reached; 0 below all of them."""
    reached = [n for n, at in enumerate(station.thresholds, start=1) if at is not None and value >= at]
    return max(reached, default=0)


def next_change(stations: Sequence[Station], now: datetime) -> datetime:
    """When the card changes next: a new reading, or one that becomes old."""
    moments = []
    for station in stations:
        for days in (0, 1):
            for at, _ in station.readings:
                observed = datetime.combine(now.date() + timedelta(days=days), at, now.tzinfo)
                moments += [observed, observed + STALE_AFTER + timedelta(seconds=1)]
    return min(moment for moment in moments if moment > now)


def _replayed(
    readings: Sequence[tuple[time, float | None]], now: datetime
) -> list[tuple[datetime, float | None]]:
    out = []
    for days in (-1, 0):
        day = now.date() + timedelta(days=days)
        out += [(datetime.combine(day, at, now.tzinfo), value) for at, value in readings]
    return [(at, value) for at, value in out if at <= now]


def _time(raw: str, place: str) -> time:
    try:
        return datetime.fromisoformat(raw).time()
    except ValueError as error:
        raise RecordError(f"{place}: the time {raw!r} cannot be read") from error


def _metres(raw: str, place: str) -> float | None:
    """A number, or None for what the record writes as missing: empty, "*" or "---"."""
    plain = raw.strip()
    if plain in {"", "*", "---"}:
        return None
    try:
        return float(plain)
    except ValueError as error:
        raise RecordError(f"{place}: the number {raw!r} cannot be read") from error
