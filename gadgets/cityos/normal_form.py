"""Brings the forms in which brokers answer an entity of NGSI-LD into one; pure.

ETSI GS CIM 009 lets a broker answer the same entity in several forms: attributes as lists of instances (4.5.5),
types as lists or as expanded IRIs, texts by language (4.5.18), simplified and concise values (4.5.4, 4.5.20). After
this module an attribute is a mapping with `value` or `object`, or AMBIGUOUS where several instances are there and
none is the default.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gadgets.cityos.pointers import AMBIGUOUS

DEFAULT_CONTEXT = "https://uri.etsi.org/ngsi-ld/default-context/"
_CORE = "https://uri.etsi.org/ngsi-ld/"
_VALUES = ("valueList", "vocab", "json", "objectList")
_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")

Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ByLanguage:
    """A text in several languages: language tags to texts; `@none` is of no language."""

    texts: Mapping[str, str]

    def pick(self, locale: str) -> str:
        """The text for a reader; one of another language rather than none."""
        for wanted in (locale, locale.partition("-")[0], "ja", "@none"):
            if wanted in self.texts:
                return self.texts[wanted]
        return next(iter(self.texts.values()))


def normal(entity: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """The entity with `type` = `kind`; None when it is none of that type or has no id."""
    short = {_short(key): value for key, value in entity.items()}
    types = short.get("type", short.get("@type"))
    named = [types] if isinstance(types, str) else types if isinstance(types, list) else []
    if kind not in [_short(one) for one in named if isinstance(one, str)]:
        return None
    found: dict[str, Any] = {"id": short.get("id", short.get("@id")), "type": kind}
    if not isinstance(found["id"], str):
        return None
    for name, raw in short.items():
        if name not in ("id", "type", "@id", "@type", "@context", "scope"):
            attribute = _attribute(raw)
            if attribute is not None:
                found[name] = attribute
    return found


def _short(name: str) -> str:
    return name.removeprefix(DEFAULT_CONTEXT).removeprefix(_CORE)


def _attribute(raw: Any) -> Any:
    """A mapping with `value` or `object`, AMBIGUOUS, or None where nothing can be read."""
    if isinstance(raw, list) and raw and all(_is_instance(one) for one in raw):
        # The instance without datasetId is the default one (4.5.5); none of the others may stand for it by chance.
        plain = [one for one in raw if "datasetId" not in one]
        return _attribute(plain[0]) if len(plain) == 1 else AMBIGUOUS
    if not _is_instance(raw):
        return None if raw is None else {"value": raw}
    found = dict(raw)
    if isinstance(found.get("languageMap"), Mapping):
        texts = {str(tag): text for tag, one in found["languageMap"].items() if (text := _text(one))}
        return {**found, "value": ByLanguage(texts)} if texts else None
    for name in _VALUES:
        if name in found and "value" not in found:
            found["value"] = found[name]
    return found


def _is_instance(raw: Any) -> bool:
    """Whether it is an attribute in its long or concise form, and not a bare value such as a geometry."""
    if not isinstance(raw, Mapping):
        return False
    return any(name in raw for name in ("value", "object", "languageMap", "datasetId", *_VALUES))


def _text(raw: Any) -> str:
    found = next(iter(raw), "") if isinstance(raw, list) else raw
    return found if isinstance(found, str) else ""


def centre_of(geometry: Any) -> tuple[Position, bool] | None:
    """(longitude, latitude) of a GeoJSON geometry, and whether it is the middle of something larger than a point.

    Of areas the centroid (holes taken out), of lines and groups of points the mean of their positions. None where
    the geometry cannot be read or lies outside the globe.
    """
    if not isinstance(geometry, Mapping) or geometry.get("type") not in _GEOMETRIES:
        return None
    kind, at = geometry["type"], geometry.get("coordinates") or []
    points = list(_positions(at))
    if not points or any(abs(x) > 180 or abs(y) > 90 for x, y in points):
        return None
    if kind == "Point":
        return points[0], False
    rings: Sequence[Any] = at if kind == "Polygon" else []
    if kind == "MultiPolygon":
        rings = [ring for polygon in at if isinstance(polygon, list) for ring in polygon]
    return _centroid(rings) or _mean(points), True


def _positions(at: Any) -> Iterator[Position]:
    if not isinstance(at, list):
        return
    if len(at) >= 2 and all(isinstance(one, int | float) and not isinstance(one, bool) for one in at[:2]):
        yield float(at[0]), float(at[1])
        return
    for inner in at:
        yield from _positions(inner)


def _mean(points: Sequence[Position]) -> Position:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _centroid(rings: Sequence[Any]) -> Position | None:
    """Of areas given by rings, the holes running the other way round (RFC 7946, 3.1.6); None without an area."""
    area = east = north = 0.0
    for ring in rings:
        points = list(_positions(ring))
        for (x1, y1), (x2, y2) in pairwise(points):
            cross = x1 * y2 - x2 * y1
            area += cross
            east += (x1 + x2) * cross
            north += (y1 + y2) * cross
    return (east / (3 * area), north / (3 * area)) if abs(area) > 1e-12 else None
