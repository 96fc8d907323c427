"""Scores a ranking against the truth of a folder: value with its interval, and the hard checks.

value = Σ over the first 10 items that are not urgent of p(item)/(1 + 0.18·rank), over all days, divided by the same sum
of the best possible order; mean over residents. p is the true chance of a click at the top.
"""

import json
import math
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.disclosure import SMALL_CELL
from recommender.domain.types import Item
from recommender.errors import FolderError
from recommender.evaluation.files import City, Resident

Floats = NDArray[np.float64]

DEPTH = 10
DISCOUNT = 1 / (1 + 0.18 * np.arange(DEPTH))
RESAMPLES = 2000
SEED = 20260401
COLD, WARM, ATTRIBUTES_ONLY = "cold", "warm", "cold_attributes_only"
SLICES = ("age_band", "ward", "language")
LIMITS = {COLD: 0.61, ATTRIBUTES_ONLY: 0.59}
"""What the acceptance asks for at least."""


@dataclass(frozen=True, slots=True)
class Value:
    """A mean over residents with its 95 % interval by bootstrap."""

    mean: float
    low: float
    high: float
    residents: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Value":
        """Without residents everything is NaN."""
        found = np.asarray(values, dtype=float)
        if not found.size:
            return cls(math.nan, math.nan, math.nan, 0)
        draws = np.random.default_rng(SEED).integers(0, found.size, (RESAMPLES, found.size))
        low, high = np.percentile(found[draws].mean(axis=1), [2.5, 97.5])
        return cls(float(found.mean()), float(low), float(high), int(found.size))


@dataclass
class Checks:
    """What must be 0; lists are counted by resident and day."""

    urgent_missing: int = 0
    urgent_not_first: int = 0
    expired: int = 0
    duplicates: int = 0
    incomplete: int = 0

    def broken(self) -> list[str]:
        """Names of the checks that are not 0."""
        return [name for name, count in vars(self).items() if count]


@dataclass(frozen=True)
class Score:
    """Value by group of residents, and by resident; the hard checks."""

    values: Mapping[str, Value]
    by_resident: Mapping[str, float] = field(repr=False)
    checks: Checks

    def short(self) -> list[str]:
        """Groups whose value is below what the acceptance asks for; a group without residents cannot be."""
        return [name for name, limit in LIMITS.items() if self.values[name].mean < limit]


@dataclass(frozen=True)
class Live:
    """What lives on a day: all ids, those that are not urgent, and the urgent items."""

    ids: frozenset[str]
    calm: frozenset[str]
    urgent: tuple[Item, ...]

    @classmethod
    def of(cls, items: Sequence[Item]) -> "Live":
        """Of items that are published and not expired."""
        return cls(
            frozenset(item.id for item in items),
            frozenset(item.id for item in items if not item.urgent),
            tuple(item for item in items if item.urgent),
        )


class Truth:
    """True chances of a click at the top, by day."""

    def __init__(self, folder: Path, city: City) -> None:
        path = folder / "truth.npz"
        try:
            with np.load(path) as found:
                self._users = {str(name): row for row, name in enumerate(found["users"])}
                names = {day: [str(name) for name in found[f"items_{day}"]] for day in city.days}
                self._q = {day: found[f"q_{day}"] for day in city.days}
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise FolderError(f"{path.name}: cannot be read ({error})") from error
        for name in city.tested:
            if name not in self._users:
                raise FolderError(f"{path.name}: nothing about resident {name}")
        for day, q in self._q.items():
            if q.shape != (len(self._users), len(names[day])):
                raise FolderError(f"{path.name}: q_{day} is {q.shape}")
        self._columns = {day: {name: n for n, name in enumerate(found)} for day, found in names.items()}
        self._best = {day: self._most(city, day) for day in city.days}

    def _most(self, city: City, day: str) -> Floats:
        """Of each resident: expected clicks of the best possible list."""
        calm = Live.of(city.live(city.days[day])).calm
        columns = [column for name, column in self._columns[day].items() if name in calm]
        chances = _chance(np.sort(self._q[day][:, columns], axis=1)[:, :DEPTH])
        return np.asarray(chances @ DISCOUNT[: chances.shape[1]])

    def chances(self, resident: str, day: str, names: Sequence[str]) -> Floats:
        """The chance of each of these items at the top."""
        columns = self._columns[day]
        return _chance(self._q[day][self._users[resident], [columns[name] for name in names]])

    def clicks(self, resident: str, day: str, calm: Sequence[str]) -> tuple[float, float]:
        """Expected clicks of the first items of a list, and of the best possible list."""
        row, columns = self._users[resident], self._columns[day]
        places = [(place, columns[name]) for place, name in enumerate(calm[:DEPTH]) if name in columns]
        mine = _chance(self._q[day][row, [column for _, column in places]])
        return float(mine @ DISCOUNT[[place for place, _ in places]]), float(self._best[day][row])


