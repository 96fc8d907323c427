"""Work of identity that runs behind a request; the executor above calls these plain functions."""

from collections.abc import Callable


def _wait_for_sweep(name: str) -> None:
    """Until the portal hands over its executor, the next sweep does the work."""


kick: Callable[[str], None] = _wait_for_sweep
"""Asks for a job soon; set by the portal when it starts."""

CONSENT_EVENTS = "gadgets.consent_events"
"""The job above that tells providers of a withdrawal; known here by its name only."""


def deliver_due_logouts() -> int:
    """Forwards the logout tokens that are due to gadgets."""
    from identity.oidc import logout_relay

    return logout_relay.deliver_due()


def end_due_guardianships() -> int:
    """Marks the guardianships whose day has come."""
    from identity.household import guardianships

    return guardianships.end_due()


def check_keycloak_drift() -> None:
    """Looks where the realm drifted from the repository."""
    from identity.keycloak import sync

    sync.check_drift()


def send_due_letters() -> int:
    """Mails about sign-ins from devices that are new."""
    from identity.sessions import sign_in_mail

    return sign_in_mail.send_due()


def end_sessions_by_time() -> int:
    """Empties sessions that are over by time."""
    from identity.sessions import portal_sessions

    return portal_sessions.end_by_time()


def end_expired_learning() -> int:
    """Forgets what was kept of residents whose yes to learning, or to the order that it is for, ended by date."""
    from core import sweeps
    from identity.consent import learning, ledger

    return sum(sweeps.steps(learning.JOB, learning.end_expired, ledger.end_learning_without_order))


def seal_accesses() -> int:
    """Puts the hashes of what left lately into the audit chain."""
    from identity.consent import access_log

    return access_log.seal()


def clean() -> None:
    """Deletes what is past its time."""
    from identity.closure import retention

    retention.clean()


DUE_JOBS: tuple[tuple[str, float, Callable[[], object]], ...] = (
    ("identity.deliver_logouts", 1.0, deliver_due_logouts),
    ("identity.seal_accesses", 5.0, seal_accesses),
    ("identity.check_keycloak_drift", 900.0, check_keycloak_drift),
    ("identity.send_letters", 30.0, send_due_letters),
    ("identity.end_sessions_by_time", 600.0, end_sessions_by_time),
    ("identity.end_guardianships", 3600.0, end_due_guardianships),
    ("identity.end_expired_learning", 3600.0, end_expired_learning),
    ("identity.clean", 21600.0, clean),
)
"""(name, seconds between two sweeps, function)."""
