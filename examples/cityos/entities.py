"""The entities that the broker holds: replayed river levels, and the city's libraries from its open data."""

import csv
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from examples.fourth.hours import DATA as LIBRARIES
from examples.river.record import Station, reading

Entity = dict[str, Any]
CONTEXT = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
STATIONS_AT = {
    "9": (34.2815, 134.0510),
    "124": (34.3405, 134.1050),
    "1": (34.3310, 134.0450),
    "30": (34.2970, 133.9650),
    "4": (34.2420, 134.0360),
}
"""Where this sample puts the stations of Fukui, so that each district of Takamatsu has a nearest one."""


def levels(stations: Sequence[Station], now: datetime) -> list[Entity]:
    """The newest reading of each station; where there is no value, the attribute is not there, never 0."""
    found = []
    for station in stations:
        one = reading(station, now)
        entity: Entity = {
            "id": f"urn:ngsi-ld:WaterLevelObserved:fukui-{station.id}",
            "type": "WaterLevelObserved",
            "name": _property(station.name["ja"]),
            "dateObserved": _property({"@type": "DateTime", "@value": one.observed.isoformat()}),
            "location": _place(*STATIONS_AT[station.id]),
            "dataProvider": _property("福井県の河川水位（Code for Fukui収集）を加工"),
            "license": _property("MIT"),
        }
        if one.value is not None:
            level = {"unitCode": "MTR", "observedAt": one.observed.isoformat()}
            entity["waterLevel"] = _property(one.value) | level
        found.append(entity)
    return found


def libraries() -> list[Entity]:
    """The city's libraries."""
    with LIBRARIES.open(encoding="utf-8", newline="") as file:
        return [
            {
                "id": f"urn:ngsi-ld:Library:takamatsu-{row['#property']}",
                "type": "Library",
                "name": _property(row["name"]),
                "address": _property(row["address"]),
                "telephone": _property(row["telephoneNumber"]),
                "location": _place(float(row["latitude"]), float(row["longitude"])),
                "dataProvider": _property("高松市オープンデータを加工"),
                "license": _property("CC BY 4.0"),
            }
            for row in csv.DictReader(file)
        ]


def _property(value: object) -> dict[str, Any]:
    return {"type": "Property", "value": value}


def _place(latitude: float, longitude: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, latitude]}}
