"""Columns say what the features say, and the fit does what its formulas promise, whatever was shown."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.domain import fitting
from recommender.domain import weights as families
from recommender.domain.features import Design, Shown, age_days, bucket, faded, impersonal, personal
from recommender.domain.item_matrix import Catalogue
from recommender.domain.types import Profile
from recommender.domain.weights import Prior, Weights, key_of
from recommender.errors import CatalogueError
from tests.recommender.samples import HANAKO, NOW, TARO, item
from tests.recommender.test_ranking_properties import PROFILES, items

SHOWN = st.builds(
    Shown,
    profile=PROFILES,
    item=items(),
    # A list is made at the beginning of a minute.
    at=st.integers(-60_000, 60_000).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    position=st.integers(0, 12),
    clicks=st.sampled_from([0.0, 0.0, 1.0]),
)
LOGS = st.lists(SHOWN, max_size=40)


def cells(design: Design, row: int) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for family, block in design.blocks.items():
        for n in np.flatnonzero(block.rows == row):
            cell = (family, block.keys[block.cells[n]])
            found[cell] = found.get(cell, 0.0) + block.x[n]
    return found


@settings(max_examples=40, deadline=None)
@given(log=LOGS)
def test_columns_say_of_each_row_what_the_features_say_of_a_reader_and_an_item(log):
    prior = Prior()
    design = Design.of(log, prior)
    assert design.size == len(log)
    for row, one in enumerate(log):
        age = age_days(one.item, one.at)
        wanted: dict[tuple[str, str], float] = {
            (families.BIAS, ""): 1.0,
            (families.POSITION, str(one.position)): 1.0,
            (families.RECENCY, key_of(one.item.kind, str(bucket(age)))): 1.0,
        }
        for family, key, x in [*impersonal(one.item), *personal(one.profile, one.item)]:
            wanted[family, key] = wanted.get((family, key), 0.0) + x
        assert cells(design, row) == pytest.approx(wanted)
        assert design.offset[row] == pytest.approx(faded(prior, one.item.kind, age))


@settings(max_examples=25, deadline=None)
@given(log=LOGS, seed=st.integers(0, 9))
def test_what_is_expected_in_learning_is_the_score_of_the_list(log, seed):
    """log expected clicks − bias − position = Z q + recency, for weights that are anything."""
    chance = np.random.default_rng(seed)
    design = Design.of(log, Prior())
    learnt = {
        family: {key: chance.uniform(-1, -0.5 if family == families.AVOIDED else 1) for key in block.keys}
        for family, block in design.blocks.items()
        if family not in (families.BIAS, families.POSITION)
    }
    weights = Weights(Prior(), learnt)
    expected = np.log(design.expected(weights.of))
    for row, one in enumerate(log):
        catalogue = Catalogue.compile([one.item], weights)
        parts = catalogue.parts(one.profile)
        score = float((catalogue.z @ catalogue.vector(parts))[0] + catalogue.recency(one.at)[0])
        assert score == pytest.approx(expected[row], abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(log=LOGS, seed=st.integers(0, 9))
def test_the_order_of_the_rows_does_not_matter(log, seed):
    shuffled = [log[n] for n in np.random.default_rng(seed).permutation(len(log))]
    one, other = (fitting.fit(Design.of(rows, Prior()), Prior()) for rows in (log, shuffled))
    assert list(one.families) == list(other.families)
    for name, found in one.families.items():
        assert found.keys == other.families[name].keys
        assert found.w == pytest.approx(other.families[name].w, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(log=LOGS, clicks=st.sampled_from([0.0, 1.0, 1e6, 1e300]))
def test_weights_are_finite_whatever_was_shown_and_clicked(log, clicks):
    log = [replace(one, clicks=one.clicks * clicks) for one in log]
    fit = fitting.fit(Design.of(log, Prior()), Prior())
    fit.weights(Prior()).check()
    assert all(math.isfinite(found.precision) and found.precision >= 0 for found in fit.families.values())


def test_without_rows_nothing_is_learnt():
    fit = fitting.fit(Design.of([], Prior()), Prior())
    assert fit.families == {}
    assert fit.weights(Prior()).of(families.PLACE) == Prior().mean(families.PLACE, "")


@settings(max_examples=40, deadline=None)
@given(log=LOGS)
def test_without_clicks_personal_weights_stay_near_the_prior(log):
    """Nobody opened anything: the bias takes it, and says so; nothing personal is told from it."""
    log = [replace(one, clicks=0.0) for one in log]
    fit = fitting.fit(Design.of(log, Prior()), Prior())
    for name, found in fit.families.items():
        if name not in (families.BIAS, families.POSITION):
            assert np.abs(found.w - found.mean).max() < 0.2, name


@pytest.mark.parametrize("clicks", [math.nan, math.inf, -1.0])
def test_clicks_that_are_no_number_are_refused(clicks):
    with pytest.raises(CatalogueError):
        Design.of([Shown(HANAKO, item("a"), NOW, 0, clicks)], Prior())


def test_times_without_a_zone_are_refused():
    naive = datetime(2026, 6, 1)  # noqa: DTZ001
    with pytest.raises(CatalogueError):
        Design.of([Shown(HANAKO, item("a"), naive, 0, 1.0)], Prior())
    with pytest.raises(CatalogueError):
        Design.of([Shown(HANAKO, replace(item("a"), published_at=naive), NOW, 0, 1.0)], Prior())


def test_a_fit_expects_as_many_clicks_as_there_were(dev_city):
    expected = dev_city.design.expected(dev_city.weights.of)
    assert expected.sum() == pytest.approx(dev_city.design.clicks.sum(), rel=1e-3)
    for family in (families.POSITION, families.BASE):
        block = dev_city.design.blocks[family]
        assert block.sums(expected) == pytest.approx(block.sums(dev_city.design.clicks), rel=0.1, abs=15)


def test_a_cell_without_rows_and_one_with_few_are_shrunken_to_the_prior(dev_city):
    """A weight is nearer to its prior than what its own clicks alone would say."""
    for name, found in dev_city.fit.families.items():
        if not name.startswith(families.ATTRIBUTE):
            continue
        few = found.e < np.median(found.e)
        assert np.abs(found.w - found.mean)[few].mean() <= np.abs(found.w - found.mean)[~few].mean() * 1.5, (
            name
        )
    assert dev_city.weights.of("attribute:age_band", "of no city|nor topic") == 0.0


def test_each_round_brings_the_fit_nearer_to_the_most_probable_weights(tiny_city):
    """What is maximised: the log's likelihood, less the distance to the prior by the widths found in the end."""
    design, prior = tiny_city.design, Prior()

    def probable(fit: fitting.Fit) -> float:
        expected = design.expected(fit.weights(prior).of)
        far = sum(
            tiny_city.fit.families[name].precision / 2 * float(((found.w - found.mean) ** 2).sum())
            for name, found in fit.families.items()
        )
        return float((design.clicks * np.log(expected) - expected).sum()) - far

    fits = [fitting.fit(design, prior, rounds=rounds) for rounds in (0, 1, 2, 4, 8, 16, fitting.ROUNDS)]
    found = [probable(fit) for fit in fits]
    # The first round is made while nothing is known of the widths.
    assert found[1:] == sorted(found[1:])
    assert fits[-1].last_step < 0.02 < fits[1].last_step


