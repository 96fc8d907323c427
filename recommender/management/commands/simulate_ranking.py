"""Prints what re-ranking costs and gives on a folder with the truth, and what a closed loop makes of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.domain.weights import Weights
from recommender.errors import RecommenderError
from recommender.evaluation import acceptance, files, loop, reranked, scoring
from recommender.evaluation.files import City


class Command(BaseCommand):
    """simulate_ranking DIR"""

    help = "Measures each part of the re-ranking where the truth is known, and simulates weeks of showing and learning."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--seeds", type=int, default=5, help="How many worlds.")
        parser.add_argument("--days", type=int, default=loop.DAYS, help="Days of each.")
        parser.add_argument("--visits", type=int, default=loop.VISITS, help="Visits a day.")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        folder: Path = options["folder"]
        try:
            for name in ("seeds", "days", "visits"):
                if options[name] < 1:
                    raise CommandError(f"--{name} must be 1 or more")
            city = files.read(folder)
            weights = acceptance.fitted(city)
            self._parts(folder, city, weights)
            self._loop(city, weights, range(options["seeds"]), options["days"], options["visits"])
        except RecommenderError as error:
            raise CommandError(str(error)) from error

    def _parts(self, folder: Path, city: City, weights: Weights) -> None:
        self._row(
            "re-rank", "value", "topic entropy, bits", "KL to taste", "providers under half their share"
        )
        self._row(*["---"] * 5)
        for one in reranked.measure(city, scoring.Truth(folder, city), weights):
            self._row(
                one.name,
                f"{one.value:.3f}",
                f"{one.entropy:.2f}",
                f"{one.divergence:.2f}",
                f"{one.short:.0%}",
            )
        self.stdout.write("")

    def _loop(self, city: City, weights: Weights, seeds: Iterable[int], days: int, visits: int) -> None:
        found = [one for _, one in loop.simulate(city, weights, list(seeds), days=days, visits=visits)]
        self._row(
            "way", "clicks a visit", "new items unseen in 48 h", "providers under half", "least exposure"
        )
        self._row(*["---"] * 5)
        for way in loop.WAYS:
            mine = [one[way.name] for one in found]
            self._row(
                way.name,
                _told([one.clicks for one in mine]),
                _told([100 * one.unseen for one in mine], " %"),
                _told([100 * one.short for one in mine], " %"),
                _told([one.least for one in mine]),
            )
        plain, ranked, slot = (way.name for way in loop.WAYS)
        for name, than in ((ranked, plain), (slot, ranked)):
            change = [100 * (one[name].clicks / one[than].clicks - 1) for one in found]
            self.stdout.write(f"{name} against {than}: {_told(change, ' % clicks')}")

    def _row(self, *cells: str) -> None:
        self.stdout.write(f"| {' | '.join(cells)} |")


def _told(values: list[float], unit: str = "") -> str:
    """Of one city there is no error to tell."""
    if len(values) < 2:
        return f"{values[0]:.3g}{unit}"
    mean, error = loop.mean(values)
    return f"{mean:.3g} ± {error:.2g}{unit}"
