"""Households: who may act for whom at this moment, for whom a session acts, and what a family and a desk see of it.

A ward is a resident of its own, with attributes and consents of its own. A ward made by its guardian has no account:
its issuer is `household`, so that no answer of any ID can ever sign it in. The writes are in `identity.household.guardianships`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone

from core.region_time import region_date
from identity import queries
from identity.domain.roles import Actor
from identity.errors import ActingEnded
from identity.models import Guardianship, Resident

ISSUER = "household"
"""The issuer of wards without an account; no ID has this name."""
FOR = "_for"
"""In the session while its account acts for a ward: the ward's id."""
ADULT_AT = 18
MINOR = "0-17"
CHILD, REPRESENTED = Guardianship.Basis.CHILD.value, Guardianship.Basis.REPRESENTED.value
ASKED, ACTIVE = Guardianship.State.ASKED.value, Guardianship.State.ACTIVE.value
REFUSED, ENDED = Guardianship.State.REFUSED.value, Guardianship.State.ENDED.value
COURT_ORDER = "court_order"
_LIVING = (ASKED, ACTIVE)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


# --- the rule ------------------------------------------------------------------------------------------------


def may_act(actor: Actor, resident_id: UUID, now: datetime | None = None) -> bool:
    """Whether `actor` may decide for this resident: themselves (no query), or a guardian at this moment (one)."""
    if actor.id is None:
        return False
    return actor.is_self(resident_id) or _name_of_ward(actor.id, resident_id, now) is not None


def _name_of_ward(guardian: UUID, ward: UUID, now: datetime | None) -> str | None:
    """The ward's name when the guardianship holds now; an account of a minor never acts for anybody."""
    row = (
        in_force(now or timezone.now())
        .filter(guardian_id=guardian, ward_id=ward)
        .values_list("ward__display_name", "guardian__attributes__age_band")
        .first()
    )
    return None if row is None or row[1] == MINOR else str(row[0])


def in_force(now: datetime) -> QuerySet[Guardianship]:
    """Active, not past its day, both open. In a protected household only protected guardians count."""
    living = Guardianship.objects.filter(
        state=ACTIVE,
        guardian__is_active=True,
        guardian__erase_at=None,
        ward__is_active=True,
        ward__erase_at=None,
    ).filter(Q(ends_on=None) | Q(ends_on__gt=region_date(now)))
    return living.filter(
        Q(guardian__confidential=True) | (Q(ward__confidential=False) & ~Exists(_protectors("ward")))
    )


def _protectors(ward: str) -> QuerySet[Guardianship]:
    """Living guardianships of this ward by a protected person."""
    return Guardianship.objects.filter(ward=OuterRef(ward), state__in=_LIVING, guardian__confidential=True)


def latest_end(today: date) -> date:
    """The day on which somebody born today comes of age: no guardianship of a child goes beyond it."""
    try:
        return today.replace(year=today.year + ADULT_AT)
    except ValueError:  # 29 February
        return date(today.year + ADULT_AT, 3, 1)


def end_of_school(today: date, years: object) -> date:
    """1 April after the last year of high school of the youngest of these years; as late as allowed before school.

    A whole school year, so that no birthday can be told from it.
    """
    stages = {f"{stage}{n}": past + n for stage, past, count in (("e", 0, 6), ("j", 6, 3), ("h", 9, 3))
              for n in range(1, count + 1)}  # fmt: skip
    known = [stages[year] for year in years if year in stages] if isinstance(years, tuple | list) else []
    begun = today.year if today.month >= 4 else today.year - 1  # the school year that is running
    latest = latest_end(today)
    end = date(begun + 13 - min(known), 4, 1) if known else date(latest.year, 4, 1)
    return end if end <= latest else date(latest.year - (latest < date(latest.year, 4, 1)), 4, 1)


# --- the session ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Acting:
    """An account that acts for a ward in this session, as the guardianships say at this request."""

    account: UUID
    ward: UUID
    name: str


