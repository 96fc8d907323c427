"""What each part of the model is worth: it is taken away, the rest is fitted again, and the order is scored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recommender.domain import fitting
from recommender.domain import weights as families
from recommender.domain.features import Design
from recommender.domain.weights import Prior, Weights
from recommender.evaluation import orders, scoring
from recommender.evaluation.files import AREA, City

SEED = 7
CURVE = (0, 164, 488, 1241, 2423, 4410)
"""Numbers of clicks at which the value is told."""
FOREVER = 1e12
NO_PLACE = replace(Prior(), own_district=0.0, followed=0.0, elsewhere=0.0)
NO_AGE = replace(Prior(), half_life_days={}, default_half_life_days=FOREVER)
NO_PRIOR = Prior(
    own_district=0.0, followed=0.0, elsewhere=0.0, declared=0.0, avoided=0.0, audience=0.0, same_language=0.0, other_language=0.0,
    base={}, half_life_days={}, default_half_life_days=FOREVER, attribute_topic={},
)  # fmt: skip


@dataclass(frozen=True)
class Ablation:
    """A model without something: its prior, and the families that it has not."""

    name: str
    prior: Prior
    lacks: Callable[[str], bool]


GEOGRAPHY = (families.ELSEWHERE, families.PLACE, families.FOLLOWED, families.ATTRIBUTE + AREA)
DECLARED = (families.DECLARED, families.DECLARED_TOPIC)
POPULARITY = (families.BIAS, families.POSITION, families.BASE, families.ITEM, families.RECENCY)
ABLATIONS = (
    Ablation("the model", Prior(), lambda _: False),
    Ablation(
        "no attributes",
        replace(Prior(), attribute_topic={}),
        lambda name: name.startswith(families.ATTRIBUTE),
    ),
    Ablation("no geography", NO_PLACE, lambda name: name in GEOGRAPHY),
    Ablation("no recency", NO_AGE, lambda name: name == families.RECENCY),
    Ablation("no declared topics", replace(Prior(), declared=0.0), lambda name: name in DECLARED),
    Ablation(
        "no language",
        replace(Prior(), same_language=0.0, other_language=0.0),
        lambda name: name in (families.LANGUAGE, families.ATTRIBUTE + "language"),
    ),
    Ablation("no item of its own", Prior(), lambda name: name == families.ITEM),
    Ablation("no editors' prior", NO_PRIOR, lambda _: False),
    Ablation("popularity and recency only", NO_PRIOR, lambda name: name not in POPULARITY),
)


def ablated(folder: Path, city: City) -> Iterator[tuple[str, scoring.Score]]:
    """Each ablation with its score; the last is the editors' prior without any click."""
    truth = scoring.Truth(folder, city)
    for ablation in ABLATIONS:
        yield ablation.name, _score(city, truth, refitted(city, ablation))
    yield "editors' prior only", _score(city, truth, Weights())


def refitted(city: City, ablation: Ablation) -> Weights:
    """What the log teaches a model without something."""
    design = Design.of(city.shown, ablation.prior)
    without = [name for name in design.blocks if ablation.lacks(name)]
    return fitting.fit(design, ablation.prior, without=without).weights(ablation.prior)


def curve(folder: Path, city: City, wanted: tuple[int, ...] = CURVE) -> Iterator[tuple[int, scoring.Score]]:
    """Clicks → value: the log of ever more residents, drawn by chance, until it has so many clicks."""
    truth = scoring.Truth(folder, city)
    prior = Prior()
    subjects = np.array(sorted({one.subject for one in city.shown}))
    place = {name: n for n, name in enumerate(np.random.default_rng(SEED).permutation(subjects).tolist())}
    by_place = np.zeros(len(place) + 1)
    for one in city.shown:
        by_place[place[one.subject]] += one.clicks
    sums = np.cumsum(by_place)
    for clicks in wanted:
        if clicks > sums[-1]:
            return
        many = int(np.searchsorted(sums, clicks)) + 1 if clicks else 0
        shown = [one for one in city.shown if place[one.subject] < many]
        weights = fitting.fit(Design.of(shown, prior), prior).weights(prior)
        yield int(sum(one.clicks for one in shown)), _score(city, truth, weights)


def _score(city: City, truth: scoring.Truth, weights: Weights) -> scoring.Score:
    return scoring.score(city, truth, orders.lists(city, weights, length=scoring.DEPTH))
