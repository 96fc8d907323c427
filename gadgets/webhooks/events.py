"""Events to providers: made from what identity tells by cursor, queued in a table, sent until they are answered.

The row is the queue. `sweep` is called every few seconds and right after a withdrawal; any number of workers may run
it at once. A provider that is away costs one call in each sweep, however much waits for it.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Min, QuerySet
from django.utils import timezone

from core import jobs, sweeps
from gadgets.cards import prefetch, private_cards
from gadgets.errors import DoorError, EventAnswerError
from gadgets.models import EventCursor, EventDelivery
from gadgets.outbound.outside_transaction import give_back_connections, refuse_in_transaction
from gadgets.webhooks import event_wire
from gadgets.webhooks.event_wire import Event, Told
from gadgets.webhooks.recipients import Addressee, addressee, addressees
from identity import queries as identity_queries
from identity.domain.consent import WITHDRAWN
from identity.errors import IdentityError
from identity.queries import EventRow

log = logging.getLogger(__name__)

WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""From one try to the next; after these, `LATER`."""
LATER = timedelta(hours=6)
GIVEN_UP = timedelta(days=30)
REMEMBERED = timedelta(days=90)
CALL_SECONDS = 5.0
AT_ONCE = 8
"""Gadgets that are told at the same time."""
IN_A_ROW = 10
"""Events that one gadget is told in one sweep."""
STUCK = timedelta(seconds=CALL_SECONDS * IN_A_ROW * 2)
TRIED_AGAIN = timedelta(days=1)
"""So long an event that could not be handled holds its place; then the cursor moves over it."""
SETTLING = timedelta(seconds=60)
"""Longer than a transaction may take: an event that commits late still gets its turn."""
PAGE, PAGES = 500, 20

State = EventDelivery.State
Kind = EventDelivery.Kind


def sweep(now: datetime | None = None) -> int:
    """Queues what happened, sends what is due, forgets what is old; returns how many events were answered."""
    # Without `now` each looks at the clock itself: what was just collected is due.
    kinds = {"collect": collect, "deliver": deliver_due, "tidy": tidy}
    done = dict(sweeps.each(jobs.CONSENT_EVENTS, kinds, lambda kind: kinds[kind](now=now)).done)
    return done.get("deliver", 0)


# --- from identity's events to the queue -----------------------------------------------------------------------


def collect(*, now: datetime | None = None) -> int:
    """Handles each consent event once: takes cards out of the cache, queues what a provider must be told."""
    at = now or timezone.now()
    number, ahead = _cursor()
    rows = _since(number)
    # A sweep that finds nothing writes nothing: SQLite has one writer.
    if not _fresh(rows, ahead) and not (rows and rows[0].at <= at - SETTLING):
        return 0
    with transaction.atomic():
        EventCursor.objects.get_or_create(pk=1)
        held = EventCursor.objects.select_for_update().get(pk=1)
        rows = _since(held.number)
        fresh = [row for row in _fresh(rows, held.ahead) if row.kind == WITHDRAWN]
        handled = sweeps.each(
            jobs.CONSENT_EVENTS, fresh, _handle, key=lambda row: f"event:{row.recipient}:{row.cursor}"
        )
        again = {row.cursor for row in handled.failed if row.at > at - TRIED_AGAIN}
        _advance(held, [row for row in rows if row.cursor not in again], at, before=min(again, default=None))
    return sum(handled.results)


@transaction.atomic
def _handle(row: EventRow) -> int:
    private_cards.purge(row.recipient, row.resident_id)
    prefetch.forget(row.recipient, row.resident_id)
    return _queue_withdrawal(row)


def _cursor() -> tuple[int, Sequence[int]]:
    row = EventCursor.objects.filter(pk=1).values_list("number", "ahead").first()
    return row if row is not None else (0, [])


