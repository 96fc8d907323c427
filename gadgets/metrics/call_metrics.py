"""What became of a gadget's calls, by hour: counted in this process, written in batches, read for its provider.

No request writes a row: `note` and `hit` count in memory, and `flush` adds the counts to `GadgetHour` every
`FLUSH_SECONDS` and when the process ends. A process that is killed loses one batch. Nothing in it is about a resident.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.util import Finalize
from typing import Any

from django.db import OperationalError, close_old_connections, transaction
from django.db.models import Sum
from django.utils import timezone

from core import sweeps
from core.region_time import region_local
from gadgets.models import GadgetHour
from gadgets.types import FetchOutcome

log = logging.getLogger(__name__)

BOUNDS = (25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2500, 5000)
"""Upper bounds of the durations in milliseconds; what took longer is counted after the last."""
FLUSH_SECONDS = 45
KEPT_DAYS = 100
"""Hours older than this are deleted."""
ENOUGH_CALLS = 100
"""Of fewer calls no percentage is shown to residents: one failure would weigh too much."""
JOB = "gadgets.write_figures"
TRIED_AGAIN = timedelta(days=1)
"""So long an hour that could not be written is kept for the next flush."""
MOST_WAITING = 5000
"""Hours of gadgets that wait at most while the database is away; the rest is let go."""


@dataclass(slots=True)
class _Tally:
    """What one hour of one gadget gained since the last flush."""

    calls: int = 0
    successes: int = 0
    hits: int = 0
    times: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, other: "_Tally") -> None:
        self.calls += other.calls
        self.successes += other.successes
        self.hits += other.hits
        self.times.update(other.times)
        self.faults.update(other.faults)


_waiting: dict[tuple[str, datetime], _Tally] = {}
_lock = threading.Lock()


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _slot(milliseconds: float) -> int:
    return next((slot for slot, bound in enumerate(BOUNDS) if milliseconds <= bound), len(BOUNDS))


def note(outcome: FetchOutcome, **_: Any) -> None:
    """Receives `card_fetched`."""
    with _lock:
        tally = _waiting.setdefault((outcome.gadget_id, _hour(outcome.at)), _Tally())
        tally.calls += 1
        tally.successes += outcome.ok
        tally.times[_slot(outcome.seconds * 1000)] += 1
        if not outcome.ok:
            tally.faults[outcome.code] += 1


def hits(gadget_ids: Iterable[str], now: datetime) -> None:
    """These cards were drawn from the cache, at `now`."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    with _lock:
        for gadget_id in gadget_ids:
            key = (gadget_id, hour)
            tally = _waiting.get(key)
            if tally is None:
                tally = _waiting[key] = _Tally()
            tally.hits += 1


# --- writing ---------------------------------------------------------------------------------------------------


def flush() -> int:
    """Adds what was counted since the last flush to the table; returns how many rows it wrote."""
    with _lock:
        batch = dict(_waiting)
        _waiting.clear()
    if not batch:
        return 0
    merged: dict[tuple[str, datetime], _Tally] = {}
    for (gadget_id, hour), tally in batch.items():
        merged.setdefault((gadget_id, _hour(hour)), _Tally()).add(tally)
    try:
        failed = sweeps.together(JOB, sorted(merged), lambda names: _write(names, merged), key=_id)
    except OperationalError as error:
        log.warning("figures of %d gadget hours wait: %s", len(merged), type(error).__name__)
        _put_back(merged)
        return 0
    oldest = timezone.now() - TRIED_AGAIN
    _put_back({name: merged[name] for name in failed if name[1] > oldest})
    return len(merged) - len(failed)


def _id(name: tuple[str, datetime]) -> str:
    return f"{name[0]}:{name[1]:%Y-%m-%dT%H}"


@transaction.atomic
def _write(names: Iterable[tuple[str, datetime]], batch: Mapping[tuple[str, datetime], _Tally]) -> None:
    # In one order, so that two processes that flush at once do not wait for each other crosswise.
    for gadget_id, hour in names:
        tally = batch[gadget_id, hour]
        GadgetHour.objects.get_or_create(gadget_id=gadget_id, hour=hour)
        row = GadgetHour.objects.select_for_update().get(gadget_id=gadget_id, hour=hour)
        row.calls += tally.calls
        row.successes += tally.successes
        row.hits += tally.hits
        times = [*row.times, *[0] * (len(BOUNDS) + 1 - len(row.times))]
        row.times = [count + tally.times[slot] for slot, count in enumerate(times)]
        row.faults = dict(Counter(row.faults) + tally.faults)
        row.save()


def _put_back(batch: Mapping[tuple[str, datetime], _Tally]) -> None:
    with _lock:
        for key, tally in batch.items():
            if key in _waiting:
                _waiting[key].add(tally)
            elif len(_waiting) < MOST_WAITING:
                _waiting[key] = tally


