"""Erasure at providers: asks each what it keeps of a resident, orders it to forget, and tells what came of it."""

import logging
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.utils import timezone

from core.texts import Texts
from gadgets.errors import DoorError, EventAnswerError
from gadgets.models import EventDelivery
from gadgets.outbound.outside_transaction import give_back_connections, refuse_in_transaction
from gadgets.webhooks import event_wire, events
from gadgets.webhooks.event_wire import Event, Kept
from gadgets.webhooks.recipients import Addressee, addressees
from identity import queries as identity_queries
from identity.errors import CannotUnseal, NoSuchClient

__all__ = ["CHECK_SECONDS", "Kept", "ProviderReport", "State", "check", "order", "outcome"]

log = logging.getLogger(__name__)

CHECK_SECONDS = 3.0
"""How long a provider has for the dry run, while a person waits."""
AT_ONCE = 32

State = Literal["answered", "waiting", "not_confirmed", "silent", "no_endpoint"]
"""answered: the provider said what it keeps (dry run) or that it has erased (order); waiting: told again until it
answers; not_confirmed: 30 days without an answer; silent: no good answer to the dry run; no_endpoint: the gadget
knows a pseudonym and takes no events, so that the resident has to write to the provider."""


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """What one provider said. `records`: how many it keeps (dry run) or erased; None when it did not say.

    `title` and `contact` (the manifest's `support`) are the gadget's, for pages and for the printed report; `txn` is
    the order's id, "" in a dry run.
    """

    gadget_id: str
    title: Texts
    provider_name: str
    contact: str
    state: State
    records: int | None = None
    kept: tuple[Kept, ...] = ()
    txn: str = ""
    at: datetime | None = None


def check(resident_id: UUID) -> tuple[ProviderReport, ...]:
    """The dry run: asks every provider that can know a pseudonym of the resident, all at once, three seconds each.

    Never inside a transaction (`HttpInTransactionError`). Whoever does not answer well is in the result as `silent`.
    Erases nothing. Raises `NoSuchResident`.
    """
    refuse_in_transaction()
    known = _pseudonyms(resident_id)
    give_back_connections()
    if not known:
        return ()
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(known)), thread_name_prefix="dry-run") as pool:
        return tuple(pool.map(lambda pair: _ask(*pair), known))


def order(resident_id: UUID) -> tuple[ProviderReport, ...]:
    """Queues an `erasure` event for each of those providers, in the caller's transaction; asks nobody itself.

    Call it before the resident's rows go: the pseudonyms are computed here. What is queued names gadget, pseudonym
    and `txn`, never the resident, and is sent until it is answered, also when the resident is gone. The reports are
    in the state `waiting`, or with an empty `txn` `no_endpoint` or `not_confirmed` (its pseudonym cannot be computed);
    keep their `txn` for `outcome`.
    Raises `NoSuchResident`.
    """
    reports = []
    for to, sub in _pseudonyms(resident_id):
        if to.url is None:
            reports.append(_report(to, "no_endpoint"))
        elif not sub:
            reports.append(_report(to, "not_confirmed"))
        else:
            txn = events.queue(gadget_id=to.gadget_id, sub=sub, kind=event_wire.ERASURE)
            reports.append(_report(to, "waiting", txn=txn.hex))
    return tuple(reports)


def outcome(txns: Iterable[str]) -> tuple[ProviderReport, ...]:
    """What came of these orders so far, in the order given; an unknown `txn` is left out.

    Orders are remembered for 90 days after they were settled.
    """
    wanted = [UUID(txn) for txn in txns]
    rows = {row.txn: row for row in EventDelivery.objects.filter(txn__in=wanted, kind=event_wire.ERASURE)}
    places = {to.gadget_id: to for to in addressees(gadget_id__in={row.gadget_id for row in rows.values()})}
    return tuple(
        _outcome(rows[txn], places.get(rows[txn].gadget_id)) for txn in dict.fromkeys(wanted) if txn in rows
    )


def _pseudonyms(resident_id: UUID) -> list[tuple[Addressee, str]]:
    """Who can know the resident, and by which pseudonym.

    A provider that takes events is asked also when nothing was ever granted to it: the resident may have signed in
    at its own site, and to whom they did not, the pseudonym says nothing. One without is named when it was granted
    something. The pseudonym is "" where its secret cannot be opened: nobody can be told, and the report says so.
    """
    granted = identity_queries.pseudonymous(resident_id)
    found = []
    for to in addressees():
        if to.url is None and to.gadget_id not in granted:
            continue
        try:
            sub = identity_queries.subject_for(resident_id, to.client_id)
        except NoSuchClient:
            continue
        except CannotUnseal:
            log.warning("no pseudonym at %s: its salt does not open", to.gadget_id)
            sub = ""
        found.append((to, sub))
    return found


def _ask(to: Addressee, sub: str) -> ProviderReport:
    """Runs in a thread and touches no database."""
    if to.url is None:
        return _report(to, "no_endpoint")
    if not sub:
        return _report(to, "silent")
    now = timezone.now()
    event = Event(event_wire.ERASURE_CHECK, to.gadget_id, sub, uuid.uuid4().hex)
    try:
        told = event_wire.send(event, to.url, deadline=CHECK_SECONDS, now=now)
    except (DoorError, EventAnswerError) as error:
        log.info("dry run at %s: %s", to.gadget_id, error.code)
        return _report(to, "silent", at=now)
    return _report(to, "answered", records=told.records, kept=told.kept, at=now)


def _report(
    to: Addressee,
    state: State,
    *,
    records: int | None = None,
    kept: tuple[Kept, ...] = (),
    txn: str = "",
    at: datetime | None = None,
) -> ProviderReport:
    return ProviderReport(to.gadget_id, to.title, to.provider_name, to.contact, state, records, kept, txn, at)


_STATES: dict[str, State] = {
    EventDelivery.State.WAITING: "waiting",
    EventDelivery.State.SENDING: "waiting",
    EventDelivery.State.DONE: "answered",
    EventDelivery.State.NOT_CONFIRMED: "not_confirmed",
}


def _outcome(row: EventDelivery, to: Addressee | None) -> ProviderReport:
    """The gadget's names as they are now; its id when it is no addressee any more."""
    named = to or Addressee(row.gadget_id, "", None, {"ja": row.gadget_id}, row.gadget_id, "")
    return _report(
        named,
        _STATES[row.state],
        records=row.records,
        kept=tuple(Kept(one["what"], one["why"]) for one in row.kept),
        txn=row.txn.hex,
        at=row.settled_at,
    )
