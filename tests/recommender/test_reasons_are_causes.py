"""Over a whole city with weights that were learnt: take away what a reason names, and the item falls."""

from pathlib import Path

import numpy as np
import pytest

from recommender.domain.explain import causes, reasons, without
from recommender.domain.features import Design
from recommender.domain.fitting import fit
from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker
from recommender.domain.weights import Prior
from recommender.evaluation.files import read
from tests.recommender.samples import HANAKO, LINH, TARO

TINY = Path(__file__).parents[1] / "data" / "recommender" / "city_tiny"


@pytest.fixture(scope="module")
def lists():
    """The catalogue of a city's first test day, and who reads it with which list."""
    city = read(TINY)
    prior = Prior()
    now = next(iter(city.days.values()))
    weights = fit(Design.of(city.shown, prior), prior).weights(prior)
    catalogue = Catalogue.compile(city.live(now), weights)
    profiles = [*(city.residents[one].profile for one in city.tested), HANAKO, TARO, LINH]
    ranker = AttributeRanker(catalogue)
    return catalogue, now, [(profile, ranker.rank(profile, now=now)) for profile in profiles]


def scores(catalogue, profile, now):
    return catalogue.z @ catalogue.vector(catalogue.parts(profile)) + catalogue.recency(now)


def test_without_what_a_reason_names_its_item_falls(lists):
    catalogue, now, found = lists
    told = fell = 0
    for profile, ranked in found:
        before = scores(catalogue, profile, now)
        after = {}
        for entry in ranked:
            row = catalogue.index[entry.item_id]
            effects = {cause.key: cause.effect for cause in causes(entry, profile, catalogue)}
            for reason in reasons(entry, profile, catalogue):
                if not reason.change_key:
                    continue
                key = reason.change_key
                if key not in after:
                    after[key] = scores(catalogue, without(profile, key), now)
                lost = before - after[key]
                assert lost[row] == pytest.approx(effects[key], abs=1e-4)
                assert lost[row] >= 0.05
                # Whatever the reason does not raise as much was above it or comes nearer.
                others = np.flatnonzero(lost < lost[row] - 1e-6)
                above = (before[others] > before[row]).sum()
                above_after = (after[key][others] > after[key][row]).sum()
                assert above_after >= above
                told += 1
                fell += above_after > above
    assert told > 100
    assert fell > told / 2


def test_terms_sum_to_the_score_and_reasons_are_few_and_of_different_things(lists):
    catalogue, _, found = lists
    for profile, ranked in found:
        for entry in ranked:
            assert abs(sum(term.weight for term in entry.terms) - entry.score) < 1e-5
            keys = [reason.change_key for reason in reasons(entry, profile, catalogue) if reason.change_key]
            assert len(keys) <= 3
            assert len(set(keys)) == len(keys)
