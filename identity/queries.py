"""Reads of identity for other packages: what holds for a resident now, as frozen values."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils import timezone

from core.disclosure import shown
from identity import crypto
from identity.consent import learning
from identity.domain import attributes, consent, subjects
from identity.domain.attributes import Value
from identity.domain.audience import K_REACH, Audience, matches
from identity.domain.roles import STAFF_ROLES, Actor
from identity.errors import NoSuchClient, NoSuchResident
from identity.models import (
    AccessLog,
    ConsentEvent,
    ConsentReceipt,
    ConsentState,
    GadgetClient,
    NoticeVersion,
    Resident,
    Subject,
)
from identity.oidc.clients import is_registered as is_registered
from identity.residents import resident_numbers
from identity.sessions.person import current_resident as current_resident
from identity.sessions.person import has_second_factor

COUNT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything a page needs about one resident, read at once.

    `attributes` is for the resident's own pages; `released` is what the recommender may see (empty without
    opt-in). `grants` and `decided` map a recipient to its items; `levels` to the level at which each item was granted,
    `terms` to the version of the recipient's terms under which each was decided ("": the first). A grant that has expired stands in neither: it is as if it had never been given, and may be asked about again.
    `protected`: nothing is told to any provider, and nothing may be asked for one.
    """

    id: UUID
    name: str
    locale: str
    roles: frozenset[str]
    attributes: Mapping[str, Value]
    released: Mapping[str, Value]
    personalised: bool
    consent_version: int
    grants: Mapping[str, frozenset[str]]
    decided: Mapping[str, Mapping[str, str]]
    levels: Mapping[str, Mapping[str, str]]
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    protected: bool = False
    home_region: str = ""
    """The neighbouring region whose ID vouched for the resident; "" for a resident of this one."""
    by: Actor | None = None
    """The guardian who acts, where the pages are a ward's; set by whoever knows the session."""
    learning: bool = False
    """Whether what this resident does with the list may be kept to learn from; only beside the personalised order."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """What was decided about one item: `status` is granted, refused, withdrawn or expired."""

    item: str
    status: str
    since: datetime


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One recipient on わたしのデータ; `count` is of the last 30 days."""

    recipient: str
    purpose: str
    level: str
    items: tuple[ItemRow, ...]
    since: datetime | None
    expires_at: datetime | None
    last_access: datetime | None
    count: int

    def ends_soon(self, now: datetime) -> bool:
        """Whether something that is told now ends within `consent.RENEW_DAYS`: the time to ask for it anew."""
        return self.expires_at is not None and self.expires_at - now <= timedelta(days=consent.RENEW_DAYS)

    @property
    def granted(self) -> tuple[str, ...]:
        return tuple(row.item for row in self.items if row.status == consent.GRANTED)

    @property
    def refused(self) -> tuple[str, ...]:
        return tuple(row.item for row in self.items if row.status == consent.REFUSED)


@dataclass(frozen=True, slots=True)
class AccessRow:
    """Which items left to whom, when, and through which door."""

    recipient: str
    items: tuple[str, ...]
    via: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something about a resident's consent changed; `cursor` orders the events."""

    cursor: int
    resident_id: UUID
    recipient: str
    kind: str
    at: datetime


_PROBE = UUID(int=0)


@lru_cache(maxsize=4)
def _bundle_sql(using: str) -> tuple[str, tuple[Any, ...]]:
    """The bundle's SQL, compiled once for each database: compiling costs eight times what running does."""
    query = Resident.objects.filter(id=_PROBE, is_active=True, erase_at=None).values_list(
        "display_name",
        "locale",
        "consent_version",
        "confidential",
        "home_region",
        Cast("roles", TextField()),
        Cast("attributes", TextField()),
        "consents__recipient",
        "consents__item",
        "consents__status",
        "consents__level",
        "consents__expires_at",
        "consents__terms",
    )
    sql, params = query.query.get_compiler(using=using).as_sql()
    return sql, tuple(params)


