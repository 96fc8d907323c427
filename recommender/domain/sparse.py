"""Sparse columns by family: what two sides (readers and items) give a row when they meet. Knows no model."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Block:
    """One family of a design: entry n says that row `rows[n]` has x[n] of cell `keys[cells[n]]`."""

    keys: tuple[str, ...]
    rows: Ints
    cells: Ints
    x: Floats

    def sums(self, values: Floats) -> Floats:
        """Σ x·value by cell."""
        return np.asarray(
            np.bincount(self.cells, self.x * values[self.rows], len(self.keys)), dtype=np.float64
        )

    def squares(self, values: Floats) -> Floats:
        """Σ x²·value by cell."""
        return np.asarray(
            np.bincount(self.cells, self.x * self.x * values[self.rows], len(self.keys)), dtype=np.float64
        )

    def bounds(self, values: Floats) -> Floats:
        """Σ x·(Σ x of the row)·value by cell: never below the curvature, however much the cells overlap."""
        wide = np.bincount(self.rows, self.x, len(values))
        return np.asarray(
            np.bincount(self.cells, self.x * (wide * values)[self.rows], len(self.keys)), dtype=np.float64
        )

    def apply(self, weights: Floats, size: int) -> Floats:
        """Σ x·w by row."""
        return np.asarray(np.bincount(self.rows, self.x * weights[self.cells], size), dtype=np.float64)


class Numbered:
    """Values that come again, numbered: `values`, and for each row the number of its own. Told apart by identity."""

    def __init__(self, found: Sequence[Any]) -> None:
        numbers: dict[Hashable, int] = {}
        self.values: list[Any] = []
        rows = []
        for value in found:
            # A profile cannot be hashed, and to compare two costs more than to look at one more of them.
            name = value if isinstance(value, int) else id(value)
            number = numbers.get(name)
            if number is None:
                number = numbers[name] = len(self.values)
                self.values.append(value)
            rows.append(number)
        self.rows: Ints = np.array(rows, dtype=np.intp)


class Side:
    """One side of a family: for each owner (a reader or an item) some entries, each a code and an x."""

    def __init__(self, entries: Iterable[tuple[int, int, float]], owners: int) -> None:
        found = list(entries)
        self.code: Ints = np.array([code for _, code, _ in found], dtype=np.intp)
        self.x: Floats = np.array([x for _, _, x in found], dtype=float)
        self.count: Ints = np.bincount(
            np.array([owner for owner, _, _ in found], dtype=np.intp), minlength=owners
        )
        self.start: Ints = np.cumsum(self.count) - self.count


class Names:
    """Words as numbers in the order in which they came."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def __getitem__(self, name: Hashable) -> int:
        return self._numbers.setdefault(name, len(self._numbers))

    def all(self) -> list[Any]:
        """The words, each at its number."""
        return list(self._numbers)


def meet(left: Side, right: Side, left_of: Ints, right_of: Ints) -> tuple[Ints, Ints, Ints, Floats]:
    """Each entry of the left owner of a row with each of its right owner: row, left code, right code, product of x."""
    many = right.count[right_of]
    rows, n = spread(left.count[left_of] * many, np.zeros(len(right_of), np.intp))
    of_left = left.start[left_of[rows]] + n // many[rows]
    of_right = right.start[right_of[rows]] + n % many[rows]
    return rows, left.code[of_left], right.code[of_right], left.x[of_left] * right.x[of_right]


def spread(count: Ints, start: Ints) -> tuple[Ints, Ints]:
    """For each row `count` entries: the row of each entry, and `start` + 0, 1, 2 … within its row."""
    rows = np.repeat(np.arange(len(count)), count)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(count) - count - start, count)


def block_of(rows: Ints, codes: Ints, name: Callable[[int], str], x: Floats | None = None) -> Block:
    """A block whose cells are named by their codes; codes of the same name are one cell."""
    used, inverse = np.unique(codes, return_inverse=True)
    names = [name(code) for code in used.tolist()]
    keys = sorted(set(names))
    numbers = {key: number for number, key in enumerate(keys)}
    cells = np.array([numbers[found] for found in names], dtype=np.intp)[inverse] if names else inverse
    return Block(tuple(keys), rows, cells, np.ones(len(rows)) if x is None else x)
