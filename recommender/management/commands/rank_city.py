"""Ranks every resident to be tested of a folder with the log of a city, by what its log teaches."""

import csv
import gzip
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.domain import fitting
from recommender.domain.features import Design
from recommender.domain.weights import Prior
from recommender.errors import RecommenderError
from recommender.evaluation import files, orders


class Command(BaseCommand):
    """rank_city DIR --out RANKING.csv"""

    help = (
        "Learns from the log of a folder and writes the list of every resident to be tested, for every day."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--out", type=Path, required=True, help="CSV to write; .gz is compressed")
        parser.add_argument("--rerank", action="store_true", help="with the caps and floors of the product")
        parser.add_argument(
            "--length", type=int, help="at most so many besides urgent ones; all when not given"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        length: int | None = options["length"]
        if length is not None and length < orders.LEAST:
            raise CommandError(f"--length: at least {orders.LEAST}")
        try:
            city = files.read(options["folder"])
            prior = Prior()
            weights = fitting.fit(Design.of(city.shown, prior), prior).weights(prior)
            count = write(options["out"], city, weights, reranked=options["rerank"], length=length)
        except RecommenderError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror}") from error
        self.stdout.write(f"{count} lists; learnt from {len(city.shown)} rows")


def write(path: Path, city: files.City, weights: Any, *, reranked: bool, length: int | None) -> int:
    """The lists as CSV; how many there are."""
    count = 0
    with _opened(path) as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(files.RANKING)
        for name, day, ranked in orders.lists(city, weights, reranked=reranked, length=length):
            writer.writerows((name, day, rank, item) for rank, item in enumerate(ranked))
            count += 1
    return count


def _opened(path: Path) -> TextIOWrapper:
    if path.suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", newline="")
    return path.open("w", encoding="utf-8", newline="")