def bundle(resident_id: UUID) -> Bundle | None:
    """One SQL query; None when there is no such resident or the account is closed."""
    sql, params = _bundle_sql(connection.alias)
    adapt: Callable[..., Any] = Resident._meta.pk.get_db_prep_value
    probe, wanted = adapt(_PROBE, connection), adapt(resident_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(sql, [wanted if value == probe else value for value in params])
        rows = cursor.fetchall()
    return _bundle(resident_id, rows, timezone.now()) if rows else None


def _bundle(resident_id: UUID, rows: list[tuple[Any, ...]], now: datetime) -> Bundle:
    name, locale, version, protected, home_region, roles, stored = rows[0][:7]
    values = attributes.derive(attributes.from_json(json.loads(stored)))
    grants: dict[str, set[str]] = {}
    decided: dict[str, dict[str, str]] = {}
    levels: dict[str, dict[str, str]] = {}
    terms: dict[str, dict[str, str]] = {}
    for *_, recipient, item, status, level, expires_at, since in rows:
        if recipient is None:
            continue
        holds = consent.holds(status, _aware(expires_at), now)
        holds = holds and not (protected and recipient != consent.RECOMMENDER)
        if holds or status != consent.GRANTED:
            decided.setdefault(recipient, {})[item] = status
            terms.setdefault(recipient, {})[item] = since
        if holds:
            grants.setdefault(recipient, set()).add(item)
            levels.setdefault(recipient, {})[item] = level
    ranking = grants.get(consent.RECOMMENDER, set())
    return Bundle(
        id=resident_id,
        name=name,
        locale=locale,
        roles=frozenset(json.loads(roles)),
        attributes=values,
        released={key: value for key, value in values.items() if key in ranking},
        personalised=bool(ranking),
        consent_version=version,
        grants={recipient: frozenset(items) for recipient, items in grants.items()},
        decided=decided,
        levels=levels,
        terms=terms,
        protected=bool(protected),
        home_region=home_region,
        learning=bool(ranking) and consent.LEARNING in grants and consent.learns_from(values),
    )


def _aware(at: datetime | None) -> datetime | None:
    """SQLite hands out times without their zone; what Django stores there is UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def is_confidential(resident_id: UUID) -> bool:
    """Whether this is a protected person (domestic violence, stalking)."""
    return Resident.objects.filter(id=resident_id, confidential=True).exists()


def resident_number(resident_id: UUID) -> str:
    """What a resident tells the city's desk to be found by, see `identity.residents.protection`; `NoSuchResident`."""
    handle = Resident.objects.filter(id=resident_id).values_list("handle", flat=True).first()
    if handle is None:
        raise NoSuchResident
    return resident_numbers.number_of(handle)


def overview(resident_id: UUID) -> tuple[RecipientRow, ...]:
    """Every recipient that was ever decided about or got something, the latest decision first. Two queries."""
    now = timezone.now()
    states: dict[str, list[tuple[Any, ...]]] = {}
    for row in (
        ConsentState.objects.filter(resident_id=resident_id)
        .order_by("-receipt__given_at", "item")
        .values_list("recipient", "purpose", "level", "item", "status", "expires_at", "receipt__given_at")
    ):
        states.setdefault(row[0], []).append(row)
    accesses = {
        row["recipient"]: (row["last"], row["recent"])
        for row in AccessLog.objects.filter(resident_id=resident_id)
        .values("recipient")
        .annotate(last=Max("at"), recent=Count("id", filter=Q(at__gte=now - timedelta(days=COUNT_DAYS))))
    }
    return tuple(
        _recipient_row(recipient, states.get(recipient, []), accesses.get(recipient, (None, 0)), now)
        for recipient in [*states, *(key for key in accesses if key not in states)]
    )


def _recipient_row(
    recipient: str, rows: list[tuple[Any, ...]], access: tuple[datetime | None, int], now: datetime
) -> RecipientRow:
    items = []
    since: list[datetime] = []
    expiries: list[datetime] = []
    for _, _, _, item, status, expires_at, given_at in rows:
        alive = consent.holds(status, expires_at, now)
        items.append(
            ItemRow(item, "expired" if status == consent.GRANTED and not alive else status, given_at)
        )
        if alive:
            since.append(given_at)
            expiries.extend([expires_at] if expires_at else [])
    order = {key: position for position, key in enumerate(consent.ITEMS)}
    return RecipientRow(
        recipient=recipient,
        purpose=rows[0][1] if rows else "",
        level=rows[0][2] if rows else "none",
        items=tuple(sorted(items, key=lambda row: order.get(row.item, len(order)))),
        since=min(since, default=None),
        expires_at=min(expiries, default=None),
        last_access=access[0],
        count=access[1],
    )


def access_log(resident_id: UUID, limit: int = 50) -> tuple[AccessRow, ...]:
    """What left lately, the newest first."""
    rows = AccessLog.objects.filter(resident_id=resident_id).order_by("-at", "-id")[:limit]
    return tuple(AccessRow(row.recipient, tuple(row.items), row.via, row.at) for row in rows)


def count_exactly(audience: Audience) -> int:
    """How many residents it reaches: those who opted in with every attribute it asks about. Never shown as is."""
    reached = Resident.objects.filter(is_active=True, erase_at=None, confidential=False).filter(
        Exists(_ranking_states().filter(resident=OuterRef("pk")))
    )
    for key, _ in audience.clauses:
        reached = reached.filter(Exists(_ranking_states().filter(resident=OuterRef("pk"), item=key)))
    if not audience:
        return reached.count()
    rows = reached.values_list("attributes", flat=True).iterator(chunk_size=2000)
    return sum(matches(audience, attributes.derive(attributes.from_json(stored))) for stored in rows)


def _ranking_states() -> QuerySet[ConsentState]:
    return ConsentState.objects.filter(recipient=consent.RECOMMENDER, status=consent.GRANTED).filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    )


