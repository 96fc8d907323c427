"""What identity keeps no longer than it must: each table has its time, and is emptied in small transactions.

The consent ledger and the audit chain are kept as long as the person is known; a person's own are erased with them.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core import sweeps
from identity.audit import chain
from identity.consent import access_log
from identity.domain.roles import PORTAL
from identity.forms import kept, sendings
from identity.models import (
    AccessLog,
    ConsentEvent,
    LogoutDelivery,
    OidcSession,
    ProtectionLift,
    ProviderSession,
    SeenToken,
)
from identity.residents.protection import LIFT_HOLDS

BATCH = 1000
LOGOUTS = timedelta(days=7)
"""Whether a gadget confirmed a sign-out; the token itself is gone at once."""
SIGN_INS = timedelta(days=30)
"""Sign-ins at the embedded provider that have ended, with their codes: a replay is noticed as long."""
EVENTS = timedelta(days=400)
"""Whoever reads them by a cursor has done so long before."""
ACCESSES = timedelta(days=3 * 365)
"""What left, for the resident to look up."""
ORPHANS = timedelta(days=1)
"""A session at the ID whose portal session is gone; a day, because the two are written one after the other."""


def clean(*, now: datetime | None = None) -> dict[str, int]:
    """Deletes what is past its time; returns how many rows of each table. Any number may run it at once."""
    at = now or timezone.now()
    here = Exists(Session.objects.filter(session_key=OuterRef("session_key")))
    over = Q(ended_at__lt=at - SIGN_INS) | Q(Q(ended_at=None, created_at__lt=at - SIGN_INS) & ~here)
    settled = (LogoutDelivery.State.DONE, LogoutDelivery.State.FAILED)
    tables: dict[str, Callable[[], int]] = {
        "logouts": lambda: _sweep(LogoutDelivery.objects.filter(state__in=settled, next_at__lt=at - LOGOUTS)),
        "seen_tokens": lambda: _sweep(SeenToken.objects.filter(expires_at__lt=at)),
        "sign_ins": lambda: _sweep(ProviderSession.objects.filter(over)),
        "events": lambda: _oldest(ConsentEvent.objects.all(), before=at - EVENTS),
        "accesses": lambda: _accesses(before=at - ACCESSES),
        "lifts": lambda: _sweep(ProtectionLift.objects.filter(asked_at__lt=at - LIFT_HOLDS)),
        "sessions": lambda: _sweep(Session.objects.filter(expire_date__lt=at)),
        "sendings": lambda: _sweep(sendings.over(at)),
        "kept_forms": lambda: _sweep(kept.over(at)),
        "orphans": lambda: _sweep(OidcSession.objects.filter(created_at__lt=at - ORPHANS).exclude(here)),
    }
    return dict(sweeps.each("identity.clean", tables, lambda name: tables[name]()).done)


def _accesses(before: datetime) -> int:
    """The rows go, their hashes stay; the entry of the chain says up to which row, so that no other may be missing."""
    access_log.seal()
    old = AccessLog.objects.exclude(seal=None)
    gone, more = 0, True
    while more:
        batch = list(old.order_by("pk").values_list("pk", "at")[:BATCH])
        keys = [key for key, at in batch if at < before]
        more = len(keys) == BATCH
        if keys:
            with chain.together():
                number = _delete(old, keys)
                chain.record(
                    "accesses_expired", by=PORTAL, through=max(keys), rows=number, before=chain.moment(before)
                )
            gone += number
    return gone


def _sweep(rows: "models.QuerySet[Any]") -> int:
    """For tables that stay small, or have an index for just this."""
    gone = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        gone += _delete(rows, keys)
    return gone


def _oldest(rows: "models.QuerySet[Any]", *, before: datetime) -> int:
    """For tables that only grow: their keys are in the order of time, so that no more than what goes is read."""
    gone, more = 0, True
    while more:
        batch = list(rows.order_by("pk").values_list("pk", "at")[:BATCH])
        keys = [key for key, at in batch if at < before]
        more = len(keys) == BATCH
        gone += _delete(rows, keys) if keys else 0
    return gone


def _delete(rows: "models.QuerySet[Any]", keys: Iterable[Any]) -> int:
    with transaction.atomic():
        each: dict[str, int] = rows.model._default_manager.filter(pk__in=list(keys)).delete()[1]
    return each.get(rows.model._meta.label, 0)
