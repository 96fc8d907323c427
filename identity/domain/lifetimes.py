"""How long a session holds: an end after no use and an end after all, and which of the two comes first; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

BEGUN, SEEN, REMEMBERED, ENDED = "_begun", "_seen", "_remembered", "_ended"
"""Keys in the data of a session; times are whole seconds since 1970."""
NOTE_EVERY = 60
"""A session that is used is written down as seen at most once in so many seconds."""
TELL = 24 * 3600
"""So long after its end a session is kept, to say why the person must sign in again."""

Why = Literal["idle", "absolute"]


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds without use, and seconds in all."""

    idle: int
    absolute: int


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds until the end (0 or less: it is over), and which end it is."""

    seconds: int
    why: Why


def left(data: Mapping[str, Any], lifetime: Lifetime, now: float) -> Left:
    """Of a session that holds `BEGUN`."""
    begun = int(data[BEGUN])
    idle_end = int(data.get(SEEN, begun)) + lifetime.idle
    last_end = begun + lifetime.absolute
    end, why = (idle_end, "idle") if idle_end < last_end else (last_end, "absolute")
    return Left(int(end - now), "idle" if why == "idle" else "absolute")
