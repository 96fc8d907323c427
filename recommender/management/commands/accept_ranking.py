"""Prints the whole acceptance of the order on a folder with the log of a city."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.errors import RecommenderError
from recommender.evaluation import acceptance, files, report, scoring


class Command(BaseCommand):
    """accept_ranking DIR"""

    help = "Learns, ranks, scores and checks everything on a folder; ends with 1 when anything fails."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        try:
            broken = self._accept(options["folder"])
        except RecommenderError as error:
            raise CommandError(str(error)) from error
        if broken:
            raise CommandError("failed: " + ", ".join(broken))
        self.stdout.write("accepted")

    def _accept(self, folder: Path) -> list[str]:
        city = files.read(folder)
        weights = acceptance.fitted(city)
        self.stdout.write(
            f"      {folder.name}: {len(city.residents)} residents, {len(city.items)} items, {len(city.shown)} rows,"
            f" {sum(one.clicks for one in city.shown):.0f} clicks, {len(city.tested)} residents to rank for"
            f" on {len(city.days)} days"
        )
        found, digest = acceptance.score(folder, city, weights)
        self.stdout.write("      the pure order of the model: no caps, no floor, no exploration")
        for line in report.of_score(found, scoring.references(folder)):
            self.stdout.write(line)
        self.stdout.write("      as on the home, with the caps and floors of the product:")
        reranked, _ = acceptance.score(folder, city, weights, reranked=True)
        for line in report.of_values(reranked.values):
            self.stdout.write(line)
        broken = found.checks.broken() + found.short()
        broken += [f"{name} with caps" for name in reranked.checks.broken()]
        for check in acceptance.checks(folder, city, weights, digest):
            self.stdout.write(report.line(check.good, check.name, check.told))
            if not check.good:
                broken.append(check.name)
        return broken
