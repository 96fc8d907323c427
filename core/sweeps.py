"""Sweeps over due items: each item is tried by itself, and a failed one is written down until it succeeds.

Every job goes through `each`, `steps` or `together`. An item that raises delays no other, is named in the log by its
id and in the operators' list (`faults`), stays due, and comes last in the next sweep, behind those that did not fail.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from core.jobs import Job
from core.models import SweepFault

T = TypeVar("T")
R = TypeVar("R")
Key = Callable[[T], object]

log = logging.getLogger(__name__)

WHOLE = ""
"""The item of a job that failed before or outside of its items."""
KEPT = timedelta(days=7)
"""A fault that did not come again is dropped after this: its item was deleted, or settled by somebody else."""
FORGET = "core.forget_faults"


@dataclass(frozen=True, slots=True)
class Fault:
    """An item that failed the last time it was tried."""

    job: str
    item: str
    error: str
    tries: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Swept(Generic[T, R]):
    """What became of the items: those that went well with their results, and those that failed."""

    done: Sequence[tuple[T, R]]
    failed: Sequence[T]

    @property
    def results(self) -> list[R]:
        return [result for _, result in self.done]


@dataclass(frozen=True, slots=True)
class _Try(Generic[T, R]):
    name: str
    item: T
    result: R | None = None
    error: Exception | None = None


def each(
    job: str, items: Iterable[T], act: Callable[[T], R], *, key: Key[T] = str, threads: int = 1
) -> Swept[T, R]:
    """Calls `act` for each item; what it raises is that item's fault and nobody else's.

    `key` gives the id by which the fault is known in log and list: never a name, an address or a text. With
    `threads`, `act` runs in a pool and must not touch the database. `act` opens its own transaction if it needs one.
    """
    # Named before they are tried: a row that was deleted no longer has its id.
    found = [(_name(key, item), item) for item in items]
    if not found:
        return Swept((), ())
    known = _known(job)
    found.sort(key=lambda pair: pair[0] in known)
    tried: list[_Try[T, R]]
    if threads > 1:
        with ThreadPoolExecutor(max_workers=min(threads, len(found)), thread_name_prefix="sweep") as pool:
            tried = list(pool.map(lambda pair: _try(job, pair[0], pair[1], act), found))
    else:
        tried = [_try(job, name, item, act) for name, item in found]
    _settle(job, tried, known)
    return Swept(
        [(one.item, one.result) for one in tried if one.error is None],  # type: ignore[misc]
        [one.item for one in tried if one.error is not None],
    )


def steps(job: str, *functions: Callable[[], R]) -> list[R]:
    """Calls functions that do not depend on each other, each by itself; the step is named by its function."""
    return each(job, functions, lambda step: step(), key=_named).results


def together(
    job: str, items: Sequence[T], act: Callable[[Sequence[T]], object], *, key: Key[T] = str
) -> list[T]:
    """Calls `act` with all items at once, and only if that fails with each alone; returns those that failed.

    `act` must be a transaction: what it began and did not finish leaves nothing behind. A database that is away is no
    item's fault: `OperationalError` goes to the caller.
    """
    try:
        act(items)
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001  bulkhead: the items are tried one by one
        log.warning("sweep %s: %d items one by one: %s", job, len(items), type(error).__name__)
        return list(each(job, items, lambda item: act([item]), key=key).failed)
    if known := _known(job):
        _settle(job, [_Try(_name(key, item), item) for item in items], known)
    return []


def whole(job: str, act: Callable[[], object]) -> None:
    """Runs a job; what it raises outside of its items is written down as the job's own fault."""
    known = _known(job) & {WHOLE}
    _settle(job, [_try(job, WHOLE, WHOLE, lambda _: act())], known)


def _try(job: str, name: str, item: T, act: Callable[[T], R]) -> _Try[T, R]:
    try:
        return _Try(name, item, act(item))
    except Exception as error:  # noqa: BLE001  bulkhead: one item's fault must not hold up the others
        # The class only: a message or a trace may hold personal values.
        log.error("sweep %s: %s failed: %s", job, name or "the job", type(error).__name__)  # noqa: TRY400
        return _Try(name, item, error=error)


def _name(key: Key[T], item: T) -> str:
    return str(key(item))[:255]


def _named(function: Callable[[], object]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


# --- the list of what failed ---------------------------------------------------------------------------------


def _known(job: str) -> set[str]:
    try:
        return set(SweepFault.objects.filter(job=job).values_list("item", flat=True))
    except DatabaseError:  # the items themselves will say so
        return set()


def _settle(job: str, tried: Sequence[_Try[T, R]], known: set[str]) -> None:
    """Writes nothing when nothing failed before or now: SQLite has one writer."""
    failed = {one.name: one.error for one in tried if one.error is not None}
    mended = {one.name for one in tried if one.error is None} & known - failed.keys()
    if not failed and not mended:
        return
    now = timezone.now()
    try:
        with transaction.atomic():
            SweepFault.objects.filter(job=job, item__in=mended).delete()
            for item, error in failed.items():
                name = type(error).__name__[:100]
                row = SweepFault.objects.filter(job=job, item=item)
                if not row.update(error=name, tries=F("tries") + 1, last_at=now):
                    SweepFault.objects.get_or_create(
                        job=job, item=item, defaults={"error": name, "first_at": now, "last_at": now}
                    )
    except DatabaseError as error:
        log.warning("sweep %s: %d faults not written down: %s", job, len(failed), type(error).__name__)


def faults(job: str = "", limit: int = 100) -> tuple[Fault, ...]:
    """What failed at its last try, the latest first; of one job or of all."""
    rows = SweepFault.objects.filter(**({"job": job} if job else {})).order_by("-last_at", "job", "item")
    return tuple(
        Fault(row.job, row.item, row.error, row.tries, row.first_at, row.last_at) for row in rows[:limit]
    )


def forget_old(now: datetime | None = None) -> int:
    """Drops faults whose item was not tried again for `KEPT`; returns how many."""
    return SweepFault.objects.filter(last_at__lt=(now or timezone.now()) - KEPT).delete()[0]


JOBS = (Job(FORGET, 6 * 3600, forget_old),)
