"""What every write about a resident begins and ends with: who may, the row held, and what a change leaves behind."""

from uuid import UUID

from django.db import transaction
from django.db.models import F

from core import jobs
from core.texts import gettext_noop
from identity.domain import consent
from identity.domain.roles import Actor
from identity.errors import NoSuchResident, NotAllowed
from identity.household import authority
from identity.models import ConsentEvent, Resident


def own_only(by: Actor, resident_id: UUID) -> None:
    """Raises `NotAllowed` unless it is the resident who acts, or who may act for them at this moment."""
    if not authority.may_act(by, resident_id):
        raise NotAllowed(gettext_noop("自分の設定だけを変えられます。"))


def locked(resident_id: UUID) -> Resident:
    """The resident's row, held until the transaction ends, so that two decisions never cross.

    Every act holds this row first, then whatever else it needs, then the audit chain. `no_key`: a row that points
    to the resident can be written meanwhile; else its foreign key would wait here for whoever waits for it.
    """
    try:
        return Resident.objects.select_for_update(no_key=True).get(
            id=resident_id, is_active=True, erase_at=None
        )
    except Resident.DoesNotExist as error:
        raise NoSuchResident from error


def hold(*resident_ids: UUID) -> dict[UUID, Resident]:
    """The rows of several residents, open or closed, held in one order: two acts never hold one and want the other."""
    rows = Resident.objects.select_for_update(no_key=True).filter(id__in=set(resident_ids))
    return {row.id: row for row in rows.order_by("id")}


def next_number(resident: Resident) -> int:
    """The next number of the resident's own sequence; the caller holds the row, as `locked` gave it."""
    resident.sequence += 1
    Resident.objects.filter(id=resident.id).update(sequence=resident.sequence)
    return resident.sequence


def changed(resident: Resident, recipient: str, kind: str) -> None:
    """Makes whatever was cached before miss, and tells the packages above by an event."""
    newer_version(resident)
    ConsentEvent.objects.create(resident_id=resident.id, recipient=recipient, kind=kind)
    if kind == consent.WITHDRAWN:
        transaction.on_commit(lambda: jobs.kick(jobs.CONSENT_EVENTS))


def newer_version(resident: Resident) -> None:
    """Makes whatever was cached before miss."""
    Resident.objects.filter(id=resident.id).update(consent_version=F("consent_version") + 1)
