"""The cities of `tests/data`, read and fitted once for all tests."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from recommender.domain import fitting
from recommender.domain.features import Design
from recommender.domain.fitting import Fit
from recommender.domain.weights import Prior, Weights
from recommender.evaluation import files, orders, scoring
from recommender.evaluation.files import City
from recommender.evaluation.scoring import Score
from tests.recommender.cities import City as Made
from tests.recommender.cities import Make

DATA = Path(__file__).parents[1] / "data" / "recommender"


@dataclass(frozen=True)
class Learnt:
    """A folder, what was read, and what was learnt from it."""

    folder: Path
    city: City
    design: Design
    fit: Fit

    @property
    def weights(self) -> Weights:
        return self.fit.weights(Prior())

    @cached_property
    def score(self) -> Score:
        """Of what was learnt."""
        return self.value(self.weights)

    def value(self, weights: Weights) -> Score:
        return scoring.score(
            self.city,
            scoring.Truth(self.folder, self.city),
            orders.lists(self.city, weights, length=scoring.DEPTH),
        )


def learn(folder: Path) -> Learnt:
    city = files.read(folder)
    design = Design.of(city.shown, Prior())
    return Learnt(folder, city, design, fitting.fit(design, Prior()))


@pytest.fixture(scope="session")
def tiny_city() -> Learnt:
    """600 residents, 214 clicks."""
    return learn(DATA / "city_tiny")


@pytest.fixture(scope="session")
def dev_city() -> Learnt:
    """6,000 residents, 4,607 clicks."""
    return learn(DATA / "city_dev")


@pytest.fixture(scope="session")
def made_city(tmp_path_factory):
    """Makes and learns a city of one's own."""

    def make(what: Make) -> Learnt:
        return learn(Made(what).write(tmp_path_factory.mktemp("city")))

    return make