def forget_old(now: datetime | None = None) -> int:
    """Deletes what is older than `KEPT_DAYS`; returns how many rows."""
    oldest = (now or timezone.now()) - timedelta(days=KEPT_DAYS)
    return GadgetHour.objects.filter(hour__lt=oldest).delete()[0]


_stopped = threading.Event()
_started: list[threading.Thread] = []
_at_end: list[Finalize] = []


def start() -> None:
    """Flushes from now on by a thread of this process, and once more when it ends; a second call does nothing."""
    if _started:
        return
    _stopped.clear()
    _started.append(threading.Thread(target=_sweep, name="figures", daemon=True))
    _started[0].start()
    # Runs at the end of a main process and of a forked one, where `atexit` would not.
    _at_end.append(Finalize(None, stop, exitpriority=10))


def stop() -> None:
    """Ends the thread; what it has counted is written."""
    _stopped.set()
    if _started:
        _started.pop().join(5)
    if _at_end:
        _at_end.pop().cancel()  # it was stopped before the end: nothing is left to do then
    flush_now()


def _sweep() -> None:
    while not _stopped.wait(FLUSH_SECONDS):
        flush_now()


def flush_now() -> None:
    """`flush` outside a request: with a database connection of its own time."""
    close_old_connections()
    try:
        flush()
    finally:
        close_old_connections()


# --- reading ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over some hours. `percent` and `hit_percent` are rounded down: 100 means that nothing failed or missed."""

    calls: int
    successes: int
    hits: int
    p95_ms: int | None
    """95 of 100 calls took at most so long (a bound of `BOUNDS`); None without calls, or beyond the last bound."""
    faults: tuple[tuple[str, int], ...]
    """Codes of what went wrong and how often, the most frequent first."""

    @property
    def percent(self) -> int | None:
        return self.successes * 100 // self.calls if self.calls else None

    @property
    def hit_percent(self) -> int | None:
        """Of all cards that were wanted, those that the cache held."""
        wanted = self.hits + self.calls
        return self.hits * 100 // wanted if wanted else None


@dataclass(frozen=True, slots=True)
class Report:
    """The last days of one gadget: all together, and each day (in the region's time) that has any, oldest first."""

    whole: Figures
    days: tuple[tuple[datetime, Figures], ...]


def of(gadget_id: str, days: int = 30, now: datetime | None = None) -> Report:
    """The figures of the last `days` days; what was counted in the last minute may not be in it yet."""
    rows = _rows(gadget_id, (now or timezone.now()) - timedelta(days=days))
    by_day: dict[datetime, list[GadgetHour]] = {}
    for row in rows:
        day = region_local(row.hour).replace(hour=0, minute=0, second=0, microsecond=0)
        by_day.setdefault(day, []).append(row)
    return Report(_sum(rows), tuple((day, _sum(found)) for day, found in by_day.items()))


def hours(gadget_id: str, since: datetime) -> tuple[tuple[datetime, Figures], ...]:
    """Each hour from the one of `since` on, oldest first; an hour without calls is not in it."""
    return tuple((row.hour, _sum([row])) for row in _rows(gadget_id, since))


def total(gadget_id: str, since: datetime) -> Figures:
    """All hours from the one of `since` on."""
    return _sum(_rows(gadget_id, since))


def reliability(days: int = 30, now: datetime | None = None) -> Mapping[str, int]:
    """How many of a hundred calls each gadget answered, rounded down; only of those with enough calls to say so."""
    since = (now or timezone.now()) - timedelta(days=days)
    counted = (
        GadgetHour.objects.filter(hour__gte=since)
        .values_list("gadget_id")
        .annotate(asked=Sum("calls"), answered=Sum("successes"))
        .filter(asked__gte=ENOUGH_CALLS)
    )
    return {gadget_id: answered * 100 // asked for gadget_id, asked, answered in counted}


def _rows(gadget_id: str, since: datetime) -> list[GadgetHour]:
    return list(GadgetHour.objects.filter(gadget_id=gadget_id, hour__gte=_hour(since)).order_by("hour"))


def _sum(rows: Iterable[GadgetHour]) -> Figures:
    whole = _Tally()
    for row in rows:
        times = Counter(dict(enumerate(row.times)))
        whole.add(_Tally(row.calls, row.successes, row.hits, times, Counter(row.faults)))
    faults = sorted(whole.faults.items(), key=lambda pair: (-pair[1], pair[0]))
    return Figures(whole.calls, whole.successes, whole.hits, _p95(whole.times), tuple(faults))


def _p95(times: Counter[int]) -> int | None:
    calls = sum(times.values())
    seen = 0
    for slot, bound in enumerate(BOUNDS):
        seen += times[slot]
        if calls and seen * 100 >= calls * 95:
            return bound
    return None
