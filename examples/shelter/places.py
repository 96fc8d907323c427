"""The evacuation spaces of the city's open data: for which hazards each may be used, and which are near a district."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import cos, hypot, radians
from pathlib import Path

from examples.kit.card import Texts

DATA = Path(__file__).parent / "data"
SHOWN = 8
KM_PER_DEGREE = 111.32

YES, CONDITION, NO, UNKNOWN = "yes", "condition", "no", "unknown"
"""What the city says of a place and a hazard: ○, △ (only some floors, say), ×, or nothing. Nothing is never a yes."""
_MARKS = {"○": YES, "△": CONDITION, "×": NO}

HAZARDS: Mapping[str, Texts] = {
    "flood_L2": {"ja": "洪水", "ja-simple": "川（かわ）の 水（みず）", "en": "flood"},
    "inundation": {"ja": "内水氾濫", "ja-simple": "町（まち）の 水（みず）", "en": "inland flooding"},
    "sedimentDisaster": {"ja": "土砂災害", "ja-simple": "がけくずれ", "en": "landslide"},
    "stormSurge": {"ja": "高潮", "ja-simple": "海（うみ）の 高（たか）い 水（みず）", "en": "storm surge"},
    "tunami": {"ja": "津波", "ja-simple": "津波（つなみ）", "en": "tsunami"},
    "earthquake": {"ja": "地震", "ja-simple": "地震（じしん）", "en": "earthquake"},
    "fire": {"ja": "大規模な火事", "ja-simple": "大（おお）きな 火事（かじ）", "en": "large fire"},
}
"""The columns of the city's table. Of the two for floods the one for the largest flood counts: it is the safer."""

_REMARK = re.compile(r"[(（]※(?P<remark>[^)）]*使用不可)[)）]")
CLOSED: Mapping[str, Texts] = {
    "改修工事中のため令和９年夏頃まで使用不可": {
        "ja": "改修工事中のため令和9年夏頃まで使えません",
        "ja-simple": "工事（こうじ）を して います。2027年の 夏（なつ）まで 使（つか）えません",
        "en": "closed for building work until about summer 2027",
    },
    "改修工事中のため当面の間使用不可": {
        "ja": "改修工事中のため当面の間使えません",
        "ja-simple": "工事（こうじ）を して います。今（いま）は 使（つか）えません",
        "en": "closed for building work for the time being",
    },
}
CLOSED_FOR_ANOTHER_REASON: Texts = {
    "ja": "いまは使えません",
    "ja-simple": "今（いま）は 使（つか）えません",
    "en": "closed at present",
}


@dataclass(frozen=True)
class Place:
    """One space. `capacity`: persons; None where the city names none. `km`: from a district's middle, None without one.

    `hazards`: for each of `HAZARDS` one of YES, CONDITION, NO and UNKNOWN. `closed`: why it cannot be used now.
    """

    name: str
    address: str
    latitude: float
    longitude: float
    capacity: int | None
    hazards: Mapping[str, str]
    closed: Texts | None = None
    km: float | None = None

    def as_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def fits(self, hazards: Sequence[str]) -> bool:
        """Whether it may be offered while these hazards are in force: open, and usable in each, if on a condition."""
        return self.closed is None and all(self.hazards[one] in (YES, CONDITION) for one in hazards)


@dataclass(frozen=True)
class District:
    """One community district and its middle."""

    code: str
    ja: str
    en: str
    latitude: float
    longitude: float


@cache
def districts() -> dict[str, District]:
    return {
        row["code"]: District(
            row["code"], row["ja"], row["en"], float(row["latitude"]), float(row["longitude"])
        )
        for row in _rows("districts.csv")
    }


@cache
def places() -> tuple[Place, ...]:
    """Every space of the table, in its order; a row without an address is a pin that was never filled in."""
    return tuple(
        _place(row) for row in _rows("evacuation_space_0060.csv") if row["latitude"] and row["address"]
    )


def _place(row: Mapping[str, str]) -> Place:
    found = _REMARK.search(row["name"])
    return Place(
        name=_REMARK.sub("", row["name"]).strip(),
        address=row["address"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        capacity=int(row["capacity"]) if row["capacity"].isdecimal() else None,
        hazards={name: _MARKS.get(row[name].strip(), UNKNOWN) for name in HAZARDS},
        closed=CLOSED.get(found["remark"], CLOSED_FOR_ANOTHER_REASON) if found else None,
    )


def district_of(code: object) -> District | None:
    """The district of a claim; None where none was told or it is not known here."""
    return districts().get(str(code))


def near(district: District) -> tuple[Place, ...]:
    """Every space with its distance from the middle of the district, the nearest first."""

    def km(place: Place) -> float:
        east = (place.longitude - district.longitude) * cos(radians(district.latitude))
        return hypot(east, place.latitude - district.latitude) * KM_PER_DEGREE

    placed = sorted(((km(place), place.name, place) for place in places()), key=lambda entry: entry[:2])
    return tuple(replace(place, km=round(away, 1)) for away, _, place in placed)


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
