"""Work of gadgets that no request waits for: conformance runs, clients, cards, events to providers.

`DUE_JOBS` is read by the executor: each function is an idempotent sweep, called at least every so many seconds.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from core import sweeps
from gadgets import conformance
from gadgets.life import checking, nightly
from gadgets.life.clients import sync_due_clients
from gadgets.models import CheckLine, CheckRun, GadgetVersion
from gadgets.serving import cells, figures, warm

log = logging.getLogger(__name__)

RUN_CHECKS = "gadgets.run_checks"
NIGHTLY_CHECKS = "gadgets.nightly_checks"
FORGET_CHECKS = "gadgets.forget_checks"
SYNC_CLIENTS = "gadgets.sync_clients"
REFRESH_CARDS = "gadgets.refresh_cards"
CONSENT_EVENTS = "gadgets.consent_events"
COUNT_CELLS = "gadgets.count_cells"
WRITE_FIGURES = "gadgets.write_figures"
WATCH = "gadgets.life.watch"
FORGET_FIGURES = "gadgets.forget_figures"
END_GADGETS = "gadgets.end_gadgets"
STATE_NOTICES = "gadgets.life.state_notices"
# A run that its process never ended (a restart, a crash) is taken up again after this.
LOST_AFTER = timedelta(seconds=120)


def kick(name: str) -> None:
    """Asks the executor to run a job soon; without an executor the next sweep does it."""


def run_waiting_checks() -> int:
    """Runs every check run that waits or was lost; returns how many this call ran."""
    lost = timezone.now() - LOST_AFTER
    due = CheckRun.objects.filter(
        Q(state=CheckRun.State.WAITING) | Q(state=CheckRun.State.RUNNING, started_at__lt=lost)
    ).order_by("created_at")
    return sum(sweeps.each(RUN_CHECKS, due.values_list("pk", flat=True)[:10], run_checks_job).results)


def run_checks_job(run_id: int) -> bool:
    """Claims one run by a conditional UPDATE and writes each line as it is found; False when another has it."""
    from gadgets import actions

    now = timezone.now()
    claimed = CheckRun.objects.filter(
        Q(state=CheckRun.State.WAITING) | Q(state=CheckRun.State.RUNNING, started_at__lt=now - LOST_AFTER),
        pk=run_id,
    ).update(state=CheckRun.State.RUNNING, started_at=now)
    if not claimed:
        return False
    CheckLine.objects.filter(run_id=run_id).delete()
    run = CheckRun.objects.select_related("version__gadget__published").get(pk=run_id)
    ok = True
    for position, line in enumerate(
        conformance.check(_subject(run.version), checking.environment(run.version.gadget.gadget_id))
    ):
        ok = ok and line.ok is not False
        CheckLine.objects.create(
            run=run,
            position=position,
            number=line.number,
            ok=line.ok,
            title=dict(line.title),
            message=dict(line.message),
            remedy=dict(line.remedy),
        )
    actions.finish_checks(run_id=run_id, ok=ok)
    nightly.tell(run_id)
    return True


def _subject(version: GadgetVersion) -> conformance.Subject:
    published = version.gadget.published
    return conformance.Subject(
        raw=bytes(version.manifest),
        url=version.url,
        gadget_id=version.gadget.gadget_id,
        previous=published.version if published and published.pk != version.pk else None,
    )


def tell_providers() -> int:
    """Tells providers what happened to consents, and orders erasures."""
    from gadgets.telling import events

    return events.sweep()


def watch_gadgets() -> int:
    """Warns providers whose gadgets fail, and suspends those that fail for hours or attack."""
    from gadgets.life import watch

    return sum(sweeps.steps(WATCH, figures.flush, watch.sweep))


def end_gadgets() -> int:
    """Retires what was announced for now, ends consents of what is over, forgets versions that nobody gets."""
    from gadgets.life import ending, reviewing

    return sum(sweeps.steps(END_GADGETS, ending.sweep, reviewing.end_waiting))


def send_state_notices() -> int:
    """Tells providers of the changes of their gadgets' states."""
    from gadgets.life import state_notices

    return state_notices.send_due()


DUE_JOBS: list[tuple[str, float, Callable[[], object]]] = [
    (RUN_CHECKS, 10, run_waiting_checks),
    (NIGHTLY_CHECKS, 60, nightly.sweep),
    (FORGET_CHECKS, 6 * 3600, nightly.forget_old),
    (SYNC_CLIENTS, 30, sync_due_clients),
    (REFRESH_CARDS, 30, warm.refresh_read),
    (CONSENT_EVENTS, 5, tell_providers),
    (COUNT_CELLS, 30, cells.count_due),
    (WRITE_FIGURES, 30, figures.flush),
    (WATCH, 60, watch_gadgets),
    (FORGET_FIGURES, 6 * 3600, figures.forget_old),
    (END_GADGETS, 60, end_gadgets),
    (STATE_NOTICES, 10, send_state_notices),
]
