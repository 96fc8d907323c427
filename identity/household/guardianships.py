"""Writes of households: a child is added, an adult is asked to be represented, a code is shared, an end is put to it.

Every rule is checked when it begins, when an operator decides, and (by `identity.household.authority`) at each act. Nobody is
found by name or address: whoever has an account takes part only by a code that they or their guardian showed.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from core import sweeps
from core.region_time import region_date
from core.texts import gettext_noop
from identity.audit import chain
from identity.domain import attributes
from identity.domain.roles import OPERATOR, SYSTEM, Actor
from identity.errors import (
    AlreadyAsked,
    BadCode,
    BadEnd,
    BadName,
    HouseholdFull,
    NoChains,
    NoSuchResident,
    NotAllowed,
    NotWaiting,
    ProtectedHousehold,
    TooManyTries,
    TooYoung,
    UnknownReason,
)
from identity.household import authority
from identity.household.authority import (
    ACTIVE,
    ASKED,
    CHILD,
    COURT_ORDER,
    ENDED,
    ISSUER,
    MINOR,
    REFUSED,
    REPRESENTED,
)
from identity.models import AuditEntry, Erasure, Guardianship, HouseholdCode, Resident
from identity.residents.guards import hold

MOST_WARDS = 12
MOST_GUARDIANS = 2
CODE_HOLDS = timedelta(hours=24)
TRIES, TRIES_WITHIN = 10, timedelta(hours=1)
WRONG_CODE = "guardianship_code_refused"
APPROVALS = ("register_checked", COURT_ORDER, "power_of_attorney")
REFUSALS = ("papers_missing", "not_entitled", "other")
DECLINED = "declined"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LIVING = (ASKED, ACTIVE)


@chain.together()
def look_up(*, reference: str, by: Actor) -> authority.DeskRow | None:
    """The one that a resident names at the desk; the look-up is written down for both. `NotAllowed`.

    The desk cannot leaf through households: without a reference there is nothing to see.
    """
    if not by.has(OPERATOR):
        raise NotAllowed(gettext_noop("家族の登録は、運用者だけが調べられます。"))
    rows = Guardianship.objects.filter(reference=reference.strip().upper()[:12])
    row = rows.select_related("guardian", "ward").first()
    if row is None:
        return None
    for person in (row.guardian_id, row.ward_id):
        chain.record("household_asked", who=person, by=by)
    return authority.desk_row(row)


@chain.together()
def add_child(
    *,
    guardian: UUID,
    name: str,
    ends_on: date,
    values: Mapping[str, object],
    by: Actor,
    now: datetime | None = None,
    ward_id: UUID | None = None,
) -> UUID:
    """A child without an account becomes the guardian's ward at once; returns the ward's id.

    Raises `BadName`, `BadEnd`, `TooYoung`, `NoChains`, `HouseholdFull`, `NotAllowed`, and those of attributes.
    """
    now = now or timezone.now()
    person = _asker(guardian, by)
    _room_for_one_more(person)
    _check_end(ends_on, now)
    checked = {key: attributes.validate_settable(key, raw) for key, raw in values.items() if raw}
    ward = _make_ward(person, name, {**checked, "age_band": MINOR}, ward_id)
    Guardianship.objects.create(
        guardian=person, ward=ward, basis=CHILD, state=ACTIVE, ends_on=ends_on, asked_at=now, decided_at=now
    )
    chain.record("guardianship_began", who=ward.id, by=by, basis=CHILD)
    return ward.id


@chain.together()
def ask_to_represent(*, guardian: UUID, name: str, by: Actor, now: datetime | None = None) -> UUID:
    """Asks the city to represent an adult who has no account; returns the guardianship's id. Errors as `add_child`."""
    person = _asker(guardian, by)
    _room_for_one_more(person)
    ward = _make_ward(person, name, {})
    row = Guardianship.objects.create(
        guardian=person, ward=ward, basis=REPRESENTED, state=ASKED, asked_at=now or timezone.now()
    )
    chain.record("guardianship_asked", who=ward.id, by=by, basis=REPRESENTED)
    return row.id


