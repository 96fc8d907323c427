"""The gateway in front of the context broker: reads under a contract only, and hands on what it covers, no more.

Type, attributes and number are the contract's and the manifest's, whatever the broker sends. `near` is the middle
of the resident's district where the claim was granted, else the middle of the region; never an address. Each read
is counted by day, gadget and type.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from core.region.current import current_region
from gadgets.cityos.normal_form import ByLanguage, normal
from gadgets.cityos.places import Point, metres, middle_of, middle_of_region, point_of
from gadgets.cityos.pointers import Data, Missing
from gadgets.cityos.source import ContextSource, Entity, Wish
from gadgets.cityos.template import NEAR_CLAIM
from gadgets.errors import NoContractError
from gadgets.models import Contract, DataRead
from gadgets.types import DataSpec, Source, Value

WITHIN = 50_000
"""Metres around a place in which something counts as near."""
MOST_READ = 100
"""How many entities are asked for, so that the nearest can be chosen: a broker gives them in no certain order."""
_KEPT = ("value", "object", "observedAt", "unitCode")
_ABOUT = ("location", "dataProvider", "license")
"""What is asked for besides, for choosing and for naming the source; a template sees it only if it declares it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A contract that holds: these attributes of this type. `publisher` is empty for the city's own data."""

    attrs: frozenset[str]
    publisher: str
    licence: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be read: each entry with where its nearest are looked for; `released` leaves the portal."""

    reads: tuple[tuple[DataSpec, Grant, Point | None], ...]
    released: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a template may see, and whose it is."""

    data: Data
    source: Source
    middles: bool = False
    """Whether an entity that covers an area was placed by its middle."""


def grants(gadget_id: str) -> Mapping[str, Grant]:
    """The contracts of a gadget that hold, by type of entity; one query."""
    rows = Contract.objects.filter(consumer__gadget_id=gadget_id, state=Contract.State.AGREED).select_related(
        "owner"
    )
    return {
        row.entity_type: Grant(frozenset(row.attrs), row.owner.name if row.owner else "", row.licence)
        for row in rows
    }


def plan(data: Sequence[DataSpec], claims: Mapping[str, Value], held: Mapping[str, Grant]) -> Plan:
    """What may be read; raises NoContractError where data that the gadget needs are not covered."""
    reads: list[tuple[DataSpec, Grant, Point | None]] = []
    district = claims.get(NEAR_CLAIM)
    at = middle_of(district) if isinstance(district, str) else None
    for spec in data:
        grant = held.get(spec.type)
        if grant is None or not set(spec.attrs) <= grant.attrs:
            if spec.need == "required":
                raise NoContractError
            continue
        around = (at or middle_of_region()) if spec.near else None
        reads.append((spec, grant, around))
    used = at is not None and any(spec.near for spec, _, _ in reads)
    return Plan(tuple(reads), (NEAR_CLAIM,) if used else ())


def read(planned: Plan, *, source: ContextSource, deadline: float, unstated: str) -> Found:
    """Asks the broker and hands on what the contracts cover; raises CityOsError. `unstated`: for a missing licence."""
    until = time.monotonic() + deadline
    data: dict[str, Sequence[Mapping[str, Any]]] = {}
    sources: list[tuple[str, str]] = []
    middles = False
    for spec, grant, around in planned.reads:
        asked = tuple(dict.fromkeys((*spec.attrs, *_ABOUT)))
        limit = MOST_READ if around else spec.most
        wish = Wish(spec.type, asked, limit, around, WITHIN)
        left = max(until - time.monotonic(), 0.05)
        chosen = _chosen(source.entities(wish, deadline=left), spec, around)
        sources.append(_source(grant, chosen, unstated))
        data[spec.name] = [_covered(entity, spec.attrs) for entity in chosen]
        placed = (point_of(entity) for entity in chosen if around or "location" in spec.attrs)
        middles = middles or any(at is not None and at[1] for at in placed)
    return Found(data, _together(sources, unstated), middles)


def _chosen(found: Sequence[Entity], spec: DataSpec, around: Point | None) -> list[Entity]:
    """Of the right type, the nearest first, at most as many as declared; the same for the same entities."""
    fitting = [one for one in (normal(raw, spec.type) for raw in found) if one is not None]
    if around is None:
        return sorted(fitting, key=lambda one: str(one["id"]))[: spec.most]
    placed = []
    for one in fitting:
        at = point_of(one)
        if at is not None and (away := metres(around, at[0])) <= WITHIN:
            placed.append((away, str(one["id"]), one))
    return [one for _, _, one in sorted(placed, key=lambda entry: entry[:2])[: spec.most]]


def _covered(entity: Entity, attrs: tuple[str, ...]) -> dict[str, Any]:
    """The id and the declared attributes, each with its value, time and unit, and nothing that hangs on them."""
    kept: dict[str, Any] = {"id": entity["id"]}
    for name in attrs:
        attribute = entity.get(name)
        if isinstance(attribute, Missing):
            kept[name] = attribute
        elif isinstance(attribute, Mapping):
            kept[name] = {key: attribute[key] for key in _KEPT if key in attribute}
    location, at = kept.get("location"), point_of(entity)
    if isinstance(location, dict) and at is not None:
        # A card draws points: of an area its middle, and the card says so.
        location["value"] = {"type": "Point", "coordinates": [at[0].longitude, at[0].latitude]}
    return kept


def _source(grant: Grant, chosen: Sequence[Entity], unstated: str) -> tuple[str, str]:
    """Publisher and licence: the owner's of the contract; of the city's own data what their entities say."""
    if grant.publisher:
        return grant.publisher, grant.licence or unstated
    said = [(_text(one, "dataProvider"), _text(one, "license")) for one in chosen]
    publisher, licence = next((pair for pair in said if pair[0]), ("", ""))
    return publisher or current_region().portal_name["ja"], licence or unstated


def _text(entity: Entity, name: str) -> str:
    attribute = entity.get(name)
    value = attribute.get("value") if isinstance(attribute, Mapping) else None
    if isinstance(value, ByLanguage):
        value = value.pick("ja")
    return value.strip()[:100] if isinstance(value, str) else ""


def _together(sources: list[tuple[str, str]], unstated: str) -> Source:
    publishers = "、".join(dict.fromkeys(publisher for publisher, _ in sources))
    licences = "、".join(dict.fromkeys(licence for _, licence in sources))
    return Source((publishers or current_region().portal_name["ja"])[:100], (licences or unstated)[:100])


def count(gadget_id: str, planned: Plan, day: date) -> None:
    """One more read of each type on this day."""
    for kind in dict.fromkeys(spec.type for spec, _, _ in planned.reads):
        row = DataRead.objects.filter(gadget_id=gadget_id, entity_type=kind, day=day)
        if row.update(count=F("count") + 1):
            continue
        try:
            with transaction.atomic():
                DataRead.objects.create(gadget_id=gadget_id, entity_type=kind, day=day, count=1)
        except IntegrityError:
            row.update(count=F("count") + 1)
