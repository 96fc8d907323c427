"""Reads of contracts: for owners and consumers of data, and the public picture of who reads what from whom."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, Sum
from django.utils import timezone

from core.region_time import region_date
from core.texts import Texts
from gadgets import registry
from gadgets.cityos import ngsi_ld
from gadgets.cityos.contracts import needs
from gadgets.cityos.owners import live, owner_of
from gadgets.cityos.source import Wish
from gadgets.errors import BrokerError, NoCityOsError
from gadgets.models import Contract, DataRead, Membership
from gadgets.protocol.manifest import Manifest, parse
from gadgets.types import Level, Offer

DAYS = 30
ASK_SECONDS = 1.5
"""For all questions to the broker about one version, while an operator waits."""


@dataclass(frozen=True, slots=True)
class ContractView:
    """One contract as its two sides see it. `owner` is empty for the city's own data; `decides`: the reader may."""

    id: int
    consumer_id: str
    consumer_title: Texts
    consumer: str
    owner: str
    entity_type: str
    attrs: tuple[str, ...]
    purpose: Texts
    licence: str
    state: str
    asked_at: datetime
    owner_agreed_at: datetime | None
    operator_agreed_at: datetime | None
    ended_at: datetime | None
    reason: str
    reads: int
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """One service reads one type of entity of somebody. `owner` is empty for the city's own; `reads` in 30 days."""

    gadget_id: str
    title: Texts
    provider: str
    entity_type: str
    attrs: tuple[str, ...]
    owner: str
    purpose: Texts
    licence: str
    since: datetime
    reads: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One service asks residents for one attribute."""

    gadget_id: str
    title: Texts
    provider: str
    claim: str
    required: bool
    purpose: Texts
    retention: str
    level: Level
    since: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What approving a version means for one type that it reads. `owner` is empty for the city's own data."""

    type: str
    attrs: tuple[str, ...]
    required: bool
    purpose: Texts
    owner: str
    own: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """One type that a manifest provides, and whose it is now.

    `own`: it is this provider's; `contracts`: so many name the provider as its owner. `served`: the city's broker has
    entities of this type; None when it could not be asked.
    """

    type: str
    attrs: tuple[str, ...]
    licence: str
    owner: str
    own: bool
    published: bool
    contracts: int
    served: bool | None


def readings(parsed: Manifest, provider_id: int) -> tuple[Reading, ...]:
    """For the review: with whom a contract is made for what the version reads."""
    found = []
    for need in needs(parsed.data):
        owner = owner_of(need.type)
        found.append(
            Reading(
                need.type,
                tuple(sorted(need.attrs)),
                need.required,
                need.purpose,
                owner.name,
                owner.provider_id == provider_id,
            )
        )
    return tuple(found)


def owner_name(entity_type: str) -> str:
    """The provider that owns data of this type; empty for the city."""
    return owner_of(entity_type).name


def offered(parsed: Manifest, provider_id: int) -> tuple[Offered, ...]:
    """For the review: what the version says it provides. Asks the city's broker; never inside a transaction."""
    published = registry.registry().gadgets.get(parsed.id)
    given = {offer.type for offer in published.provides} if published else set()
    owners = {offer.type: owner_of(offer.type) for offer in parsed.provides}
    counted = {kind: live(provider_id, kind).count() for kind in owners}
    until = time.monotonic() + ASK_SECONDS
    return tuple(
        Offered(
            type=offer.type,
            attrs=tuple(offer.attrs),
            licence=offer.licence,
            owner=owners[offer.type].name,
            own=owners[offer.type].provider_id == provider_id,
            published=offer.type in given,
            contracts=counted[offer.type],
            served=_served(offer, until),
        )
        for offer in parsed.provides
    )


def _served(offer: Offer, until: float) -> bool | None:
    left = until - time.monotonic()
    if left <= 0:
        return None
    try:
        return bool(ngsi_ld.source().entities(Wish(offer.type, tuple(offer.attrs), 1), deadline=left))
    except (BrokerError, NoCityOsError):
        return None


