"""What both of our session engines add to Django's: sessions of people end by time, on the server.

`load` gives nothing of a session that is over but why it ended, and notes at most once a minute that it is used.
Neither needs a middleware, and between two notes neither needs a query.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from identity.domain import lifetimes
from identity.domain.lifetimes import BEGUN, ENDED, NOTE_EVERY, REMEMBERED, SEEN, TELL, Lifetime

PEOPLE = ("_resident", "_closing", "_id_sign_in")
"""A session that holds one of these is somebody's: at the portal, in a closing account, at the embedded ID."""


def lifetime(*, remembered: bool) -> Lifetime:
    """As the settings say."""
    if remembered:
        return Lifetime(settings.REMEMBERED_IDLE_SECONDS, settings.REMEMBERED_SECONDS)
    return Lifetime(settings.SESSION_IDLE_SECONDS, settings.SESSION_SECONDS)


def left(data: Any, *, now: float) -> lifetimes.Left | None:
    """Of a session's data; None for one that nobody signed in to."""
    if data.get(BEGUN) is None:
        return None
    return lifetimes.left(data, lifetime(remembered=bool(data.get(REMEMBERED))), now)


def age(data: Any, *, now: float) -> int:
    """Seconds that a session that holds `BEGUN` is kept: until its last possible end, and a day to say so."""
    whole = lifetime(remembered=bool(data.get(REMEMBERED))).absolute
    return max(int(data[BEGUN] + whole + TELL - now), 0)


def begin(data: Any, *, now: datetime, remembered: bool, begun: int | None = None) -> None:
    """Both lifetimes start; the whole one started at `begun` already, where that is given."""
    data[SEEN] = int(now.timestamp())
    data[BEGUN] = data[SEEN] if begun is None else begun
    data[REMEMBERED] = remembered


class Timed(SessionBase):
    """Mixed into a session store that keeps its rows in the database."""

    peeking = False
    """Set before the first access: looking how much time is left is no use of the session."""

    def load(self) -> dict[str, Any]:
        """The data; of a session that is over by time only why it ended."""
        data: dict[str, Any] = super().load()
        now = timezone.now().timestamp()
        remaining = left(data, now=now)
        if remaining is None:
            return data
        if remaining.seconds <= 0:
            return {ENDED: remaining.why}
        if not self.peeking and now - int(data.get(SEEN, 0)) >= NOTE_EVERY:
            data[SEEN] = int(now)
            if not self._note(data):
                self._session_key = None
                return {}
        return data

    def _note(self, data: dict[str, Any]) -> bool:
        """Writes the data down; False when the session was ended elsewhere in the meantime."""
        from identity.models import OidcSession  # Django loads session engines before the models

        if not self.write(data):
            return False
        if "_id_sign_in" not in data:
            seen = OidcSession.objects.filter(session_key=self.session_key)
            seen.update(seen_at=timezone.now())
        return True

    def write(self, data: dict[str, Any]) -> bool:
        """Changes the row if it is still there, and never brings one back that was deleted."""
        rows = self.model.objects.filter(session_key=self.session_key)  # type: ignore[attr-defined]
        return bool(rows.update(session_data=self.encode(data)))

    def save(self, must_create: bool = False) -> None:
        """Somebody's session always has its times."""
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if BEGUN not in data and any(name in data for name in PEOPLE):
            begin(data, now=timezone.now(), remembered=False)
        super().save(must_create=must_create)

    def get_expiry_age(self, **kwargs: Any) -> int:
        """How long row, cache and cookie are kept; it is `load` that ends a session."""
        if "expiry" not in kwargs and BEGUN in self:
            return age(self, now=timezone.now().timestamp())
        return int(super().get_expiry_age(**kwargs))

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """The same as a time."""
        if "expiry" not in kwargs and BEGUN in self:
            return timezone.now() + timedelta(seconds=self.get_expiry_age())
        return super().get_expiry_date(**kwargs)

    def get_expire_at_browser_close(self) -> bool:
        """The cookie of somebody's session outlives the browser only where the device is remembered."""
        if BEGUN in self:
            return not self.get(REMEMBERED)
        return bool(super().get_expire_at_browser_close())
