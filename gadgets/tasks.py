"""Work of gadgets that no request waits for: conformance runs, clients, cards, events to providers.

`DUE_JOBS` is read by the executor: each function is an idempotent sweep, called at least every so many seconds.
"""

from collections.abc import Callable

from core import sweeps
from gadgets.cards import prefetch
from gadgets.metrics import call_metrics, small_cells
from gadgets.operation.oidc_clients import sync_due_clients
from gadgets.registration import check_runs, nightly

RUN_CHECKS = "gadgets.run_checks"
RUN_CHECKS_BESIDE = "gadgets.run_checks_beside"
"""The same queue once more, so that one slow provider leaves a worker to all others."""
NIGHTLY_CHECKS = "gadgets.nightly_checks"
FORGET_CHECKS = "gadgets.forget_checks"
SYNC_CLIENTS = "gadgets.sync_clients"
REFRESH_CARDS = "gadgets.refresh_cards"
CONSENT_EVENTS = "gadgets.consent_events"
COUNT_CELLS = "gadgets.count_cells"
WRITE_FIGURES = "gadgets.write_figures"
WATCH = "gadgets.operation.health_watch"
FORGET_FIGURES = "gadgets.forget_figures"
END_GADGETS = "gadgets.end_gadgets"
STATE_NOTICES = "gadgets.providers.notifications"


def kick(name: str) -> None:
    """Asks the executor to run a job soon; without an executor the next sweep does it."""


def tell_providers() -> int:
    """Tells providers what happened to consents, and orders erasures."""
    from gadgets.webhooks import events

    return events.sweep()


def watch_gadgets() -> int:
    """Warns providers whose gadgets fail, and suspends those that fail for hours or attack."""
    from gadgets.operation import health_watch

    return sum(sweeps.steps(WATCH, call_metrics.flush, health_watch.sweep))


def end_gadgets() -> int:
    """Retires what was announced for now, ends consents of what is over, forgets versions that nobody gets."""
    from gadgets.operation import retirement
    from gadgets.review import publication

    return sum(sweeps.steps(END_GADGETS, retirement.sweep, publication.end_waiting))


def send_state_notices() -> int:
    """Tells providers of the changes of their gadgets' states."""
    from gadgets.providers import notifications

    return notifications.send_due()


DUE_JOBS: list[tuple[str, float, Callable[[], object]]] = [
    (RUN_CHECKS, 10, check_runs.run_waiting),
    (RUN_CHECKS_BESIDE, 10, check_runs.run_waiting),
    (NIGHTLY_CHECKS, 60, nightly.sweep),
    (FORGET_CHECKS, 6 * 3600, nightly.forget_old),
    (SYNC_CLIENTS, 30, sync_due_clients),
    (REFRESH_CARDS, 30, prefetch.refresh_read),
    (CONSENT_EVENTS, 5, tell_providers),
    (COUNT_CELLS, 30, small_cells.count_due),
    (WRITE_FIGURES, 30, call_metrics.flush),
    (WATCH, 60, watch_gadgets),
    (FORGET_FIGURES, 6 * 3600, call_metrics.forget_old),
    (END_GADGETS, 60, end_gadgets),
    (STATE_NOTICES, 10, send_state_notices),
]
