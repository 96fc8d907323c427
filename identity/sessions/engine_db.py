"""The session engine of the demo: sessions in the database, ending by time."""

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from identity.sessions.engines import Timed


class SessionStore(Timed, DatabaseStore):
    """One row for each session."""