def audience_counts(audience: Audience) -> int | None:
    """The reach that an editor may see: None under `K_REACH`, else rounded to tens."""
    exact = count_exactly(audience)
    return shown(exact, least=K_REACH)


def subject_for(resident_id: UUID, client_id: str) -> str:
    """The pseudonym that the gadget's OIDC client sees; equal to the one in the ID's own tokens.

    Raises `NoSuchResident`, `NoSuchClient`, `CannotUnseal`.
    """
    user = Resident.objects.filter(id=resident_id).values_list("subject", flat=True).first()
    if user is None:
        raise NoSuchResident
    client = (
        GadgetClient.objects.filter(client_id=client_id).values_list("sector_host", "salt_sealed").first()
    )
    if client is None:
        raise NoSuchClient
    sector, sealed = client
    return subjects.pairwise(sector, user, crypto.unseal(bytes(sealed), place=crypto.client_place(client_id)))


def owner_of_subject(client_id: str, sub: str) -> tuple[UUID, str] | None:
    """(resident, gadget) behind a pseudonym; None when nobody has it or the client is suspended."""
    row = Subject.objects.filter(client__client_id=client_id, sub=sub, client__suspended=False)
    return row.values_list("resident_id", "client__gadget_id").first()


def ranking_subject(resident_id: UUID) -> str:
    """The pseudonym under which the recommender knows a resident; without a query."""
    return learning.subject(resident_id)


def hold_versions(resident_ids: Iterable[UUID]) -> Mapping[UUID, int]:
    """The consent versions of those of them who are here, in one query, held until the caller's transaction ends.

    Whoever withdraws meanwhile waits for that, so that nothing is written behind a withdrawal.
    """
    rows = (
        Resident.objects.select_for_update(no_key=True)
        .filter(id__in=list(resident_ids), is_active=True, erase_at=None, confidential=False)
        .order_by("id")
    )
    return dict(rows.values_list("id", "consent_version"))


def actor(resident_id: UUID) -> Actor:
    """The resident as somebody who acts, with their roles; `NoSuchResident` when the account is closed."""
    living = Resident.objects.filter(id=resident_id, is_active=True, erase_at=None)
    roles = living.values_list("roles", flat=True).first()
    if roles is None:
        raise NoSuchResident
    return Actor(id=resident_id, roles=frozenset(roles))


def actor_in(request: HttpRequest) -> Actor:
    """Whoever this session belongs to, with the roles that count in it: those of staff only after a second factor.

    `NoSuchResident` for a guest and for a closed account.
    """
    resident_id = current_resident(request)
    if resident_id is None:
        raise NoSuchResident
    found = actor(resident_id)
    return found if has_second_factor(request) else replace(found, roles=found.roles - STAFF_ROLES)


def living(resident_id: UUID) -> bool:
    """Whether the account is open: neither closed nor on its way to erasure."""
    return Resident.objects.filter(id=resident_id, is_active=True, erase_at=None).exists()


def names(resident_ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """Display names, for the queues of officers."""
    return dict(Resident.objects.filter(id__in=list(resident_ids)).values_list("id", "display_name"))


def events_since(cursor: int, limit: int = 500) -> tuple[EventRow, ...]:
    """What changed after `cursor`, oldest first; start at 0 and go on with the last row's cursor."""
    rows = ConsentEvent.objects.filter(id__gt=cursor).order_by("id")[:limit]
    return tuple(EventRow(row.id, row.resident_id, row.recipient, row.kind, row.at) for row in rows)


def withdrawn_items(resident_id: UUID, recipient: str, at: datetime) -> tuple[str, ...]:
    """What the withdrawal that left an event at `at` took back."""
    items = (
        ConsentReceipt.objects.filter(
            resident_id=resident_id, recipient=recipient, kind=consent.WITHDRAWN, given_at__lte=at
        )
        .order_by("-given_at")
        .values_list("items", flat=True)
        .first()
    )
    return tuple(items or ())


def pseudonymous(resident_id: UUID) -> frozenset[str]:
    """The gadgets that were ever granted something under a pseudonym of this resident."""
    rows = Subject.objects.filter(resident_id=resident_id).values_list("client__gadget_id", flat=True)
    return frozenset(rows)


def subjects_of(gadget_id: str) -> tuple[str, ...]:
    """Every pseudonym under which something was ever granted to the gadget."""
    return tuple(Subject.objects.filter(client__gadget_id=gadget_id).values_list("sub", flat=True))


def still_granted(recipients: Iterable[str]) -> tuple[str, ...]:
    """Those of `recipients` to whom some resident still grants something."""
    found = ConsentState.objects.filter(
        recipient__in=list(recipients),
        status=consent.GRANTED,
        resident__is_active=True,
        resident__erase_at=None,
    ).exclude(expires_at__lte=timezone.now())
    return tuple(found.values_list("recipient", flat=True).distinct().order_by("recipient"))


def shown_text(sha256: str) -> str | None:
    """The text that was on the screen when a decision with this notice was made."""
    return NoticeVersion.objects.filter(sha256=sha256).values_list("text", flat=True).first()