def acting(request: HttpRequest) -> Acting | None:
    """For whom this session acts, asked of the database once for each request; None for everybody else, unasked.

    Where it no longer holds, the session goes back to its own account and every form that is open is void.
    """
    session = getattr(request, "session", None)
    if session is None or FOR not in session:
        return None
    if hasattr(request, "_acting"):
        known: Acting | None = request._acting
        return known
    found = _acting(queries.current_resident(request), session[FOR])
    if found is None:
        leave(request)
        request._acting_ended = True  # type: ignore[attr-defined]
    request._acting = found  # type: ignore[attr-defined]
    return found


def _acting(account: UUID | None, raw: object) -> Acting | None:
    try:
        ward = UUID(str(raw))
    except ValueError:
        return None
    name = _name_of_ward(account, ward, None) if account else None
    return Acting(account, ward, name) if account and name is not None else None


def subject(request: HttpRequest) -> UUID | None:
    """Whose pages these are: the ward while acting (one query), else the account (none), None for a guest.

    Raises `ActingEnded` for a form that was meant for a ward for whom the account may no longer act: it must not
    be done to the account instead.
    """
    found = acting(request)
    if found is not None:
        return found.ward
    if getattr(request, "_acting_ended", False) and request.method not in _SAFE:
        raise ActingEnded
    return queries.current_resident(request)


def ended(request: HttpRequest) -> bool:
    """Whether this request found that acting is over."""
    return getattr(request, "_acting_ended", False)


def enter(request: HttpRequest, ward: UUID) -> Acting:
    """From now on the session acts for this ward; raises `ActingEnded` where its account may not.

    Forms that were drawn for somebody else are void from now on: a decision never reaches the wrong person.
    """
    found = _acting(queries.current_resident(request), ward)
    if found is None:
        leave(request)
        raise ActingEnded
    request.session[FOR] = str(ward)
    request._acting = found  # type: ignore[attr-defined]
    rotate_token(request)
    return found


def leave(request: HttpRequest) -> None:
    """Back to the account itself; forms that were drawn for the ward are void."""
    if request.session.pop(FOR, None) is not None:
        rotate_token(request)
    request._acting = None  # type: ignore[attr-defined]


# --- what is shown -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WardRow:
    """One line of a guardian's household. `waits_for` is "", "operator" or "ward"; `others` acts for them too."""

    id: UUID
    ward: UUID
    name: str
    basis: str
    state: str
    reason: str
    reference: str
    ends_on: date | None
    has_account: bool
    holds: bool
    waits_for: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GuardianRow:
    """Somebody who acts, or asks to act, for the reader."""

    id: UUID
    name: str
    basis: str
    state: str
    reference: str
    asked_at: datetime
    ends_on: date | None
    agreed: bool
    may_end: bool


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One guardianship as the operator's desk sees it; `own` where the operator is one of the two."""

    id: UUID
    reference: str
    guardian: str
    ward: str
    basis: str
    state: str
    reason: str
    has_account: bool
    minor: bool
    agreed: bool
    asked_at: datetime
    decided_at: datetime | None
    ends_on: date | None
    people: tuple[UUID, UUID]


def _waits_for(row: Guardianship) -> str:
    if row.state != ASKED:
        return ""
    return "operator" if row.decided_at is None else "ward"


def wards(guardian: UUID, now: datetime) -> tuple[WardRow, ...]:
    """The guardian's household: what holds, what waits, and what was refused in the last 30 days. Three queries."""
    rows = list(
        Guardianship.objects.filter(guardian_id=guardian)
        .filter(Q(state__in=_LIVING) | Q(state=REFUSED, decided_at__gte=now - timedelta(days=30)))
        .select_related("ward")
        .order_by("asked_at")
    )
    holding = set(in_force(now).filter(guardian_id=guardian).values_list("id", flat=True))
    others: dict[UUID, list[str]] = {}
    for ward, name in (
        in_force(now)
        .filter(ward_id__in=[row.ward_id for row in rows if row.id in holding], guardian__confidential=False)
        .exclude(guardian_id=guardian)
        .values_list("ward_id", "guardian__display_name")
    ):
        others.setdefault(ward, []).append(name)
    return tuple(
        WardRow(
            id=row.id,
            ward=row.ward_id,
            name=row.ward.display_name,
            basis=row.basis,
            state=row.state,
            reason=row.reason,
            reference=row.reference,
            ends_on=row.ends_on,
            has_account=row.ward.issuer != ISSUER,
            holds=row.id in holding,
            waits_for=_waits_for(row),
            others=tuple(others.get(row.ward_id, ())),
        )
        for row in rows
    )


