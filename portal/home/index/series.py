"""The days of one event: each waits for the one before it, so that a home shows the next one only; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from portal.home.index.sources import Entry

Days = Mapping[int, tuple[int, ...]]
"""By row, the rows of all days of the same event in the order of time; events of one day are left out."""


@dataclass(frozen=True, slots=True)
class Later:
    """How many days of the same event follow one of them, and when the last of them begins."""

    count: int
    last: datetime


def days(entries: Sequence[Entry]) -> Days:
    """Which entries are days of one event."""
    found: dict[tuple[str, ...], list[int]] = {}
    for row, entry in enumerate(entries):
        if entry.series:
            found.setdefault(entry.series, []).append(row)
    together = (
        tuple(sorted(rows, key=lambda row: (start(entries[row]), entries[row].item.id)))
        for rows in found.values()
        if len(rows) > 1
    )
    return {row: rows for rows in together for row in rows}


def waits(entries: Sequence[Entry], days: Days) -> NDArray[np.float64]:
    """By row: until when an earlier day of the same event holds, in seconds of Unix time; 0 where nothing comes first."""
    found = np.zeros(len(entries))
    for rows in set(days.values()):
        ends = np.maximum.accumulate([_end(entries[row]) for row in rows])
        found[list(rows[1:])] = ends[:-1]
    return found


def later(entries: Sequence[Entry], days: Days, row: int) -> Later | None:
    """What follows this day; None for nothing."""
    rows = days.get(row, (row,))
    count = len(rows) - rows.index(row) - 1
    return Later(count, start(entries[rows[-1]])) if count else None


def start(entry: Entry) -> datetime:
    """When an event begins; for anything else, when it was published."""
    return entry.item.starts_at or entry.item.published_at


def _end(entry: Entry) -> float:
    """What never ends holds back nothing."""
    return entry.item.expires_at.timestamp() if entry.item.expires_at else 0.0