def _chance(q: NDArray[np.uint8]) -> Floats:
    return np.asarray(np.exp(-q.astype(float) / 24.0))


def score(city: City, truth: Truth, lists: Iterable[tuple[str, str, Sequence[str]]]) -> Score:
    """Score lists of (resident, day, item ids); a list that is missing counts 0 and is incomplete."""
    live = {day: Live.of(city.live(at)) for day, at in city.days.items()}
    checks = Checks()
    mine = dict.fromkeys(city.tested, 0.0)
    best = {name: sum(truth.clicks(name, day, ())[1] for day in city.days) for name in city.tested}
    count = 0
    for resident, day, ranked in lists:
        check(checks, city.residents[resident], live[day], ranked)
        calm = [name for name in dict.fromkeys(ranked) if name in live[day].calm or name not in live[day].ids]
        mine[resident] += truth.clicks(resident, day, calm)[0]
        count += 1
    checks.incomplete += len(city.tested) * len(city.days) - count
    by_resident = {name: mine[name] / best[name] if best[name] else 1.0 for name in city.tested}
    groups: dict[str, list[float]] = {COLD: [], WARM: [], ATTRIBUTES_ONLY: []}
    for name, group in city.tested.items():
        groups[group].append(by_resident[name])
        if group == COLD and not city.residents[name].profile.declared:
            groups[ATTRIBUTES_ONLY].append(by_resident[name])
    return Score({name: Value.of(values) for name, values in groups.items()}, by_resident, checks)


def slices(city: City, found: Score) -> Iterator[tuple[str, Value]]:
    """Value by age band, ward and language; a slice of fewer than SMALL_CELL residents is left out."""
    for key in SLICES:
        groups: dict[str, list[float]] = {}
        for name, value in found.by_resident.items():
            profile = city.residents[name].profile
            told = profile.district if key == "ward" else profile.attributes.get(key)
            groups.setdefault(str(told or "–"), []).append(value)
        for group, values in sorted(groups.items()):
            if len(values) >= SMALL_CELL:
                yield f"{key} {group}", Value.of(values)


def check(checks: Checks, resident: Resident, live: Live, ranked: Sequence[str]) -> None:
    """Adds what is wrong with one list."""
    listed = set(ranked)
    urgent = {item.id for item in live.urgent if resident.must_see(item)}
    checks.urgent_missing += len(urgent - listed)
    checks.urgent_not_first += len((urgent & listed) - set(ranked[: len(urgent)]))
    checks.expired += len(listed - live.ids)
    checks.duplicates += len(ranked) - len(listed)
    checks.incomplete += len(listed & live.calm) < min(DEPTH, len(live.calm))


def references(folder: Path) -> dict[str, dict[str, Sequence[float]]]:
    """ranker → group → (mean, low, high), of a NAME_reference.json in the folder or beside it; else nothing."""
    for path in (*sorted(folder.glob("*_reference.json")), folder.parent / f"{folder.name}_reference.json"):
        if path.is_file():
            try:
                found: dict[str, dict[str, Sequence[float]]] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise FolderError(f"{path.name}: cannot be read") from error
            return found
    return {}
