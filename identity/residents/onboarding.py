"""The first visit: whether somebody has been welcomed, and where whoever has just signed in goes first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest

from core.texts import gettext_noop
from identity import hooks
from identity.domain import attributes
from identity.domain.attributes import Value
from identity.domain.roles import OPERATOR, RESIDENT, Actor
from identity.errors import NoSuchResident, NotAllowed
from identity.models import Resident


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who has just signed in. `plain`: a resident and nothing else, neither officer nor provider."""

    resident_id: UUID
    onboarded: bool
    plain: bool
    attributes: Mapping[str, Value]


def target_of(request: HttpRequest, resident: Resident, target: str) -> str:
    """Where to send somebody who has just signed in; reads nothing beyond the row that sign-in holds."""
    arrival = Arrival(
        resident_id=resident.id,
        onboarded=resident.onboarded_at is not None,
        plain=not set(resident.roles) - {RESIDENT},
        attributes=attributes.from_json(resident.attributes),
    )
    return hooks.registered().first_stop(request, arrival, target)


@transaction.atomic
def set_onboarded(*, resident_id: UUID, by: Actor, now: datetime) -> None:
    """Notes that somebody has been welcomed; the first time counts. Raises `NotAllowed`, `NoSuchResident`."""
    program = by.id is None and by.has(OPERATOR)
    if not (program or by.is_self(resident_id)):
        raise NotAllowed(gettext_noop("自分の設定だけを変えられます。"))
    people = Resident.objects.filter(id=resident_id, is_active=True, erase_at=None)
    if not people.filter(onboarded_at=None).update(onboarded_at=now) and not people.exists():
        raise NoSuchResident