@chain.together()
def make_code(*, ward: UUID, by: Actor, now: datetime | None = None) -> str:
    """A code for 24 hours, usable once: whoever types it asks to act for `ward`. An earlier one is void.

    Made by the ward, who has an account, or by a guardian for a second one.
    Raises `NotAllowed`, `NoChains`, `HouseholdFull`, `ProtectedHousehold`.
    """
    now = now or timezone.now()
    if by.id is None or not authority.may_act(by, ward, now):
        raise NotAllowed
    people = _locked(by.id, ward)
    if by.id == ward and _guards_somebody(people[ward]):
        raise NoChains
    if _protected(people[ward], people[by.id]):
        raise ProtectedHousehold
    _room_for_a_guardian(people[ward])
    code = "".join(secrets.choice(_LETTERS) for _ in range(10))
    HouseholdCode.objects.filter(ward_id=ward, made_by_id=by.id).delete()
    HouseholdCode.objects.create(
        sha256=_digest(code), ward_id=ward, made_by_id=by.id, expires_at=now + CODE_HOLDS
    )
    chain.record("guardianship_code_made", who=ward, by=by)
    return f"{code[:5]}-{code[5:]}"


def redeem(*, guardian: UUID, code: str, by: Actor, now: datetime | None = None) -> str:
    """Uses a code that somebody showed: active at once for a child without an account, else asked; returns the state.

    Every code that cannot be used gives the same `BadCode`; after ten wrong ones within an hour `TooManyTries`.
    Raises also `TooYoung`, `NoChains`, `HouseholdFull`, `ProtectedHousehold`, `AlreadyAsked`, `NotAllowed`.
    """
    if not by.is_self(guardian):
        raise NotAllowed
    handle = Resident.objects.filter(pk=guardian).values_list("handle", flat=True).first()
    lately = AuditEntry.objects.filter(who=str(handle), at__gt=timezone.now() - TRIES_WITHIN)
    if lately.filter(kind=WRONG_CODE).count() >= TRIES:
        raise TooManyTries
    try:
        with chain.together():
            return _redeem(guardian, code, by, now or timezone.now())
    except BadCode:
        chain.record(WRONG_CODE, who=guardian, by=by)
        raise


def _redeem(guardian: UUID, code: str, by: Actor, now: datetime) -> str:
    found = HouseholdCode.objects.filter(sha256=_digest(code), expires_at__gt=now).first()
    if found is None or guardian in {found.ward_id, found.made_by_id}:
        raise BadCode
    person, ward = (people := _locked(guardian, found.ward_id))[guardian], people[found.ward_id]
    if not HouseholdCode.objects.filter(pk=found.pk).delete()[0]:
        raise BadCode  # another browser was first
    _fit_to_guard(person)
    if person.confidential:
        raise ProtectedHousehold
    if _protected(ward) or _guards_somebody(ward):
        raise BadCode
    first = authority.in_force(now).filter(guardian_id=found.made_by_id, ward=ward).first()
    if first is None and found.made_by_id != ward.id:
        raise BadCode
    if Guardianship.objects.filter(guardian=person, ward=ward, state__in=_LIVING).exists():
        raise AlreadyAsked
    _room_for_one_more(person)
    _room_for_a_guardian(ward)
    basis = first.basis if first else (CHILD if authority.age_band(ward) == MINOR else REPRESENTED)
    at_once = first is not None and basis == CHILD and ward.issuer == ISSUER
    Guardianship.objects.create(
        guardian=person,
        ward=ward,
        basis=basis,
        state=ACTIVE if at_once else ASKED,
        ends_on=first.ends_on if first else None,
        asked_at=now,
        decided_at=now if at_once else None,
    )
    chain.record("guardianship_began" if at_once else "guardianship_asked", who=ward.id, by=by, basis=basis)
    return ACTIVE if at_once else ASKED


