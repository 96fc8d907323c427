"""The learning of the job without its tables: for measuring what folding in batches, k and allowances cost; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.disclosure import SMALL_CELL
from recommender.domain import weights as families
from recommender.domain.features import Design
from recommender.domain.weights import Prior, Weights
from recommender.learning import contribution_cap, folding
from recommender.learning.contribution_cap import Limits, Used
from recommender.learning.folding import Known, Ripe
from recommender.learning.rows import Row


@dataclass
class Stream:
    """Cells and what is pending, in memory. `k` and `limits` None switch them off."""

    prior: Prior
    k: int = SMALL_CELL
    limits: Limits | None = field(default_factory=Limits)
    cells: dict[str, dict[str, Known]] = field(default_factory=dict)
    pending: dict[tuple[str, str], dict[str, tuple[float, float]]] = field(default_factory=dict)
    used: dict[contribution_cap.Name, Used] = field(default_factory=dict)

    def fold(self, rows: Sequence[Row], days: float = 0.0) -> None:
        """One batch, `days` after the last."""
        if self.limits is not None and rows:
            design = Design.of([row.shown for row in rows], self.prior)
            likely = folding.expected(self.cells, design, self.prior)
            rows, now = contribution_cap.allowed(
                rows,
                likely,
                self.used,
                contribution_cap.shares(self.cells.get(families.PROVIDER, {})),
                self.limits,
            )
            self.used.update(now)
        design = Design.of([row.shown for row in rows], self.prior)
        done = folding.fold(self.cells, design, [row.shown.subject for row in rows], self.prior, days)
        self.cells = done.cells
        for one in done.said:
            told = self.pending.setdefault((one.family, one.key), {})
            c, e = told.get(one.subject, (0.0, 0.0))
            told[one.subject] = (c + one.c, e + one.e)
        ripe = [
            Ripe(family, key, *(sum(pair[n] for pair in told.values()) for n in (0, 1)))
            for (family, key), told in self.pending.items()
            if len(told) >= self.k
        ]
        for family, fresh in folding.born(ripe, done, design, self.prior).items():
            self.cells.setdefault(family, {}).update(fresh)
            for key in fresh:
                del self.pending[family, key]

    def weights(self) -> Weights:
        """What ranks."""
        return Weights(
            self.prior,
            {name: {key: known.w for key, known in found.items()} for name, found in self.cells.items()},
        )
