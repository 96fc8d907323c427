"""Places for `near`: the middle of a district, the middle of the region, distances between points; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import asin, cos, radians, sin, sqrt
from typing import Any

from identity.attributes import DISTRICTS

EARTH = 6_371_000.0


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees (WGS 84)."""

    latitude: float
    longitude: float


def middle_of(district: str) -> Point | None:
    """The middle of a district: the finest place that ever leaves the portal; None for one without."""
    found = DISTRICTS.get(district)
    return Point(*found.point) if found is not None and found.point is not None else None


@cache
def middle_of_region() -> Point:
    """What is near to somebody of whom nothing is known: the mean of all districts' middles."""
    points = [district.point for district in DISTRICTS.values() if district.point is not None]
    return Point(sum(at for at, _ in points) / len(points), sum(at for _, at in points) / len(points))


def metres(one: Point, other: Point) -> float:
    """The distance on the globe (haversine)."""
    up, across = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    half = sin(up / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(across / 2) ** 2
    return 2 * EARTH * asin(sqrt(half))


def point_of(entity: Mapping[str, Any]) -> Point | None:
    """Where an entity says it is; None when it does not, or not by a point."""
    location = entity.get("location")
    value = location.get("value") if isinstance(location, Mapping) else None
    at = value.get("coordinates") if isinstance(value, Mapping) and value.get("type") == "Point" else None
    if not isinstance(at, list) or len(at) < 2:
        return None
    longitude, latitude = at[0], at[1]
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in at[:2])
    if not numbers or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return Point(float(latitude), float(longitude))