def guardians_of(ward: UUID) -> tuple[GuardianRow, ...]:
    """Who acts or asks to act for the reader, who has an account of their own."""
    rows = Guardianship.objects.filter(ward_id=ward, state__in=_LIVING).select_related("guardian", "ward")
    return tuple(
        GuardianRow(
            id=row.id,
            name=row.guardian.display_name,
            basis=row.basis,
            state=row.state,
            reference=row.reference,
            asked_at=row.asked_at,
            ends_on=row.ends_on,
            agreed=row.agreed_at is not None,
            may_end=ward_may_end(row),
        )
        for row in rows.order_by("asked_at")
    )


def ward_may_end(row: Guardianship) -> bool:
    """A grown-up ends what others may do for them; not what a court ordered, and not a child its parents."""
    if row.basis == CHILD:
        return age_band(row.ward) not in {"", MINOR}
    return row.reason != COURT_ORDER


def age_band(resident: Resident) -> str:
    """What the resident says of their age, "" where they say nothing."""
    values: Mapping[str, object] = resident.attributes
    return str(values.get("age_band") or "")


def waiting(limit: int = 100) -> tuple[DeskRow, ...]:
    """Requests that an operator has to decide, the oldest first."""
    rows = Guardianship.objects.filter(state=ASKED, decided_at=None).order_by("asked_at")
    return tuple(desk_row(row) for row in rows.select_related("guardian", "ward")[:limit])


def desk_row(row: Guardianship) -> DeskRow:
    """A guardianship as the desk sees it."""
    return DeskRow(
        id=row.id,
        reference=row.reference,
        guardian=row.guardian.display_name,
        ward=row.ward.display_name,
        basis=row.basis,
        state=row.state,
        reason=row.reason,
        has_account=row.ward.issuer != ISSUER,
        minor=age_band(row.ward) == MINOR,
        agreed=row.agreed_at is not None,
        asked_at=row.asked_at,
        decided_at=row.decided_at,
        ends_on=row.ends_on,
        people=(row.guardian_id, row.ward_id),
    )


# --- for the erasure and the export of a guardian ------------------------------------------------------------


def wards_to_erase(resident_id: UUID) -> tuple[UUID, ...]:
    """Wards without an account of whom this resident is the only guardian, asked or active: they go with them."""
    another = Guardianship.objects.filter(ward=OuterRef("pk"), state__in=_LIVING).exclude(
        guardian_id=resident_id
    )
    wards_of = Guardianship.objects.filter(ward=OuterRef("pk"), guardian_id=resident_id)
    found = Resident.objects.filter(~Exists(another), Exists(wards_of), issuer=ISSUER)
    return tuple(found.order_by("created_at", "id").values_list("id", flat=True))


def protected_with(resident_id: UUID) -> tuple[UUID, ...]:
    """Wards without an account who are protected when this guardian is, and no other one of theirs is."""
    living = Guardianship.objects.filter(ward=OuterRef("pk"), state__in=_LIVING)
    another = living.filter(guardian__confidential=True).exclude(guardian_id=resident_id)
    found = Resident.objects.filter(
        ~Exists(another), Exists(living.filter(guardian_id=resident_id)), issuer=ISSUER, erase_at=None
    )
    return tuple(found.filter(is_active=True).order_by("id").values_list("id", flat=True))
