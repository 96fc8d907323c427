"""What became of a gadget's fetches, for its provider: the last faults in words, and the rate of success.

Kept in the cache for a day; a hint for the provider's desk, never the reason of a decision by itself.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from gadgets.types import FetchOutcome

KEPT_FAULTS = 10
DAY = 24 * 60 * 60
WARN_BELOW = 0.95
HOURS = 24


@dataclass(frozen=True, slots=True)
class Fault:
    """One fetch that failed: `detail` names the place and the remedy."""

    code: str
    detail: str
    version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The last 24 hours of one gadget; `faults` the newest first."""

    calls: int
    successes: int
    faults: tuple[Fault, ...]

    @property
    def rate(self) -> float | None:
        """The share of successes; None when nobody asked."""
        return self.successes / self.calls if self.calls else None

    @property
    def percent(self) -> int | None:
        """The rate in whole percent, rounded down: 100 means that nothing failed."""
        return self.successes * 100 // self.calls if self.calls else None

    @property
    def warns(self) -> bool:
        return self.rate is not None and self.rate < WARN_BELOW


def _faults_key(gadget_id: str) -> str:
    return f"outcomes:faults:{gadget_id}"


def _count_key(gadget_id: str, kind: str, at: datetime) -> str:
    return f"outcomes:{kind}:{gadget_id}:{int(at.timestamp()) // 3600}"


def note(outcome: FetchOutcome, **_: Any) -> None:
    """Receives `card_fetched`."""
    _count(_count_key(outcome.gadget_id, "ok" if outcome.ok else "bad", outcome.at))
    if outcome.ok:
        return
    fault = Fault(outcome.code, outcome.detail[:1000], outcome.version, outcome.at)
    held = cache.get(_faults_key(outcome.gadget_id)) or []
    row = {**asdict(fault), "at": fault.at.isoformat()}
    cache.set(_faults_key(outcome.gadget_id), [row, *held][:KEPT_FAULTS], DAY)


def _count(key: str) -> None:
    if cache.add(key, 1, DAY + 3600):
        return
    try:
        cache.incr(key)
    except ValueError:  # the cache is away, or the hour has just ended
        return


def recent(gadget_id: str, now: datetime | None = None) -> Outcomes:
    """What is known of the last 24 hours."""
    now = now or timezone.now()
    hours = [now - timedelta(hours=back) for back in range(HOURS)]
    good = [_count_key(gadget_id, "ok", hour) for hour in hours]
    bad = [_count_key(gadget_id, "bad", hour) for hour in hours]
    found = cache.get_many([*good, *bad, _faults_key(gadget_id)])
    successes = sum(int(found.get(key, 0)) for key in good)
    failures = sum(int(found.get(key, 0)) for key in bad)
    since = now - timedelta(hours=HOURS)
    faults = (
        Fault(row["code"], row["detail"], row["version"], datetime.fromisoformat(row["at"]))
        for row in found.get(_faults_key(gadget_id), [])
    )
    return Outcomes(successes + failures, successes, tuple(fault for fault in faults if fault.at >= since))
