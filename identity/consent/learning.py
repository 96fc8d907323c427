"""Learning from behaviour: the pseudonym under which it is kept, and what is forgotten when the consent has ended."""

import hashlib
import hmac
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import sweeps
from identity import hooks
from identity.domain import consent, subjects
from identity.models import ConsentState, Resident

SECTOR = "recommender"
JOB = "identity.end_expired_learning"
LOOK_BACK = timedelta(days=7)
"""Grants that ended by date are looked for so far back: a sweep that stood still for some days misses none."""


def ended(resident_id: UUID) -> None:
    """This resident's yes is over, in the caller's transaction."""
    hooks.registered().forget_behaviour(resident_id)


@cache
def _salt() -> bytes:
    return hmac.new(settings.NUMBER_KEY, b"recommender-subject", hashlib.sha256).hexdigest().encode()


def subject(resident_id: UUID) -> str:
    """The pseudonym of the recommender, equal to that of no gadget; it takes no query."""
    return subjects.pairwise(SECTOR, str(resident_id), _salt())


def end_expired(now: datetime | None = None) -> int:
    """Forgets what is left of residents whose grant ended by date; returns of how many."""
    at = now or timezone.now()
    over = ConsentState.objects.filter(
        recipient=consent.LEARNING,
        status=consent.GRANTED,
        expires_at__lte=at,
        expires_at__gt=at - LOOK_BACK,
    )
    residents = list(over.values_list("resident_id", "resident__handle").distinct())
    return len(sweeps.each(JOB, residents, _end_one, key=lambda one: one[1]).done)


@transaction.atomic
def _end_one(resident: tuple[UUID, UUID]) -> None:
    Resident.objects.select_for_update(no_key=True).filter(pk=resident[0]).first()
    ended(resident[0])


def without_the_order(now: datetime | None = None) -> list[tuple[UUID, UUID]]:
    """Residents (id, handle) whose yes to learning holds and whose yes to the order, for which alone it is, has run out."""
    at = now or timezone.now()
    holds = ConsentState.objects.filter(status=consent.GRANTED).exclude(expires_at__lte=at)
    ordered = holds.filter(recipient=consent.RECOMMENDER).values("resident_id")
    learns = holds.filter(recipient=consent.LEARNING).exclude(resident_id__in=ordered)
    return list(learns.values_list("resident_id", "resident__handle").distinct())
