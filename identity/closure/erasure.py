"""Closing an account: asked for, undone within fourteen days, then carried out in steps that may each be run again.

What identity itself holds is erased here. The order of all steps, with gadgets and the city's pages, is composed
above this package (`portal.mydata.account.erasing`); every function here is one step or one read.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import DO_NOTHING, SET_NULL, ForeignObjectRel, Q
from django.utils import timezone
from oauth2_provider.models import get_application_model

from core.texts import gettext_noop
from identity.audit import chain
from identity.domain.roles import SYSTEM, Actor
from identity.errors import NoSuchResident, NotAllowed, NothingToUndo
from identity.household import authority
from identity.idp import provider
from identity.models import (
    ConsentEvent,
    ConsentReceipt,
    ConsentState,
    Erasure,
    NoticeVersion,
    OidcSession,
    ProviderSession,
    Resident,
)
from identity.residents import guards
from identity.sessions import portal_sessions

WAIT = timedelta(days=14)
ANSWERS_WITHIN = timedelta(days=60)
"""Twice the time after which a provider that never answered is written down as such."""
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U to be misread
_GROUPS, _GROUP = 4, 4

ANNOUNCED, SESSIONS, PROVIDER, ID, PORTAL = "announced", "sessions", "provider", "id", "portal"
"""Parts of a report. Each entry is a mapping with its `part`; none names a person."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is shown once: the reference (only its hash is kept) and the day."""

    reference: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class View:
    """An erasure as whoever holds its reference may read it."""

    asked_at: datetime
    due_at: datetime
    undone_at: datetime | None
    begun_at: datetime | None
    done_at: datetime | None
    report: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Due:
    """An erasure whose time has come: the account first, then the wards that go with it."""

    id: UUID
    people: tuple[UUID, ...]
    report: tuple[Mapping[str, Any], ...]

    def has(self, part: str) -> bool:
        return any(entry["part"] == part for entry in self.report)


# --- asking and undoing --------------------------------------------------------------------------------------


@chain.together()
def ask(
    *, resident_id: UUID, announced: Sequence[Mapping[str, Any]], by: Actor, now: datetime | None = None
) -> Asked:
    """Closes the account from this moment and erases it in fourteen days; the wards that only it acts for, too.

    `announced` is what the providers said in the dry run; it opens the report. Call `end_sessions` afterwards,
    outside of any transaction. Raises `NotAllowed`, `NoSuchResident` (also when it was asked before).
    """
    if not by.is_self(resident_id):
        raise NotAllowed(gettext_noop("自分のアカウントだけを閉じられます。"))
    now = now or timezone.now()
    due = now + WAIT
    _hold_people(resident_id)
    if not Resident.objects.filter(pk=resident_id, is_active=True, erase_at=None).update(erase_at=due):
        raise NoSuchResident
    wards = authority.wards_to_erase(resident_id)
    Resident.objects.filter(pk__in=wards).update(erase_at=due)
    reference = "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    Erasure.objects.create(
        reference_sha256=_digest(reference),
        resident_id=resident_id,
        asked_at=now,
        due_at=due,
        report=[*({**row, "part": ANNOUNCED} for row in announced), {"part": SESSIONS, "ended_at": None}],
    )
    for person in (resident_id, *wards):
        chain.record("erasure_asked", who=person, by=by)
    return Asked(reference, due)


def _hold_people(resident_id: UUID) -> None:
    guards.hold(resident_id, *authority.wards_to_erase(resident_id))


def end_sessions(resident_id: UUID) -> None:
    """Ends every session: at the portal at once, then at the ID. Raises `ProviderProblem`; the sweep tries again."""
    portal_sessions.end_resident(resident_id)
    provider().end_everywhere(resident_id)
    with transaction.atomic():
        row = Erasure.objects.select_for_update().filter(resident_id=resident_id, undone_at=None).first()
        if row is not None:
            _replace(row, SESSIONS, {"part": SESSIONS, "ended_at": timezone.now().isoformat()})


def sessions_due(limit: int = 20) -> tuple[tuple[UUID, UUID], ...]:
    """Erasures, each with its resident, whose sessions at the ID could not be ended when they asked."""
    rows = Erasure.objects.filter(resident_id__isnull=False, begun_at=None, undone_at=None)
    return tuple(
        (row.id, row.resident_id)
        for row in rows.order_by("asked_at").iterator()
        if row.resident_id and any(e["part"] == SESSIONS and not e["ended_at"] for e in row.report)
    )[:limit]


