"""Work that no request waits for: names of jobs, and `kick`, which asks for one soon.

A job is an idempotent sweep over a table: it claims its rows by a conditional UPDATE, so running it twice, or not at
all for a while, loses nothing. The executor above registers itself; until then the next sweep does the work.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """`run` is called at least every `seconds`."""

    name: str
    seconds: float
    run: Callable[[], object]
    queue: str = "gadgets"


CONSENT_EVENTS = "gadgets.consent_events"
RUN_CHECKS = "gadgets.run_checks"
STATE_NOTICES = "gadgets.state_notices"

_kick: Callable[[str], None] | None = None


def register(executor: Callable[[str], None]) -> None:
    global _kick
    _kick = executor


def kick(name: str) -> None:
    """Asks for a job soon."""
    if _kick is not None:
        _kick(name)
