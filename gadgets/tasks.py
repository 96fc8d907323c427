"""Jobs of gadgets. Imports the rooms; nothing imports it but the executor's table."""

from core import sweeps
from core.jobs import CONSENT_EVENTS, RUN_CHECKS, STATE_NOTICES, Job
from gadgets.cards import prefetch
from gadgets.metrics import call_metrics, small_cells
from gadgets.operation import health_watch, oidc_clients, retirement
from gadgets.providers import notifications
from gadgets.registration import check_runs, nightly
from gadgets.review import publication
from gadgets.webhooks import events

RUN_CHECKS_BESIDE = "gadgets.run_checks_beside"
"""The same queue once more, so that one slow provider leaves a worker to all others."""
WATCH = "gadgets.watch"
END_GADGETS = "gadgets.end_gadgets"


def watch_gadgets() -> int:
    """Warns providers whose gadgets fail, and suspends those that fail for hours or attack."""
    return sum(sweeps.steps(WATCH, call_metrics.flush, health_watch.sweep))


def end_gadgets() -> int:
    """Retires what was announced for now, ends consents of what is over, forgets versions that nobody gets."""
    return sum(sweeps.steps(END_GADGETS, retirement.sweep, publication.end_waiting))


JOBS = (
    Job(RUN_CHECKS, 10, check_runs.run_waiting),
    Job(RUN_CHECKS_BESIDE, 10, check_runs.run_waiting),
    Job("gadgets.nightly_checks", 60, nightly.sweep),
    Job("gadgets.forget_checks", 6 * 3600, nightly.forget_old),
    Job("gadgets.sync_clients", 30, oidc_clients.sync_due_clients),
    Job("gadgets.refresh_cards", 30, prefetch.refresh_read),
    Job(CONSENT_EVENTS, 5, events.sweep),
    Job("gadgets.count_cells", 30, small_cells.count_due),
    Job("gadgets.write_figures", 30, call_metrics.flush),
    Job(WATCH, 60, watch_gadgets),
    Job("gadgets.forget_figures", 6 * 3600, call_metrics.forget_old),
    Job(END_GADGETS, 60, end_gadgets),
    Job(STATE_NOTICES, 10, notifications.send_due),
)
