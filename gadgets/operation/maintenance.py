"""Planned maintenance of a gadget: announced by its provider or an operator, in the registry until it is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from core.region_time import region_local
from core.texts import Texts
from gadgets.errors import LifeError, WrongStateError
from gadgets.models import Gadget, Maintenance, bump_registry
from gadgets.review.transitions import Decision, locked, member, note, side_of
from identity.domain.roles import OPERATOR, Actor

LONGEST = timedelta(days=14)
FURTHEST = timedelta(days=180)
MOST = 20
"""Windows that one gadget may have planned."""
NOTE_LENGTH = 300
_LATE = timedelta(minutes=5)
"""A form that was filled in for "now" takes a moment to arrive."""


@dataclass(frozen=True, slots=True)
class Window:
    """One planned pause, as its provider and the operator see it."""

    id: int
    starts_at: datetime
    ends_at: datetime
    note: Texts


def windows(gadget_id: str, *, now: datetime) -> tuple[Window, ...]:
    """What is planned or running, the next one first."""
    rows = Maintenance.objects.filter(gadget__gadget_id=gadget_id, ends_at__gt=now).order_by("starts_at")
    return tuple(Window(row.pk, row.starts_at, row.ends_at, row.note) for row in rows)


@transaction.atomic
def plan(*, gadget_id: str, starts_at: datetime, ends_at: datetime, sentence: str, by: Actor) -> int:
    """Plans a pause; returns its number. `sentence` is what residents read besides the times; it may be empty.

    Raises LifeError with the rule that a window breaks.
    """
    gadget = _allowed(gadget_id, by)
    if gadget.state not in (Gadget.State.PUBLISHED, Gadget.State.SUSPENDED):
        raise WrongStateError(gettext_noop("公開しているサービスだけが、点検の予定を出せます。"))
    now = timezone.now()
    if ends_at <= starts_at:
        raise LifeError(gettext_noop("終わりの時刻は、始まりより後にしてください。"))
    if starts_at < now - _LATE:
        raise LifeError(gettext_noop("すでに過ぎた時刻からの点検は予定できません。"))
    if ends_at - starts_at > LONGEST:
        raise LifeError(gettext_noop("一度の点検は%(days)s日以内にしてください。"), days=LONGEST.days)
    if starts_at > now + FURTHEST:
        raise LifeError(
            gettext_noop("%(days)s日より先の点検は、近くなってから予定してください。"), days=FURTHEST.days
        )
    planned = gadget.maintenances.filter(ends_at__gt=now)
    if planned.filter(starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
        raise LifeError(gettext_noop("ほかの点検の予定と重なっています。"))
    if planned.count() >= MOST:
        raise LifeError(gettext_noop("点検の予定は%(most)s件までです。"), most=MOST)
    told = sentence.replace("\0", "").strip()[:NOTE_LENGTH]
    row = Maintenance.objects.create(
        gadget=gadget, starts_at=starts_at, ends_at=ends_at, note={"ja": told} if told else {}
    )
    _noted(gadget, by, f"{_span(row)} {told}".strip())
    return row.pk


@transaction.atomic
def cancel(*, gadget_id: str, window: int, by: Actor) -> None:
    """Takes a planned pause back; one that has begun ends now."""
    gadget = _allowed(gadget_id, by)
    now = timezone.now()
    row = gadget.maintenances.filter(pk=window, ends_at__gt=now).first()
    if row is None:
        raise WrongStateError(gettext_noop("この点検の予定は、もうありません。"))
    if row.starts_at < now:
        row.ends_at = now
        row.save(update_fields=["ends_at"])
    else:
        row.delete()
    _noted(gadget, by, f"取り消し: {_span(row)}")


def _allowed(gadget_id: str, by: Actor) -> Gadget:
    gadget = locked(gadget_id)
    if not by.has(OPERATOR):
        member(gadget.provider_id, by)
    return gadget


def _span(row: Maintenance) -> str:
    start, end = region_local(row.starts_at), region_local(row.ends_at)
    return f"{start:%Y-%m-%d %H:%M} - {end:%Y-%m-%d %H:%M}"


def _noted(gadget: Gadget, by: Actor, told: str) -> None:
    note(
        gadget,
        gadget.published,
        by,
        Decision.MAINTENANCE,
        told,
        side=side_of(gadget.provider_id, by),
    )
    bump_registry()
