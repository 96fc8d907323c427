"""Migrations of the past: goes there, and comes back to the newest of every package."""

from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class Migrations:
    """The migrations of the test's database."""

    def to(self, *target: tuple[str, str]) -> Any:
        """Migrates to these (package, migration); the models as they are there."""
        MigrationExecutor(connection).migrate(list(target))
        return MigrationExecutor(connection).loader.project_state(list(target)).apps

    def to_newest(self) -> None:
        self.to(*MigrationExecutor(connection).loader.graph.leaf_nodes())