@chain.together()
def decide(
    *,
    guardianship_id: UUID,
    approve: bool,
    reason: str,
    by: Actor,
    ends_on: date | None = None,
    now: datetime | None = None,
) -> str:
    """An operator's decision, with the code of its reason; returns the state.

    An adult with an account has to say yes as well, unless a court ordered it; a child with an account needs the day
    on which it ends. Raises `NotAllowed`, `NotWaiting`, `UnknownReason`, `BadEnd`, and whatever no longer fits.
    """
    now = now or timezone.now()
    row, person, ward = _held(guardianship_id)
    if not by.has(OPERATOR) or by.id in {person.id, ward.id}:
        raise NotAllowed
    if row.state != ASKED or row.decided_at is not None:
        raise NotWaiting
    if reason not in (APPROVALS if approve else REFUSALS):
        raise UnknownReason
    row.reason, row.decided_at = reason, now
    if not approve:
        row.state = REFUSED
        row.save()
        _let_go(ward, now)
        chain.record("guardianship_refused", who=ward.id, by=by, reason=reason)
        return row.state
    _still_fits(person, ward)
    if row.basis == CHILD:
        row.ends_on = ends_on or row.ends_on
        _check_end(row.ends_on, now)
    wants_yes = row.basis == REPRESENTED and ward.issuer != ISSUER and reason != COURT_ORDER
    row.state = ASKED if wants_yes and row.agreed_at is None else ACTIVE
    row.save()
    kind = "guardianship_began" if row.state == ACTIVE else "guardianship_approved"
    chain.record(kind, who=ward.id, by=by, reason=reason, guardian=str(person.handle))
    return row.state


@chain.together()
def answer(*, guardianship_id: UUID, yes: bool, by: Actor, now: datetime | None = None) -> str:
    """What the adult says who is to be represented; returns the state. Raises `NotAllowed`, `NotWaiting`."""
    now = now or timezone.now()
    row, person, ward = _held(guardianship_id)
    if not by.is_self(ward.id) or row.basis != REPRESENTED:
        raise NotAllowed
    if row.state != ASKED or (yes and row.agreed_at is not None):
        raise NotWaiting
    if yes:
        _still_fits(person, ward)
        row.agreed_at = now
        row.state = ASKED if row.decided_at is None else ACTIVE
    else:
        row.state, row.reason, row.decided_at = REFUSED, DECLINED, now
    row.save()
    kind = {ASKED: "guardianship_agreed", ACTIVE: "guardianship_began", REFUSED: "guardianship_refused"}
    chain.record(kind[row.state], who=ward.id, by=by, guardian=str(person.handle))
    return row.state


@chain.together()
def end(*, guardianship_id: UUID, by: Actor, now: datetime | None = None) -> None:
    """Ends what is asked or active: the guardian, the grown-up ward, or an operator. Raises `NotAllowed`, `NotWaiting`."""
    row, person, ward = _held(guardianship_id)
    own = by.is_self(ward.id) and authority.ward_may_end(row)
    if not (by.is_self(person.id) or own or (by.has(OPERATOR) and by.id != ward.id)):
        raise NotAllowed
    if row.state not in _LIVING:
        raise NotWaiting
    _end(row, now or timezone.now(), by)


def end_due(now: datetime | None = None) -> int:
    """Marks those whose day has come (they held no longer already), and forgets codes that have expired."""
    now = now or timezone.now()
    HouseholdCode.objects.filter(expires_at__lte=now).delete()
    due = Guardianship.objects.filter(state__in=_LIVING, ends_on__lte=region_date(now))
    found = list(due.values_list("id", flat=True))
    return sum(sweeps.each("identity.end_guardianships", found, lambda key: _end_due(key, now)).results)


@chain.together()
def _end_due(key: UUID, now: datetime) -> bool:
    row, _, _ = _held(key)
    if row.state not in _LIVING:
        return False
    _end(row, now, SYSTEM)
    return True


# --- the rules -----------------------------------------------------------------------------------------------


def _asker(guardian: UUID, by: Actor) -> Resident:
    if not by.is_self(guardian):
        raise NotAllowed
    person = _locked(guardian)[guardian]
    _fit_to_guard(person)
    return person


def _fit_to_guard(person: Resident) -> None:
    """A ward, or an account of a minor, acts for nobody."""
    if authority.age_band(person) == MINOR:
        raise TooYoung
    if person.issuer == ISSUER or Guardianship.objects.filter(ward=person, state__in=_LIVING).exists():
        raise NoChains


