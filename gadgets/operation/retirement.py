"""The end of a gadget: announced to residents, then over for good; consents end and providers are told to forget."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from core import sweeps
from core.region_time import region_local
from gadgets.errors import LifeError, WrongStateError
from gadgets.models import EventDelivery, Gadget, GadgetVersion, Placement, bump_registry
from gadgets.operation.oidc_clients import client_due
from gadgets.operation.rollout import WHOLE
from gadgets.review.transitions import (
    OPEN,
    Decision,
    Side,
    is_member,
    locked,
    member,
    note,
    operator,
    side_of,
    words,
)
from gadgets.webhooks import events
from gadgets.webhooks.recipients import addressee
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.roles import OPERATOR, SYSTEM, Actor

log = logging.getLogger(__name__)

JOB = "gadgets.end_gadgets"
SHORTEST_NOTICE = timedelta(days=14)
LONGEST_NOTICE = timedelta(days=366)
NOTE_LENGTH = 500
AT_ONCE = 500
"""Residents whose consents end in one go of the sweep."""
_LIVING = (Gadget.State.PUBLISHED, Gadget.State.SUSPENDED)


@transaction.atomic
def announce_retirement(*, gadget_id: str, at: datetime, sentence: str, by: Actor) -> None:
    """Tells residents until when the gadget is there, and why; at that time a sweep retires it.

    By the provider or an operator; announcing again moves the day. Raises LifeError for a day too soon or too late.
    """
    gadget = locked(gadget_id)
    if not by.has(OPERATOR):
        member(gadget.provider_id, by)
    if gadget.state not in _LIVING:
        raise WrongStateError
    now = timezone.now()
    if not now + SHORTEST_NOTICE <= at <= now + LONGEST_NOTICE:
        raise LifeError(
            gettext_noop("終わる日は、%(low)s日後から%(high)s日後までの間で決めてください。"),
            low=SHORTEST_NOTICE.days,
            high=LONGEST_NOTICE.days,
        )
    told = words(sentence)[:NOTE_LENGTH]
    Gadget.objects.filter(pk=gadget.pk).update(retires_at=at, retire_note=told)
    day = region_local(at)
    note(
        gadget,
        gadget.published,
        by,
        Decision.ANNOUNCED,
        f"{day:%Y-%m-%d}: {told}",
        side=side_of(gadget.provider_id, by),
    )
    bump_registry()


@transaction.atomic
def cancel_retirement(*, gadget_id: str, by: Actor) -> None:
    """Takes the announcement back: the gadget stays."""
    gadget = locked(gadget_id)
    if not by.has(OPERATOR):
        member(gadget.provider_id, by)
    announced = Gadget.objects.filter(pk=gadget.pk, state__in=_LIVING, retires_at__isnull=False)
    if not announced.update(retires_at=None, retire_note=""):
        raise WrongStateError(gettext_noop("終了の予告はありません。"))
    note(
        gadget,
        gadget.published,
        by,
        Decision.ANNOUNCED,
        "終了の予告を取り消しました。",
        side=side_of(gadget.provider_id, by),
    )
    bump_registry()


@transaction.atomic
def retire(*, gadget_id: str, by: Actor, reason: str = "") -> None:
    """The end at once; an id is never used again.

    By the provider while no resident has seen it; of a published one by an operator only, with a reason. A provider
    announces the end instead (`announce_retirement`).
    """
    gadget = locked(gadget_id)
    if gadget.state == Gadget.State.RETIRED:
        raise WrongStateError
    own = is_member(gadget.provider_id, by)
    if gadget.published_id is None and (own or not by.has(OPERATOR)):
        member(gadget.provider_id, by)
        _end(gadget, by, reason.strip(), timezone.now())
        return
    if own and not by.has(OPERATOR):
        raise WrongStateError(gettext_noop("公開中のサービスは、終わる日を予告してから終了します。"))
    operator(by)
    _end(gadget, by, words(reason) if gadget.published_id else reason.strip(), timezone.now())


def _end(gadget: Gadget, by: Actor, reason: str, now: datetime) -> None:
    gadget.versions.filter(state__in=OPEN).update(state=GadgetVersion.State.REPLACED)
    ended = Gadget.objects.filter(pk=gadget.pk).exclude(state=Gadget.State.RETIRED)
    if not ended.update(
        state=Gadget.State.RETIRED,
        retires_at=now,
        retire_note=gadget.retire_note or reason,
        earlier=None,
        earlier_until=None,
        share=WHOLE,
    ):
        raise WrongStateError
    side = Side.MACHINE if by.id is None else side_of(gadget.provider_id, by)
    note(gadget, gadget.published, by, Decision.RETIRED, reason, side=side)
    Placement.objects.filter(gadget_id=gadget.gadget_id).delete()
    _order_erasure(gadget.gadget_id)
    bump_registry()
    client_due(gadget)


def _order_erasure(gadget_id: str) -> None:
    """At level pairwise the provider is told to forget every pseudonym that it was given."""
    to = addressee(gadget_id)
    if to is None or to.url is None:
        return
    subs = identity_queries.subjects_of(gadget_id)
    EventDelivery.objects.bulk_create(
        (EventDelivery(gadget_id=gadget_id, sub=sub, kind=EventDelivery.Kind.ERASURE) for sub in subs),
        batch_size=1000,
    )
    transaction.on_commit(events.kick)


# --- the sweep -------------------------------------------------------------------------------------------------


def sweep(*, now: datetime | None = None) -> int:
    """Retires what was announced for now, and ends the consents of what is retired; returns how many of both."""
    at = now or timezone.now()
    due = Gadget.objects.filter(state__in=_LIVING, retires_at__lte=at).values_list("gadget_id", flat=True)
    retired = sweeps.each(JOB, due, lambda gadget_id: _retire_due(gadget_id, at)).results
    return sum(retired) + _end_consents()


@transaction.atomic
def _retire_due(gadget_id: str, now: datetime) -> bool:
    gadget = locked(gadget_id)
    if gadget.state not in _LIVING or gadget.retires_at is None or gadget.retires_at > now:
        return False  # somebody moved the day, or was faster
    _end(gadget, SYSTEM, "", now)
    log.info("gadget %s retired as announced", gadget_id)
    return True


def _end_consents() -> int:
    ended = list(
        Gadget.objects.filter(state=Gadget.State.RETIRED, published__isnull=False).values_list(
            "gadget_id", flat=True
        )
    )
    left = identity_queries.still_granted(ended) if ended else ()
    ends = sweeps.each(
        JOB,
        left,
        lambda one: identity_actions.end_grants(recipient=one, most=AT_ONCE, by=SYSTEM),
        key=lambda one: f"consents:{one}",
    )
    return sum(ends.results)
