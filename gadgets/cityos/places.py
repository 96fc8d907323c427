"""Places for `near`: the middle of a district, the middle of the region, distances between points; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import asin, cos, radians, sin, sqrt
from typing import Any

from gadgets.cityos.normal_form import centre_of
from identity.domain.attributes import DISTRICTS

EARTH = 6_371_000.0


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees (WGS 84)."""

    latitude: float
    longitude: float


def middle_of(district: str) -> Point | None:
    """The middle of a district: the finest place that ever leaves the portal; None for one without."""
    found = DISTRICTS.get(district)
    return Point(*found.middle) if found is not None and found.middle is not None else None


@cache
def middle_of_region() -> Point:
    """What is near to somebody of whom nothing is known: the mean of all districts' middles."""
    points = [district.middle for district in DISTRICTS.values() if district.middle is not None]
    return Point(sum(at for at, _ in points) / len(points), sum(at for _, at in points) / len(points))


def metres(one: Point, other: Point) -> float:
    """The distance on the globe (haversine)."""
    up, across = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    half = sin(up / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(across / 2) ** 2
    return 2 * EARTH * asin(sqrt(half))


def point_of(entity: Mapping[str, Any]) -> tuple[Point, bool] | None:
    """Where an entity says it is, and whether that is the middle of an area; None when it does not say."""
    location = entity.get("location")
    found = centre_of(location.get("value")) if isinstance(location, Mapping) else None
    if found is None:
        return None
    (longitude, latitude), middle = found
    return Point(latitude, longitude), middle