def _still_fits(person: Resident, ward: Resident) -> None:
    _fit_to_guard(person)
    if _guards_somebody(ward):
        raise NoChains
    others = Guardianship.objects.filter(ward=ward, state__in=_LIVING, guardian__confidential=True)
    if (ward.confidential and not person.confidential) or others.exclude(guardian=person).exists():
        raise ProtectedHousehold


def _guards_somebody(person: Resident) -> bool:
    return Guardianship.objects.filter(guardian=person, state__in=_LIVING).exists()


def _protected(ward: Resident, *others: Resident) -> bool:
    """Whether nobody may join: the ward or one of their guardians is protected."""
    if ward.confidential or any(other.confidential for other in others):
        return True
    return Guardianship.objects.filter(ward=ward, state__in=_LIVING, guardian__confidential=True).exists()


def _room_for_one_more(person: Resident) -> None:
    if Guardianship.objects.filter(guardian=person, state__in=_LIVING).count() >= MOST_WARDS:
        raise HouseholdFull


def _room_for_a_guardian(ward: Resident) -> None:
    if Guardianship.objects.filter(ward=ward, state__in=_LIVING).count() >= MOST_GUARDIANS:
        raise HouseholdFull


def _check_end(ends_on: date | None, now: datetime) -> None:
    today = region_date(now)
    if ends_on is None or not today < ends_on <= authority.latest_end(today):
        raise BadEnd


# --- rows ----------------------------------------------------------------------------------------------------


def _locked(*ids: UUID) -> dict[UUID, Resident]:
    """The rows of these people, held in one order until the transaction ends; all of them have to be open."""
    found = hold(*ids)
    if any(row.erase_at is not None or not row.is_active for row in found.values()):
        raise NoSuchResident
    if len(found) != len(set(ids)):
        raise NoSuchResident
    return found


def _held(guardianship_id: UUID) -> tuple[Guardianship, Resident, Resident]:
    """The guardianship and both people; `NotAllowed` for one that is not there, as for one of strangers."""
    row = Guardianship.objects.filter(id=guardianship_id).first()
    if row is None:
        raise NotAllowed
    hold(row.guardian_id, row.ward_id)
    row = Guardianship.objects.select_related("guardian", "ward").get(id=guardianship_id)
    return row, row.guardian, row.ward


def _make_ward(
    guardian: Resident, name: str, values: Mapping[str, attributes.Value], ward_id: UUID | None = None
) -> Resident:
    """A resident who can never sign in; a protected guardian's ward is protected too."""
    shown = " ".join(unicodedata.normalize("NFKC", name).split())
    if not 1 <= len(shown) <= 50 or any(unicodedata.category(letter)[0] == "C" for letter in shown):
        raise BadName
    key = ward_id or uuid4()
    return Resident.objects.create(
        id=key,
        issuer=ISSUER,
        subject=str(key),
        password=make_password(None),
        display_name=shown,
        locale=guardian.locale,
        confidential=guardian.confidential,
        attributes=attributes.to_json(values),
    )


def _end(row: Guardianship, now: datetime, by: Actor) -> None:
    row.state, row.ended_at = ENDED, now
    row.save()
    HouseholdCode.objects.filter(ward_id=row.ward_id, made_by_id=row.guardian_id).delete()
    _let_go(row.ward, now)
    chain.record("guardianship_ended", who=row.ward_id, by=by, guardian=str(row.guardian.handle))


def _let_go(ward: Resident, now: datetime) -> None:
    """A ward without an account and without a guardian is closed at once and erased by the next sweep."""
    if ward.issuer != ISSUER or Guardianship.objects.filter(ward=ward, state__in=_LIVING).exists():
        return
    Resident.objects.filter(id=ward.id).update(is_active=False, erase_at=now)
    # The report needs a reference, which nobody is given: nobody is there to read it.
    nobody = hashlib.sha256(secrets.token_bytes(32)).hexdigest()
    Erasure.objects.create(reference_sha256=nobody, resident_id=ward.id, asked_at=now, due_at=now)
    chain.record("erasure_asked", who=ward.id, by=SYSTEM)


def _digest(code: str) -> str:
    plain = unicodedata.normalize("NFKC", code).upper()
    return hashlib.sha256("".join(c for c in plain if c in _LETTERS).encode()).hexdigest()