@chain.together()
def undo(*, resident_id: UUID, now: datetime | None = None) -> None:
    """Everything as before; the resident in person asked for it. Raises `NothingToUndo` once it has begun."""
    now = now or timezone.now()
    _hold_people(resident_id)
    row = Erasure.objects.select_for_update().filter(resident_id=resident_id, undone_at=None).first()
    if row is None or row.begun_at is not None:
        raise NothingToUndo
    wards = authority.wards_to_erase(resident_id)
    people = [resident_id, *wards]
    Resident.objects.filter(pk__in=people, erase_at=row.due_at).update(erase_at=None)
    row.undone_at, row.resident_id = now, None
    row.save(update_fields=["undone_at", "resident_id"])
    for person in people:
        chain.record("erasure_undone", who=person, by=Actor(id=resident_id))


def due_day(resident_id: UUID) -> datetime | None:
    """When the account is erased; None when nobody asked for it, or when it is gone."""
    return Resident.objects.filter(pk=resident_id).values_list("erase_at", flat=True).first()


# --- the report ----------------------------------------------------------------------------------------------


def read(reference: str) -> View | None:
    """The report for whoever holds the reference; spaces, hyphens and small letters do not matter."""
    row = Erasure.objects.filter(reference_sha256=_digest(reference)).first()
    if row is None:
        return None
    return View(row.asked_at, row.due_at, row.undone_at, row.begun_at, row.done_at, tuple(row.report))


def _digest(reference: str) -> str:
    plain = "".join(letter for letter in reference.upper() if letter in _LETTERS)
    return hashlib.sha256(plain.encode()).hexdigest()


def _replace(row: Erasure, part: str, *entries: Mapping[str, Any]) -> None:
    """The report with these entries instead of what it says of `part`, written back."""
    row.report = [*(entry for entry in row.report if entry["part"] != part), *entries]
    row.save(update_fields=["report"])


# --- carrying it out -----------------------------------------------------------------------------------------


def due(now: datetime, limit: int = 20) -> tuple[UUID, ...]:
    """Erasures whose time has come and that are not done, the oldest first."""
    rows = Erasure.objects.filter(due_at__lte=now, done_at=None, undone_at=None, resident_id__isnull=False)
    return tuple(rows.order_by("due_at").values_list("id", flat=True)[:limit])


def hold(erasure_id: UUID, *, now: datetime) -> Due | None:
    """Holds an erasure in the caller's transaction and begins it; None when somebody else has finished or undone it."""
    row = (
        Erasure.objects.select_for_update()
        .filter(pk=erasure_id, done_at=None, undone_at=None, resident_id__isnull=False)
        .first()
    )
    if row is None or row.resident_id is None:
        return None
    if row.begun_at is None:
        row.begun_at = now
        row.save(update_fields=["begun_at"])
    people = (row.resident_id, *authority.wards_to_erase(row.resident_id))
    guards.hold(*people)
    return Due(row.id, people, tuple(row.report))


