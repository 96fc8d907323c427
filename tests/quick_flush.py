"""Puts PostgreSQL back to what migrations left, after a test that committed: milliseconds instead of a second.

Django truncates some hundred tables and then runs every post_migrate handler again. This deletes the rows of the
tables that have any, and restores the rows that migrations made (content types, permissions, Wagtail's root).
"""

from django.db import connection
from django.test import TransactionTestCase

KEPT = "initial"  # a schema beside "public", with a copy of each table that was not empty
UNTOUCHED = frozenset({"django_migrations"})


def install() -> None:
    """Takes the snapshot, and replaces what Django does after a test with transactions of its own."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        tables = [name for (name,) in cursor.fetchall() if name not in UNTOUCHED]
        probe = _probe(tables)
        cursor.execute(probe)
        initial: list[str] = cursor.fetchone()[0]
        cursor.execute(f"DROP SCHEMA IF EXISTS {KEPT} CASCADE; CREATE SCHEMA {KEPT}")
        for name in initial:
            cursor.execute(f'CREATE TABLE {KEPT}."{name}" AS TABLE public."{name}"')

    def restore(_case: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute(probe)
            filled: list[str] = cursor.fetchone()[0]
            # As a replica: no foreign key is checked half-way, and the append-only ledger lets go of its rows.
            steps = ["SET session_replication_role = replica"]
            # The names are those of the database's own catalogue.
            steps += [f'DELETE FROM public."{name}"' for name in filled]  # noqa: S608
            steps += [f'INSERT INTO public."{name}" SELECT * FROM {KEPT}."{name}"' for name in initial]  # noqa: S608
            steps.append("SET session_replication_role = DEFAULT")
            cursor.execute("; ".join(steps))

    TransactionTestCase._fixture_teardown = restore  # type: ignore[method-assign]


def _probe(tables: list[str]) -> str:
    """One query that names the tables with rows."""
    each = ", ".join(
        f"CASE WHEN EXISTS (SELECT 1 FROM public.\"{name}\") THEN '{name}' END"  # noqa: S608
        for name in tables
    )
    return f"SELECT array_remove(ARRAY[{each}], NULL)"