def edges(now: datetime | None = None) -> tuple[Edge, ...]:
    """Every contract of a published service that holds, by service and type."""
    gadgets = registry.registry().gadgets
    rows = (
        Contract.objects.filter(state=Contract.State.AGREED, consumer__gadget_id__in=gadgets)
        .select_related("owner", "consumer")
        .order_by("consumer__gadget_id", "entity_type")
    )
    counted = reads(now)
    return tuple(
        Edge(
            gadget_id=row.consumer.gadget_id,
            title=gadgets[row.consumer.gadget_id].title,
            provider=gadgets[row.consumer.gadget_id].provider_name,
            entity_type=row.entity_type,
            attrs=tuple(row.attrs),
            owner=row.owner.name if row.owner else "",
            purpose=row.purpose,
            licence=row.licence,
            since=max(at for at in (row.owner_agreed_at, row.operator_agreed_at) if at is not None),
            reads=counted.get((row.consumer.gadget_id, row.entity_type), 0),
        )
        for row in rows
    )


def asked() -> tuple[Asked, ...]:
    """Which attributes of residents which published service asks for."""
    return tuple(
        Asked(
            gadget_id=gadget.id,
            title=gadget.title,
            provider=gadget.provider_name,
            claim=claim.name,
            required=claim.required,
            purpose=claim.purpose,
            retention=claim.retention,
            level=gadget.identity,
            since=gadget.published_at,
        )
        for gadget in sorted(registry.registry().gadgets.values(), key=lambda gadget: gadget.id)
        for claim in gadget.claims
    )


def reads(now: datetime | None = None) -> Mapping[tuple[str, str], int]:
    """How often each service read each type in the last 30 days; one query."""
    since = region_date(now or timezone.now()) - timedelta(days=DAYS)
    rows = (
        DataRead.objects.filter(day__gt=since)
        .values_list("gadget_id", "entity_type")
        .annotate(total=Sum("count"))
    )
    return {(gadget_id, kind): total for gadget_id, kind, total in rows}


def of_member(resident_id: UUID) -> tuple[ContractView, ...]:
    """The contracts of the resident's organisations, as owner of data or as reader; what waits for them first."""
    mine = dict(Membership.objects.filter(resident_id=resident_id).values_list("provider_id", "role"))
    rows = Contract.objects.filter(Q(owner_id__in=mine) | Q(consumer__provider_id__in=mine))
    found = [
        _view(
            row, counted, decides=row.owner_id is not None and mine.get(row.owner_id) == Membership.Role.OWNER
        )
        for counted in [reads()]
        for row in rows.select_related("owner", "consumer__provider", "consumer__published").order_by("-pk")
    ]
    return tuple(sorted(found, key=lambda view: not (view.decides and waits(view))))


def of_gadget(gadget_id: str) -> tuple[ContractView, ...]:
    """Every contract that a gadget has or had, the newest first."""
    rows = Contract.objects.filter(consumer__gadget_id=gadget_id).order_by("-pk")
    counted = reads()
    return tuple(
        _view(row, counted)
        for row in rows.select_related("owner", "consumer__provider", "consumer__published")
    )


def waits(view: ContractView) -> bool:
    """Whether the owner of the data has to answer."""
    return view.state == Contract.State.ASKED and view.owner_agreed_at is None and bool(view.owner)


def _view(row: Contract, counted: Mapping[tuple[str, str], int], *, decides: bool = False) -> ContractView:
    gadget = row.consumer
    version = gadget.published or gadget.versions.order_by("-pk").first()
    title = parse(bytes(version.manifest), url=version.url).title if version else {"ja": gadget.gadget_id}
    return ContractView(
        id=row.pk,
        consumer_id=gadget.gadget_id,
        consumer_title=title,
        consumer=gadget.provider.name,
        owner=row.owner.name if row.owner else "",
        entity_type=row.entity_type,
        attrs=tuple(row.attrs),
        purpose=row.purpose,
        licence=row.licence,
        state=row.state,
        asked_at=row.asked_at,
        owner_agreed_at=row.owner_agreed_at,
        operator_agreed_at=row.operator_agreed_at,
        ended_at=row.ended_at,
        reason=row.reason,
        reads=counted.get((gadget.gadget_id, row.entity_type), 0),
        decides=decides,
    )
