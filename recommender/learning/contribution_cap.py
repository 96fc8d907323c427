"""How much one resident may say in 30 days: about one provider, and altogether; pure.

A view beyond the allowance is not learnt from; an opening beyond it counts as a view that was not opened. So whoever
opens everything of one provider all day says no more than "I open as often as expected".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from recommender.domain.sparse import Floats
from recommender.learning.folding import MOST_KEY, Known
from recommender.learning.rows import Row

FAMILY = "allowance"
"""Under this name it is kept beside what is pending: 30 days at most, and gone with a withdrawal."""
ALL = "*"
BY_PROVIDER = "provider|"


@dataclass(frozen=True, slots=True)
class Limits:
    """Clicks, and as much in expected clicks, in 30 days.

    About one provider so much: `least`, and `by_share` times its share of all that is opened, because a resident opens
    more of the city itself than of a club. The first view counts in any case.
    """

    least: float = 1.0
    by_share: float = 8.0
    overall: float = 15.0

    def of(self, share: float) -> float:
        """What one resident may say about a provider with this share."""
        return self.least + self.by_share * share


@dataclass(slots=True)
class Used:
    """What one resident used of one allowance."""

    c: float = 0.0
    e: float = 0.0


Name = tuple[str, str]
"""(subject, key)"""


Shares = Mapping[str, float]
"""provider → its share of all expected clicks; one that is not known has none."""


def shares(known: Mapping[str, Known]) -> dict[str, float]:
    """Of the learnt cells of the family `provider`."""
    whole = sum(cell.e for cell in known.values())
    return {key: cell.e / whole for key, cell in known.items()} if whole > 0 else {}


def allowed(
    rows: Sequence[Row],
    expected: Floats,
    used: Mapping[Name, Used],
    share: Shares,
    limits: Limits = Limits(),
) -> tuple[list[Row], dict[Name, Used]]:
    """The rows to learn from, and what their residents have used now; `used` stays as it is."""
    kept: list[Row] = []
    now: dict[Name, Used] = {}
    for row, once in zip(_once(rows), expected.tolist(), strict=True):
        if row is None:
            continue
        likely = once * row.times
        tallies = []
        for key, limit in _limits(row, share, limits):
            name = (row.shown.subject, key)
            before = used.get(name, Used())
            tallies.append((now.setdefault(name, Used(before.c, before.e)), limit))
        if any(tally.e > 0 and tally.e + likely > limit for tally, limit in tallies):
            continue
        clicks = max(0.0, min(row.shown.clicks, *(limit - tally.c for tally, limit in tallies)))
        for tally, _ in tallies:
            tally.c += clicks
            tally.e += likely
        kept.append(
            row if clicks == row.shown.clicks else replace(row, shown=replace(row.shown, clicks=clicks))
        )
    return kept, now


def _limits(row: Row, share: Shares, limits: Limits) -> Iterator[tuple[str, float]]:
    provider = row.shown.item.provider
    if provider:
        yield f"{BY_PROVIDER}{provider}"[:MOST_KEY], limits.of(share.get(provider, 0.0))
    yield ALL, limits.overall


def _once(rows: Sequence[Row]) -> Iterator[Row | None]:
    """An item counts once for a resident in a batch: the view in which it was opened, else refused, else the first."""
    says: dict[Name, tuple[float, int]] = {}
    for row in rows:
        name = (row.shown.subject, row.shown.item.id)
        says[name] = max(says.get(name, (0.0, 0)), (row.shown.clicks, row.times))
    for row in rows:
        name = (row.shown.subject, row.shown.item.id)
        if says.get(name) == (row.shown.clicks, row.times):
            del says[name]
            yield row
        else:
            yield None