def test_a_family_of_noise_is_shrunken_away_and_one_of_truth_is_not():
    """Shoe sizes say nothing, households do: the fit finds out by itself."""
    chance = np.random.default_rng(3)
    things = [item(f"i{n}", topics=(f"t{n % 6}",)) for n in range(60)]
    effect = {(home, t): chance.normal(0, 0.8) for home in range(4) for t in range(6)}
    log = []
    for n in range(20_000):
        home, shoe, thing = (int(chance.integers(size)) for size in (4, 30, 60))
        p = min(0.1 * math.exp(effect[home, thing % 6]), 1.0)
        reader = Profile(attributes={"home": str(home), "shoe": str(shoe)})
        log.append(Shown(reader, things[thing], NOW, n % 5, float(chance.random() < p)))
    fit = fitting.fit(Design.of(log, Prior()), Prior(), rounds=60)
    home, shoe = fit.families["attribute:home"], fit.families["attribute:shoe"]
    assert shoe.precision > 10 * home.precision
    assert np.abs(shoe.w).max() < 0.3 < np.abs(home.w).max()
    told = [fit.weights(Prior()).of("attribute:home", key_of(str(home), f"t{t}")) for home, t in effect]
    assert np.corrcoef(told, list(effect.values()))[0, 1] > 0.9


def test_what_is_left_out_has_no_weight(tiny_city):
    fit = fitting.fit(tiny_city.design, Prior(), rounds=2, without=["attribute:age_band"])
    assert "attribute:age_band" not in fit.families
    assert "attribute:household" in fit.families


def test_one_reader_and_one_item_are_enough():
    log = [Shown(TARO, item("a", topics=("elderly",)), NOW, 0, 1.0)]
    fitting.fit(Design.of(log, Prior()), Prior()).weights(Prior()).check()
