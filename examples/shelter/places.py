"""The evacuation spaces of the city's open data, and the nearest ones to the centre of a district."""

import csv
from dataclasses import dataclass
from functools import cache
from math import cos, hypot, radians
from pathlib import Path

DATA = Path(__file__).parent / "data"
SHOWN = 8
MIDDLE = "nibancho"
"""For whoever's district is not told: the city's centre."""
KM_PER_DEGREE = 111.32


@dataclass(frozen=True)
class Place:
    """One space. `capacity`: persons; None where the city names none. `km`: from the centre that was asked for."""

    name: str
    address: str
    latitude: float
    longitude: float
    capacity: int | None
    earthquake: bool
    km: float = 0.0

    def as_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class District:
    """One community district and its centre."""

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
    return tuple(
        Place(
            name=row["name"],
            address=row["address"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            capacity=int(row["capacity"]) if row["capacity"].isdecimal() else None,
            earthquake=row["earthquake"] == "○",
        )
        for row in _rows("evacuation_space_0060.csv")
        if row["latitude"] and row["longitude"]
    )


def near(district: object) -> tuple[District, tuple[Place, ...]]:
    """The nearest spaces, nearest first; a district that is not known is the city's centre."""
    known = districts()
    centre = known.get(str(district)) or known.get(MIDDLE) or next(iter(known.values()))

    def km(place: Place) -> float:
        east = (place.longitude - centre.longitude) * cos(radians(centre.latitude))
        return hypot(east, place.latitude - centre.latitude) * KM_PER_DEGREE

    found = sorted(places(), key=lambda place: (km(place), place.name))[:SHOWN]
    return centre, tuple(
        Place(
            one.name,
            one.address,
            one.latitude,
            one.longitude,
            one.capacity,
            one.earthquake,
            round(km(one), 1),
        )
        for one in found
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
