"""What became of a gadget's fetches, for its provider: the last faults in words, and the rate of success.

Kept in the cache for a day; a hint for the provider's desk, never the reason of a decision by itself.
"""

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Answers:
    """The last 24 hours of one version: how often it was asked, and how many of a hundred calls it answered."""

    version: str
    calls: int
    percent: int | None
    """Rounded down; None when nobody asked."""


def _faults_key(gadget_id: str) -> str:
    return f"outcomes:faults:{gadget_id}"


def _count_key(gadget_id: str, kind: str, at: datetime) -> str:
    return f"outcomes:{kind}:{gadget_id}:{int(at.timestamp()) // 3600}"


def note(outcome: FetchOutcome, **_: Any) -> None:
    """Receives `card_fetched`."""
    kind = "ok" if outcome.ok else "bad"
    _count(_count_key(outcome.gadget_id, kind, outcome.at))
    _count(_count_key(_of_version(outcome.gadget_id, outcome.version), kind, outcome.at))
    if outcome.ok:
        return
    fault = Fault(outcome.code, outcome.detail[:1000], outcome.version, outcome.at)
    held = cache.get(_faults_key(outcome.gadget_id)) or []
    row = {**asdict(fault), "at": fault.at.isoformat()}
    cache.set(_faults_key(outcome.gadget_id), [row, *held][:KEPT_FAULTS], DAY)


def _of_version(gadget_id: str, version: str) -> str:
    """Not a gadget's id, which has no such sign."""
    return f"{gadget_id}@{version}"


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
    good, bad = _keys(gadget_id, now)
    found = cache.get_many([*good, *bad, _faults_key(gadget_id)])
    successes, failures = _sum(found, good), _sum(found, bad)
    since = now - timedelta(hours=HOURS)
    faults = (
        Fault(row["code"], row["detail"], row["version"], datetime.fromisoformat(row["at"]))
        for row in found.get(_faults_key(gadget_id), [])
    )
    return Outcomes(successes + failures, successes, tuple(fault for fault in faults if fault.at >= since))


def by_version(gadget_id: str, versions: Sequence[str], now: datetime | None = None) -> tuple[Answers, ...]:
    """The last 24 hours of each of these versions, side by side while one of them is rolled out."""
    keys = {version: _keys(_of_version(gadget_id, version), now or timezone.now()) for version in versions}
    found = cache.get_many([key for good, bad in keys.values() for key in (*good, *bad)])
    answers = []
    for version, (good, bad) in keys.items():
        successes = _sum(found, good)
        calls = successes + _sum(found, bad)
        answers.append(Answers(version, calls, successes * 100 // calls if calls else None))
    return tuple(answers)


def _keys(name: str, now: datetime) -> tuple[list[str], list[str]]:
    """Where the last 24 hours of a gadget, or of a version of it, are counted: successes and failures."""
    hours = [now - timedelta(hours=back) for back in range(HOURS)]
    good, bad = ([_count_key(name, kind, hour) for hour in hours] for kind in ("ok", "bad"))
    return good, bad


def _sum(found: Mapping[str, Any], keys: Sequence[str]) -> int:
    return sum(int(found.get(key, 0)) for key in keys)
