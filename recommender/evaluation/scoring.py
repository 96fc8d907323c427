"""Scores a ranking against the truth of a folder: value with its interval, and the hard checks.

value = Σ over the first 10 items that are not urgent of p(item)/(1 + 0.18·rank), divided by the same sum of the best
possible order; mean over days, then over residents. p is the true chance of a click at the top.
"""

import json
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.errors import FolderError
from recommender.evaluation.files import City, Resident
from recommender.types import Item

Floats = NDArray[np.float64]

DEPTH = 10
DISCOUNT = 1 / (1 + 0.18 * np.arange(DEPTH))
RESAMPLES = 2000
SEED = 20260401
COLD, WARM, ATTRIBUTES_ONLY = "cold", "warm", "cold_attributes_only"
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


class Truth:
    """True chances of a click at the top, by day."""

    def __init__(self, folder: Path, city: City) -> None:
        path = folder / "truth.npz"
        try:
            with np.load(path) as found:
                self._users = {str(name): row for row, name in enumerate(found["users"])}
                self._items = {day: [str(name) for name in found[f"items_{day}"]] for day in city.days}
                self._q = {day: found[f"q_{day}"] for day in city.days}
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise FolderError(f"{path.name}: cannot be read ({error})") from error
        for name in city.tested:
            if name not in self._users:
                raise FolderError(f"{path.name}: nothing about resident {name}")
        for day, q in self._q.items():
            if q.shape != (len(self._users), len(self._items[day])):
                raise FolderError(f"{path.name}: q_{day} is {q.shape}")

    def chances(self, resident: str, day: str) -> dict[str, float]:
        """Item id → true chance of a click."""
        row = np.exp(-self._q[day][self._users[resident]].astype(float) / 24.0)
        return dict(zip(self._items[day], row.tolist(), strict=True))


def score(city: City, truth: Truth, lists: Iterable[tuple[str, str, Sequence[str]]]) -> Score:
    """Score lists of (resident, day, item ids); a list that is missing counts 0 and is incomplete."""
    live = {day: {item.id: item for item in city.live(at)} for day, at in city.days.items()}
    checks = Checks()
    found: dict[tuple[str, str], float] = {}
    for resident, day, ranked in lists:
        check(checks, city.residents[resident], live[day], ranked)
        found[resident, day] = _share(truth.chances(resident, day), live[day], ranked)
    checks.incomplete += len(city.tested) * len(city.days) - len(found)
    by_resident = {
        name: sum(found.get((name, day), 0.0) for day in city.days) / len(city.days) for name in city.tested
    }
    groups: dict[str, list[float]] = {COLD: [], WARM: [], ATTRIBUTES_ONLY: []}
    for name, group in city.tested.items():
        groups[group].append(by_resident[name])
        if group == COLD and not city.residents[name].profile.declared:
            groups[ATTRIBUTES_ONLY].append(by_resident[name])
    return Score({name: Value.of(values) for name, values in groups.items()}, by_resident, checks)


def check(checks: Checks, resident: Resident, live: Mapping[str, Item], ranked: Sequence[str]) -> None:
    """Adds what is wrong with one list."""
    listed = set(ranked)
    urgent = {item.id for item in live.values() if resident.must_see(item)}
    checks.urgent_missing += len(urgent - listed)
    checks.urgent_not_first += len((urgent & listed) - set(ranked[: len(urgent)]))
    checks.expired += sum(name not in live for name in listed)
    checks.duplicates += len(ranked) - len(listed)
    others = [item.id for item in live.values() if not item.urgent]
    here = sum(name in live and not live[name].urgent for name in listed)
    checks.incomplete += here < min(DEPTH, len(others))


def _share(chances: Mapping[str, float], live: Mapping[str, Item], ranked: Sequence[str]) -> float:
    """Expected clicks of the list as a share of the best possible; 1 when nothing can be clicked."""
    calm = [name for name in dict.fromkeys(ranked) if name not in live or not live[name].urgent][:DEPTH]
    mine = np.array([chances.get(name, 0.0) if name in live else 0.0 for name in calm])
    best = np.array(
        sorted((p for name, p in chances.items() if name in live and not live[name].urgent), reverse=True)[
            :DEPTH
        ]
    )
    most = float(best @ DISCOUNT[: best.size])
    return float(mine @ DISCOUNT[: mine.size]) / most if most > 0 else 1.0


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
