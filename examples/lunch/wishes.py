"""Which ingredients a family looks for, by pairwise subject, in a SQLite file or in memory."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from examples.lunch.ingredients import INGREDIENTS

SPLIT = {"shellfish": ("shrimp", "crab", "molluscs")}
"""A choice of an earlier version that became several: whoever made it goes on being told of all of them."""


class Wishes:
    """One row for each subject that chose something; choosing nothing removes the row."""

    def __init__(self, var_dir: Path | None) -> None:
        if var_dir is not None:
            var_dir.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            ":memory:" if var_dir is None else var_dir / "lunch.sqlite3", check_same_thread=False
        )
        with self._lock, self._db:
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS wish (sub TEXT PRIMARY KEY, ingredients TEXT NOT NULL)"
            )

    def of(self, sub: str | None) -> tuple[str, ...]:
        """The ingredients this subject chose."""
        if sub is None:
            return ()
        with self._lock:
            row = self._db.execute("SELECT ingredients FROM wish WHERE sub = ?", (sub,)).fetchone()
        kept = {new for key in json.loads(row[0]) for new in SPLIT.get(key, (key,))} if row else set()
        return tuple(key for key in INGREDIENTS if key in kept)

    def keep(self, sub: str, ingredients: Sequence[str]) -> None:
        """Stores the choice; what is not in the vocabulary is dropped."""
        known = [key for key in INGREDIENTS if key in set(ingredients)]
        with self._lock, self._db:
            if known:
                self._db.execute("REPLACE INTO wish VALUES (?, ?)", (sub, json.dumps(known)))
            else:
                self._db.execute("DELETE FROM wish WHERE sub = ?", (sub,))

    def count(self, sub: str) -> int:
        """How many records are kept of this subject."""
        with self._lock:
            (number,) = self._db.execute("SELECT COUNT(*) FROM wish WHERE sub = ?", (sub,)).fetchone()
        return int(number)

    def forget(self, sub: str) -> int:
        """Deletes everything of this subject; returns how many records that were."""
        with self._lock, self._db:
            return self._db.execute("DELETE FROM wish WHERE sub = ?", (sub,)).rowcount

    def close(self) -> None:
        """Closes the database."""
        with self._lock:
            self._db.close()
