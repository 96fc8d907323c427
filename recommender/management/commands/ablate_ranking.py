"""Prints what each part of the model is worth on a folder with the log of a city, as tables of Markdown."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.errors import RecommenderError
from recommender.evaluation import ablations, files
from recommender.evaluation.scoring import Score, Value


class Command(BaseCommand):
    """ablate_ranking DIR"""

    help = "Takes parts of the model away, fits again, and prints the value of each; then clicks and value."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        folder: Path = options["folder"]
        try:
            city = files.read(folder)
            self._table("model", ablations.ablated(folder, city))
            self.stdout.write("")
            self._table("clicks", ablations.curve(folder, city))
        except RecommenderError as error:
            raise CommandError(str(error)) from error

    def _table(self, first: str, rows: Any) -> None:
        self.stdout.write(f"| {first} | cold | warm | cold, attributes only |")
        self.stdout.write("|---|---|---|---|")
        for name, score in rows:
            self.stdout.write(f"| {name} | {_cells(score)} |")


def _cells(score: Score) -> str:
    return " | ".join(_cell(value) for value in score.values.values())


def _cell(value: Value) -> str:
    return f"{value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"
