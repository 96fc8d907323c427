"""Sessions and begun sign-ins of a provider's own site, in memory, found by a random cookie value."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

IDLE = 3600.0
ABSOLUTE = 8 * 3600.0
FLOW_LIFETIME = 600.0
LIMIT = 10_000


@dataclass
class Session:
    """One signed-in browser. Knows the pairwise subject, never a name."""

    sub: str
    sid: str | None
    id_token: str
    access_token: str
    access_expires: float
    created: float
    seen: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(frozen=True)
class Flow:
    """One begun sign-in, bound to the browser that began it."""

    browser: str
    nonce: str
    verifier: str
    next: str
    expires: float


class SessionStore:
    """Sessions by cookie value; ended by the resident, by time, or by the regional ID."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._flows: dict[str, Flow] = {}

    def open(
        self, *, sub: str, sid: str | None, id_token: str, access_token: str, access_expires: float
    ) -> str:
        """Starts a session under a fresh random value and returns that value."""
        now = self._clock()
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._drop_old(now)
            self._sessions[key] = Session(sub, sid, id_token, access_token, access_expires, now, now)
        return key

    def find(self, key: str | None) -> Session | None:
        """The living session of a cookie value."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(key or "")
            if session is None or self._over(session, now):
                self._sessions.pop(key or "", None)
                return None
            session.seen = now
            return session

    def close(self, key: str | None) -> None:
        """Ends one session."""
        with self._lock:
            self._sessions.pop(key or "", None)

    def end(self, *, sub: str | None, sid: str | None) -> int:
        """Ends the sessions of a logout token: of `sid`, of `sub`, or of both together; returns how many.

        With both, a session whose `sid` we never learned falls with its subject.
        """
        with self._lock:
            gone = [key for key, session in self._sessions.items() if _meant(session, sub, sid)]
            for key in gone:
                del self._sessions[key]
        return len(gone)

    def begin(self, *, browser: str, nonce: str, verifier: str, next_path: str) -> str:
        """Remembers a begun sign-in and returns its `state`."""
        now = self._clock()
        state = secrets.token_urlsafe(24)
        with self._lock:
            self._flows = {key: flow for key, flow in self._flows.items() if flow.expires > now}
            while len(self._flows) >= LIMIT:
                del self._flows[next(iter(self._flows))]
            self._flows[state] = Flow(browser, nonce, verifier, next_path, now + FLOW_LIFETIME)
        return state

    def take(self, state: str, browser: str) -> Flow | None:
        """The begun sign-in of this state and browser, once."""
        with self._lock:
            flow = self._flows.get(state)
            if flow is None or not same(flow.browser, browser):
                return None
            del self._flows[state]
            return flow if flow.expires > self._clock() else None

    def _drop_old(self, now: float) -> None:
        self._sessions = {key: one for key, one in self._sessions.items() if not self._over(one, now)}
        while len(self._sessions) >= LIMIT:
            del self._sessions[next(iter(self._sessions))]

    @staticmethod
    def _over(session: Session, now: float) -> bool:
        return now - session.seen > IDLE or now - session.created > ABSOLUTE


def same(one: str, other: str) -> bool:
    """Compares two secrets without telling how much of them is equal."""
    return secrets.compare_digest(one.encode(), other.encode())


def _meant(session: Session, sub: str | None, sid: str | None) -> bool:
    if sub is not None and session.sub != sub:
        return False
    if sid is None:
        return sub is not None
    return session.sid == sid or (session.sid is None and sub is not None)