def note(erasure_id: UUID, part: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Writes what a step came to into the report, in the caller's transaction."""
    row = Erasure.objects.select_for_update().get(pk=erasure_id)
    _replace(row, part, *({**entry, "part": part} for entry in entries))


def delete_at_id(resident_id: UUID) -> None:
    """Takes the account away at the ID; one that is gone already is fine. Raises `ProviderProblem`. HTTP.

    A ward who outlived their last guardian never had one: nothing to do there.
    """
    if not Resident.objects.filter(pk=resident_id, issuer=authority.ISSUER).exists():
        provider().delete_account(resident_id)


def forget_sessions(people: Sequence[UUID]) -> int:
    """Ends what is left of sessions in database and cache; no session names these people afterwards.

    A session's data is opaque to the database, so every one that lives is looked into.
    """
    residents = Resident.objects.filter(pk__in=people)
    names = {str(pk) for pk in people}
    known = Q()
    for issuer, subject in residents.values_list("issuer", "subject"):
        known |= Q(issuer=issuer, sub=subject)
    keys = set(OidcSession.objects.filter(known).values_list("session_key", flat=True)) if known else set()
    keys |= set(ProviderSession.objects.filter(resident__in=people).values_list("session_key", flat=True))
    for row in Session.objects.iterator(chunk_size=1000):
        if any(name in str(row.get_decoded()) for name in names):
            keys.add(row.session_key)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for key in keys:
        store().delete(key)
    OidcSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows of each table went, and how many stayed without the person (work in public, such as a page)."""

    deleted: Mapping[str, int]
    unnamed: Mapping[str, int]


@chain.together()
def forget(resident_id: UUID) -> Forgotten:
    """Deletes every row of the person and at last the person; how many by table. In the caller's transaction.

    What a table keeps without the person (`SET_NULL`, `DO_NOTHING`) loses the name first. The audit chain and the
    hashes of the access log keep their handle, which nothing leads to any more.
    """
    resident = Resident.objects.select_for_update().filter(pk=resident_id).first()
    if resident is None:
        return Forgotten({}, {})
    counts: Counter[str] = Counter()
    unnamed = _unname(resident)
    _count(counts, ConsentState.objects.filter(resident=resident).delete())
    shown = set(ConsentReceipt.objects.filter(resident=resident).values_list("notice_id", flat=True))
    counts[ConsentReceipt._meta.db_table] += ConsentReceipt.objects.all().erase_all_of(resident_id)
    _count(counts, _own_notices(resident, shown).delete())
    _count(counts, ConsentEvent.objects.filter(resident_id=resident_id).delete())
    _count(counts, OidcSession.objects.filter(issuer=resident.issuer, sub=resident.subject).delete())
    chain.record("erased", who=resident_id, by=SYSTEM)
    _count(counts, resident.delete())
    return Forgotten(dict(sorted(counts.items())), unnamed)


def _unname(resident: Resident) -> Mapping[str, int]:
    """Takes the person out of rows that stay: what they did in public, and a client at the ID that they made."""
    made: dict[str, int] = {}
    for relation in Resident._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ForeignObjectRel) or relation.field.many_to_many:
            continue
        model, field = relation.field.model, relation.field
        if relation.on_delete not in {SET_NULL, DO_NOTHING} and model is not get_application_model():
            continue
        number = model._base_manager.filter(**{field.name: resident}).update(**{field.name: None})
        if number:
            made[model._meta.db_table] = made.get(model._meta.db_table, 0) + number
    return dict(sorted(made.items()))


def _own_notices(resident: Resident, shown: Iterable[str | None]) -> Any:
    """Texts that were shown to nobody else and call the person by name."""
    if not resident.display_name:
        return NoticeVersion.objects.none()
    return NoticeVersion.objects.filter(
        pk__in=[key for key in shown if key], text__contains=resident.display_name, consentreceipt=None
    )


def _count(counts: Counter[str], deleted: tuple[int, Mapping[str, int]]) -> None:
    from django.apps import apps

    for label, number in deleted[1].items():
        if number:
            counts[apps.get_model(label)._meta.db_table] += number


def finish(
    erasure_id: UUID, *, deleted: Mapping[str, int], unnamed: Mapping[str, int], now: datetime
) -> None:
    """The last step, in the transaction that took the rows: the report stays and names nobody."""
    row = Erasure.objects.select_for_update().get(pk=erasure_id)
    row.report = [
        *(entry for entry in row.report if entry["part"] not in {PORTAL, SESSIONS}),
        {"part": PORTAL, "at": now.isoformat(), "deleted": dict(deleted), "unnamed": dict(unnamed)},
    ]
    row.resident_id, row.done_at = None, now
    row.save()


def unanswered(now: datetime) -> tuple[tuple[UUID, tuple[Mapping[str, Any], ...]], ...]:
    """Reports of the last weeks in which a provider has not answered yet, with what they say of providers."""
    rows = Erasure.objects.filter(begun_at__gte=now - ANSWERS_WITHIN).order_by("begun_at")
    found = []
    for row in rows.iterator(chunk_size=200):
        entries = tuple(entry for entry in row.report if entry["part"] == PROVIDER)
        if any(entry.get("state") == "waiting" for entry in entries):
            found.append((row.id, entries))
    return tuple(found)
