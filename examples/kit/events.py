"""Takes the portal's signed events (`rgadget-event+jwt`): verifies each, and gives a retry the answer of the first."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from examples.kit import jose
from examples.kit.errors import TokenError
from examples.kit.keys import RemoteKeys
from examples.kit.replay import ReplayGuard

TYPE = "rgadget-event+jwt"
LIFETIME = 120
LEEWAY = 5
REMEMBERED = 10_000
WITHDRAWN, ERASURE, ERASURE_CHECK = "consent-withdrawn", "erasure", "erasure-check"
SESSION_ENDED = "session-ended"
KINDS = (WITHDRAWN, ERASURE, ERASURE_CHECK, SESSION_ENDED)


@dataclass(frozen=True)
class Event:
    """What happened to one of this provider's pseudonyms. `txn` is the same when the portal tries again."""

    kind: str
    sub: str
    txn: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """How many records are kept (dry run) or were erased, and what must be kept: (what, why)."""

    records: int = 0
    kept: Sequence[tuple[str, str]] = ()

    def as_json(self) -> dict[str, Any]:
        """The answer as the portal reads it."""
        return {"records": self.records, "kept": [{"what": what, "why": why} for what, why in self.kept]}


class EventVerifier:
    """Checks signature, type, issuer, audience, times and single use."""

    def __init__(
        self,
        *,
        keys: RemoteKeys,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._replays = ReplayGuard()

    def verify(self, raw: str) -> Event:
        """Reads the body of a request; raises TokenError or KeysUnavailableError."""
        now = self._clock()
        try:
            claims = jose.read_signed(raw.strip(), self._keys, algorithms=["ES256"], typ=TYPE)
            jose.check_times(claims, now=now, leeway=LEEWAY)
            if claims.get("iss") != self._issuer:
                raise jose.RefusedError("the issuer is not the portal")
            if claims.get("aud") != self._audience:
                raise jose.RefusedError("the event is for another gadget")
            if claims["exp"] - claims["iat"] > LIFETIME:
                raise jose.RefusedError("the event lives too long")
            event, jti = _event(claims), _word(claims, "jti")
        except jose.RefusedError as refused:
            raise TokenError(str(refused)) from refused
        if not self._replays.first_use(jti, until=claims["exp"] + LEEWAY, now=now):
            raise TokenError("the event was used before")
        return event


class EventDesk:
    """Does what an event asks, once: a retry with the same `txn` gets the answer of the first time."""

    def __init__(self, act: Callable[[Event], Answer]) -> None:
        self._act = act
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def take(self, event: Event) -> Answer:
        """The answer. One event at a time, so that a retry never overtakes the first try."""
        with self._lock:
            known = self._answers.get(event.txn)
            if known is not None:
                return known
            answer = self._act(event)
            self._answers[event.txn] = answer
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
            return answer


def _event(claims: dict[str, Any]) -> Event:
    kind, items = _word(claims, "event"), claims.get("items", [])
    if kind not in KINDS:
        raise jose.RefusedError("the event is unknown")
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise jose.RefusedError("items has the wrong form")
    return Event(kind, _word(claims, "sub"), _word(claims, "txn"), tuple(items))


def _word(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise jose.RefusedError(f"{name} is missing")
    return value
