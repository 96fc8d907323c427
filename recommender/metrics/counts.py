"""Adds to the sums of a day, many in one statement; processes that add at once lose nothing."""

from collections.abc import Iterable, Mapping
from datetime import date

from django.db import connection, transaction

from recommender.models import Count

Key = tuple[date, str, str]
"""Of which day, what is counted, and of what."""

_AT_ONCE = 200
_MOST = 200
"""Characters of a key."""


def count(day: date, name: str, key: str = "", value: float = 1.0) -> None:
    """Adds one sum."""
    count_many({(day, name, key): value})


def count_many(sums: Mapping[Key, float]) -> None:
    """Adds all of them, in one order, so that two processes do not wait for each other crosswise."""
    rows = sorted(((day, name, key[:_MOST]), value) for (day, name, key), value in sums.items())
    for start in range(0, len(rows), _AT_ONCE):
        _add(rows[start : start + _AT_ONCE])


def _add(rows: list[tuple[Key, float]]) -> None:
    table = connection.ops.quote_name(Count._meta.db_table)
    places = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    values = [
        part
        for (day, name, key), value in rows
        for part in (connection.ops.adapt_datefield_value(day), name, key, float(value))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (day, name, key, value) VALUES {places} "  # noqa: S608  a name of our own, quoted
            f"ON CONFLICT (day, name, key) DO UPDATE SET value = {table}.value + EXCLUDED.value",
            values,
        )


@transaction.atomic
def put(day: date, name: str, values: Mapping[str, float]) -> None:
    """What is counted under this name on this day is this and nothing else; done again, it is the same."""
    Count.objects.filter(day=day, name=name).delete()
    Count.objects.bulk_create(
        [Count(day=day, name=name, key=key[:_MOST], value=value) for key, value in sorted(values.items())],
        update_conflicts=True,
        unique_fields=["day", "name", "key"],
        update_fields=["value"],
    )


def mark(day: date, name: str, keys: Iterable[str]) -> None:
    """Each of these keys was there: 1 under the name, however often it is said."""
    rows = [Count(day=day, name=name, key=key[:_MOST], value=1.0) for key in sorted(set(keys))]
    Count.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_AT_ONCE)


def forget(before: date, names: Iterable[str] | None = None) -> int:
    """Deletes what is older; returns how many rows."""
    old = Count.objects.filter(day__lt=before)
    return (old if names is None else old.filter(name__in=list(names))).delete()[0]