def _since(number: int) -> list[EventRow]:
    """The events after `number`, at most `PAGES` pages of them."""
    found: list[EventRow] = []
    for _ in range(PAGES):
        rows = identity_queries.events_since(number, PAGE)
        found += rows
        if len(rows) < PAGE:
            break
        number = rows[-1].cursor
    return found


def _fresh(rows: Sequence[EventRow], ahead: Sequence[int]) -> list[EventRow]:
    handled = set(ahead)
    return [row for row in rows if row.cursor not in handled]


def _advance(held: EventCursor, rows: Sequence[EventRow], now: datetime, *, before: int | None) -> None:
    """All of `rows` are handled; the cursor moves over those so old that nothing can still appear behind them.

    It stops `before` the first event that failed, which is read again.
    """
    recent = [row for row in rows if row.at > now - SETTLING]
    ends = [cursor for cursor in (recent[0].cursor if recent else None, before) if cursor is not None]
    settled = [row.cursor for row in rows if all(row.cursor < end for end in ends)]
    held.number = settled[-1] if settled else held.number
    held.ahead = [row.cursor for row in rows if row.cursor > held.number]
    held.save(update_fields=["number", "ahead"])


def _queue_withdrawal(row: EventRow) -> int:
    to = addressee(row.recipient)
    if to is None or to.url is None:
        return 0
    try:
        sub = identity_queries.subject_for(row.resident_id, to.client_id)
    except IdentityError as error:
        log.warning("withdrawal not queued for %s: %s", to.gadget_id, type(error).__name__)
        return 0
    items = identity_queries.withdrawn_items(row.resident_id, row.recipient, row.at)
    _, made = EventDelivery.objects.get_or_create(
        source=row.cursor,
        defaults={
            "gadget_id": to.gadget_id,
            "sub": sub,
            "kind": Kind.WITHDRAWN,
            "items": list(items),
            "resident_id": row.resident_id,
        },
    )
    return int(made)


def kick() -> None:
    """What is queued is sent soon."""
    jobs.kick(jobs.CONSENT_EVENTS)


def queue(*, gadget_id: str, sub: str, kind: str) -> UUID:
    """An event that names nobody but the pseudonym; sent soon after the caller's transaction."""
    made = EventDelivery.objects.create(gadget_id=gadget_id, sub=sub, kind=kind)
    transaction.on_commit(kick)
    return made.txn


def session_ended(gadget_id: str, sub: str) -> None:
    """A logout did not reach the gadget's site: it is told here, where it takes events."""
    to = addressee(gadget_id)
    if to is not None and to.url is not None:
        queue(gadget_id=gadget_id, sub=sub, kind=Kind.SESSION_ENDED)


# --- sending ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tried:
    """What one try came to; `trouble` is "" when the provider answered."""

    told: Told = field(default_factory=Told)
    trouble: str = ""


def deliver_due(*, now: datetime | None = None) -> int:
    """Sends what is due; returns how many were answered."""
    refuse_in_transaction()
    at = now or timezone.now()
    stuck = EventDelivery.objects.filter(state=State.SENDING, next_at__lt=at - STUCK)
    if stuck.exists():
        stuck.update(state=State.WAITING)
    batches = [batch for batch in (_claimed(gadget_id, at) for gadget_id in _due(at)) if batch]
    if not batches:
        return 0
    places = {to.gadget_id: to for to in addressees(gadget_id__in=[batch[0].gadget_id for batch in batches])}
    give_back_connections()
    told = sweeps.each(
        jobs.CONSENT_EVENTS,
        batches,
        lambda batch: _tell(batch, places.get(batch[0].gadget_id)),
        key=lambda batch: f"tell:{batch[0].gadget_id}",
        threads=len(batches),
    )
    outcomes = [pair for result in told.results for pair in result]
    outcomes += [(row, _Tried(trouble="not_sent")) for batch in told.failed for row in batch]
    sweeps.each(
        jobs.CONSENT_EVENTS,
        outcomes,
        lambda pair: _settle(*pair, now=at),
        key=lambda pair: f"settle:{pair[0].txn.hex}",
    )
    return sum(tried is not None and not tried.trouble for _, tried in outcomes)


