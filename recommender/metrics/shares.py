"""What residents add to the sums of a group, kept by pseudonym until twenty of them stand behind it, then by nobody.

Whoever withdraws before that leaves nothing: their rows are deleted with the log (`recommender.log.forget`). A group is
a name and the month; all that is said of it becomes sums of nobody in one step, and from then on is added to them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, models, transaction

from core.disclosure import SMALL_CELL
from recommender.metrics import counts
from recommender.models import Count, Share

KEPT = timedelta(days=30)
OPEN = "open.group"
"""Groups of a month that have had twenty residents."""
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Part:
    """Which sum of a group a resident adds to."""

    day: date
    group: str
    name: str
    key: str
    subject: str


def add(found: Mapping[Part, float], now: datetime) -> None:
    """Adds to the sums of groups that are open, and to the residents' own shares in all others."""
    if not found:
        return
    open_groups = {(day, group) for day, group in _open({part.day for part in found})}
    sums: Counter[counts.Key] = Counter()
    waiting: dict[Part, float] = {}
    for part, value in found.items():
        if (part.day, part.group[:200]) in open_groups:
            sums[part.day, part.name, part.key] += value  # type: ignore[assignment]
        else:
            waiting[part] = value
    counts.count_many(sums)
    rows = sorted(
        ((part.day, part.group[:200], part.name, part.key[:200], part.subject), value)
        for part, value in waiting.items()
    )
    for start in range(0, len(rows), _AT_ONCE):
        _add(rows[start : start + _AT_ONCE], now)


def _open(days: Iterable[date]) -> Iterable[tuple[date, str]]:
    return Count.objects.filter(name=OPEN, day__in=days).values_list("day", "key")


def _add(rows: list[tuple[tuple[date, str, str, str, str], float]], now: datetime) -> None:
    table = connection.ops.quote_name(Share._meta.db_table)
    named = ", ".join(
        connection.ops.quote_name(name) for name in ("day", "group", "name", "key", "subject", "value", "at")
    )
    key = ", ".join(connection.ops.quote_name(name) for name in ("day", "group", "name", "key", "subject"))
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
    at = connection.ops.adapt_datetimefield_value(now)
    values = [
        part
        for (day, *rest), value in rows
        for part in (connection.ops.adapt_datefield_value(day), *rest, float(value), at)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({named}) VALUES {places} "  # noqa: S608  names of our own, quoted
            f"ON CONFLICT ({key}) DO UPDATE SET value = {table}.value + EXCLUDED.value",
            values,
        )


@transaction.atomic
def ripen(now: datetime) -> int:
    """Makes sums of the groups that have twenty residents, and lets go of what waited for 30 days; how many groups."""
    Share.objects.filter(at__lte=now - KEPT).delete()
    groups = Share.objects.values("day", "group").annotate(residents=models.Count("subject", distinct=True))
    found = {(row["day"], row["group"]): row["residents"] for row in groups.order_by("day", "group")}
    known = set(_open({day for day, _group in found}))
    ripe = [one for one, residents in found.items() if residents >= SMALL_CELL or one in known]
    for day, group in ripe:
        # Held, so that what is withdrawn or added at this moment is either in the sum or not, and never half.
        rows = list(
            Share.objects.select_for_update().filter(day=day, group=group).order_by("name", "key", "subject")
        )
        if (day, group) not in known and len({row.subject for row in rows}) < SMALL_CELL:
            continue
        sums: Counter[counts.Key] = Counter()
        for row in rows:
            sums[row.day, row.name, row.key] += row.value  # type: ignore[assignment]
        counts.count_many(sums)
        counts.mark(day, OPEN, [group])
        _delete([row.pk for row in rows])
    return len(ripe)


def _delete(keys: list[int]) -> None:
    for start in range(0, len(keys), 500):
        Share.objects.filter(pk__in=keys[start : start + 500]).delete()


def waiting(month: date) -> frozenset[str]:
    """Groups of a month that have residents, and fewer than twenty."""
    return frozenset(Share.objects.filter(day=month).values_list("group", flat=True).distinct()) - {
        group for _day, group in _open([month])
    }


def forget(subject: str) -> int:
    """Deletes the shares of a pseudonym, held in the order in which they are made sums; returns how many."""
    mine = Share.objects.filter(subject=subject)
    list(mine.order_by("day", "group", "name", "key").select_for_update().values_list("pk"))
    return mine.delete()[0]
