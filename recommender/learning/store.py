"""The tables under the fold: cells and pending sums out and in; everything runs in the caller's transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Sum

from core import versions
from core.disclosure import SMALL_CELL
from recommender.learning import contribution_cap
from recommender.learning.contribution_cap import Used
from recommender.learning.folding import Known, Ripe, Said
from recommender.models import Cell, Pending

KEPT = timedelta(days=30)
FAINT = 0.02
"""A cell of so few expected clicks says nothing any more."""
LOCK = "ranking:learning"
CHUNK = 500


def number() -> int:
    """The number of the last fold; two who read the same cannot both claim the next."""
    return versions.read(LOCK)


def claim(last: int) -> bool:
    """Whether this transaction may fold; whoever comes second waits for it, and then may not."""
    return versions.claim(LOCK, last)


def wait() -> None:
    """Nobody folds from now on until this transaction ends."""
    versions.hold(LOCK)


def cells() -> tuple[dict[str, dict[str, Known]], datetime | None]:
    """All cells, and when they were last folded."""
    found: dict[str, dict[str, Known]] = {}
    last = None
    for cell in Cell.objects.all().iterator(chunk_size=2000):
        found.setdefault(cell.family, {})[cell.key] = Known(cell.w, cell.e)
        last = cell.updated if last is None else max(last, cell.updated)
    return found, last


def write_cells(found: Mapping[str, Mapping[str, Known]], now: datetime) -> None:
    """Writes all known cells in few statements; one that has faded goes."""
    faint = [(f, key) for f, known in found.items() for key, one in known.items() if one.e < FAINT]
    for family, key in faint:
        Cell.objects.filter(family=family, key=key).delete()
    _upsert(
        Cell(family=family, key=key, w=one.w, e=one.e, residents=SMALL_CELL, updated=now)
        for family, known in found.items()
        for key, one in known.items()
        if one.e >= FAINT
    )


def _upsert(found: Iterable[Cell], *also: str) -> None:
    Cell.objects.bulk_create(
        found,
        update_conflicts=True,
        unique_fields=["family", "key"],
        update_fields=["w", "e", "updated", *also],
        batch_size=CHUNK,
    )


def used(subjects: Collection[str], now: datetime) -> dict[contribution_cap.Name, Used]:
    """What these residents used of their allowances."""
    rows = Pending.objects.filter(family=contribution_cap.FAMILY, at__gt=now - KEPT)
    return {
        (row.subject, row.key): Used(row.c, row.e)
        for some in _chunks(sorted(subjects))
        for row in rows.filter(subject__in=some)
    }


def write_used(found: Mapping[contribution_cap.Name, Used], now: datetime) -> None:
    """The sums replace what was there; the day on which they began stays."""
    _keep(
        Pending(family=contribution_cap.FAMILY, key=key, subject=subject, c=one.c, e=one.e, at=now)
        for (subject, key), one in found.items()
    )


def add_pending(said: Sequence[Said], now: datetime) -> None:
    """Adds what residents said to what they said before."""
    subjects = sorted({one.subject for one in said})
    before = {
        (row.family, row.key, row.subject): row
        for some in _chunks(subjects)
        for row in Pending.objects.filter(subject__in=some).exclude(family=contribution_cap.FAMILY)
    }
    rows = []
    for one in said:
        row = before.get((one.family, one.key, one.subject))
        c, e = (row.c, row.e) if row else (0.0, 0.0)
        rows.append(
            Pending(family=one.family, key=one.key, subject=one.subject, c=c + one.c, e=e + one.e, at=now)
        )
    _keep(rows)


def _keep(rows: Iterable[Pending]) -> None:
    Pending.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["family", "key", "subject"],
        update_fields=["c", "e"],
        batch_size=CHUNK,
    )


def ripe() -> dict[tuple[str, str], tuple[Ripe, int]]:
    """Cells about which 20 residents or more spoke, and how many."""
    rows = (
        Pending.objects.exclude(family=contribution_cap.FAMILY)
        .values("family", "key")
        .annotate(residents=Count("pk"), clicks=Sum("c"), likely=Sum("e"))
        .filter(residents__gte=SMALL_CELL)
        .order_by("family", "key")
    )
    return {
        (row["family"], row["key"]): (
            Ripe(row["family"], row["key"], row["clicks"], row["likely"]),
            row["residents"],
        )
        for row in rows
    }


def make_cells(
    fresh: Mapping[str, Mapping[str, Known]],
    ripe: Mapping[tuple[str, str], tuple[Ripe, int]],
    now: datetime,
) -> None:
    """They become cells, and what each resident said about them is deleted."""
    made = []
    for family, found in fresh.items():
        for key, one in found.items():
            residents = ripe[family, key][1]
            made.append(Cell(family=family, key=key, w=one.w, e=one.e, residents=residents, updated=now))
            Pending.objects.filter(family=family, key=key).delete()
    _upsert(made, "residents")


def forget_old(now: datetime) -> int:
    """Deletes what has waited for 30 days; returns how many rows."""
    return Pending.objects.filter(at__lte=now - KEPT).delete()[0]


def _chunks(found: Sequence[str]) -> Iterable[Sequence[str]]:
    return (found[start : start + CHUNK] for start in range(0, len(found), CHUNK))