def _due(at: datetime) -> list[str]:
    """The gadgets whose events have waited longest."""
    rows = (
        EventDelivery.objects.filter(state=State.WAITING, next_at__lte=at)
        .values("gadget_id")
        .annotate(first=Min("next_at"))
        .order_by("first")
    )
    return [row["gadget_id"] for row in rows[:AT_ONCE]]


def _claimed(gadget_id: str, at: datetime) -> list[EventDelivery]:
    """Rows of one gadget that are now ours; nobody is told by two workers at once."""
    if EventDelivery.objects.filter(gadget_id=gadget_id, state=State.SENDING).exists():
        return []
    due = EventDelivery.objects.filter(gadget_id=gadget_id, state=State.WAITING, next_at__lte=at)
    return [row for row in due.order_by("created_at", "txn")[:IN_A_ROW] if _claim(row, at)]


def _claim(row: EventDelivery, at: datetime) -> bool:
    waiting = EventDelivery.objects.filter(pk=row.pk, state=State.WAITING, tries=row.tries)
    return bool(waiting.update(state=State.SENDING, tries=row.tries + 1, next_at=at))


def _tell(batch: list[EventDelivery], to: Addressee | None) -> list[tuple[EventDelivery, _Tried | None]]:
    """Runs in a thread and touches no database. After a failure the rest is left for the next sweep (None)."""
    outcomes: list[tuple[EventDelivery, _Tried | None]] = []
    failed = False
    for row in batch:
        tried = None if failed else _try(row, to)
        failed = failed or (tried is not None and bool(tried.trouble))
        outcomes.append((row, tried))
    return outcomes


def _try(row: EventDelivery, to: Addressee | None) -> _Tried:
    if to is None or to.url is None:
        return _Tried(trouble="no_endpoint")
    event = Event(row.kind, row.gadget_id, row.sub, row.txn.hex, tuple(row.items))
    try:
        return _Tried(event_wire.send(event, to.url, deadline=CALL_SECONDS, now=timezone.now()))
    except (DoorError, EventAnswerError) as error:
        log.info("event for %s: %s", row.gadget_id, error.code)
        return _Tried(trouble=error.code)


def _settle(row: EventDelivery, tried: _Tried | None, *, now: datetime) -> None:
    """`row` is as it was before the claim. A row that was meanwhile taken for stuck is left to its new owner."""
    mine = EventDelivery.objects.filter(pk=row.pk, state=State.SENDING, tries=row.tries + 1)
    if tried is None:
        mine.update(state=State.WAITING, tries=row.tries, next_at=row.next_at)
    elif not tried.trouble:
        kept = [asdict(one) for one in tried.told.kept]
        _close(mine, row, State.DONE, now, trouble="", records=tried.told.records, kept=kept)
    else:
        again = now + (WAITS[row.tries] if row.tries < len(WAITS) else LATER)
        if again <= row.created_at + GIVEN_UP:
            mine.update(state=State.WAITING, next_at=again, trouble=tried.trouble)
        else:
            _close(mine, row, State.NOT_CONFIRMED, now, trouble=tried.trouble)
            log.warning("%s for %s not confirmed after %d tries", row.kind, row.gadget_id, row.tries + 1)


def _close(
    mine: QuerySet[EventDelivery], row: EventDelivery, state: str, now: datetime, **what: object
) -> None:
    """Of an event that names no resident the pseudonym goes too: nobody could find it when they close their account."""
    if row.resident_id is None:
        what["sub"] = ""
    mine.update(state=state, settled_at=now, **what)


def tidy(*, now: datetime | None = None) -> int:
    """Forgets what was settled 90 days ago."""
    at = now or timezone.now()
    old = EventDelivery.objects.filter(settled_at__lt=at - REMEMBERED)
    return old.delete()[0] if old.exists() else 0
