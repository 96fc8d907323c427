"""Jobs of identity. Imports the rooms; nothing imports it but the executor's table."""

from core import sweeps
from core.jobs import Job
from identity.closure import retention
from identity.consent import access_log, learning, ledger
from identity.household import guardianships
from identity.keycloak import sync
from identity.oidc import logout_relay
from identity.sessions import portal_sessions, sign_in_mail


def end_expired_learning() -> int:
    """Forgets what was kept of residents whose consent to learning, or to the ranking it is for, has expired."""
    return sum(sweeps.steps(learning.JOB, learning.end_expired, ledger.end_learning_without_order))


JOBS = (
    Job(logout_relay.JOB, 1, logout_relay.deliver_due),
    Job(access_log.JOB, 5, access_log.seal),
    Job("identity.check_keycloak_drift", 900, sync.check_drift),
    Job(sign_in_mail.JOB, 30, sign_in_mail.send_due),
    Job("identity.end_sessions_by_time", 600, portal_sessions.end_by_time),
    Job("identity.end_guardianships", 3600, guardianships.end_due),
    Job(learning.JOB, 3600, end_expired_learning),
    Job("identity.clean", 21600, retention.clean),
)
