"""Scores a ranking that `rank_city` (or anything else) wrote against the truth of the folder."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.errors import RecommenderError
from recommender.evaluation import files, report, scoring


class Command(BaseCommand):
    """evaluate_ranking DIR RANKING.csv"""

    help = "Prints value and hard checks of a ranking; ends with 1 when the acceptance fails."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("ranking", type=Path)
        parser.add_argument("--slices", action="store_true", help="also by age band, ward and language")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        folder: Path = options["folder"]
        try:
            city = files.read(folder)
            lists = files.read_ranking(options["ranking"], city)
            found = scoring.score(
                city,
                scoring.Truth(folder, city),
                ((resident, day, ranked) for (resident, day), ranked in lists.items()),
            )
            beside = scoring.references(folder)
        except RecommenderError as error:
            raise CommandError(str(error)) from error
        for line in report.of_score(found, beside):
            self.stdout.write(line)
        if options["slices"]:
            for line in report.of_values(dict(scoring.slices(city, found))):
                self.stdout.write(line)
        broken = found.checks.broken() + found.short()
        if broken:
            raise CommandError("failed: " + ", ".join(broken))
