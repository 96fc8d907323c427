"""The list of a home for whatever a catalogue or a reader may be: sensible, or a clear error, never a crash."""

import math
from dataclasses import replace

import pytest

from recommender.domain import fitting
from recommender.domain import weights as families
from recommender.domain.features import Design
from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker
from recommender.domain.types import Profile
from recommender.domain.weights import Prior, Weights
from recommender.errors import WeightsError
from tests.recommender.samples import GUEST, HANAKO, NOW, TARO, item

THINGS = (
    item("school", topics=("school",), language="ja"),
    item("nothing"),
    item("strange", kind="never heard of", topics=("nor this",), places=("nowhere",), language="xx"),
)
LEARNT = Weights(learnt={families.ATTRIBUTE + "age_band": {"75+|school": 0.4}, families.ITEM: {"gone": 2.0}})


def names(found, reader: Profile, weights: Weights | None = None) -> list[str]:
    ranked = AttributeRanker(Catalogue.compile(found, weights)).rank(reader, now=NOW)
    assert all(math.isfinite(one.score) for one in ranked)
    assert all(abs(sum(term.weight for term in one.terms) - one.score) < 1e-5 for one in ranked)
    return [one.item_id for one in ranked]


@pytest.mark.parametrize("weights", [None, LEARNT], ids=["prior", "learnt"])
@pytest.mark.parametrize(
    "reader",
    [
        pytest.param(GUEST, id="no attributes"),
        pytest.param(Profile(attributes={"age_band": "never heard of", "shoe": "44"}), id="unknown values"),
        pytest.param(Profile(attributes={"age_band": (), "language": "", "": ""}), id="empty values"),
        pytest.param(Profile(district="", followed=("",), declared=("", "nor this")), id="empty preferences"),
        pytest.param(HANAKO, id="hanako"),
    ],
)
def test_every_reader_gets_all_items(reader, weights):
    assert sorted(names(THINGS, reader, weights)) == ["nothing", "school", "strange"]
    assert names(THINGS[1:2], reader, weights) == ["nothing"]
    assert names((), reader, weights) == []


@pytest.mark.parametrize("family", [families.ITEM, families.PLACE, families.ATTRIBUTE + "age_band"])
@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_no_number_never_gets_into_a_catalogue(family, weight):
    with pytest.raises(WeightsError):
        Catalogue.compile(THINGS, Weights(learnt={family: {"": weight}}))


def test_an_empty_log_leaves_the_list_of_the_editors():
    learnt = fitting.fit(Design.of([], Prior()), Prior()).weights(Prior())
    for reader in (GUEST, HANAKO, TARO):
        assert names(THINGS, reader, learnt) == names(THINGS, reader)


def test_a_weight_beyond_all_measure_still_makes_a_list():
    weights = Weights(learnt={families.PROVIDER: {"p": 1e4}})
    things = [replace(one, provider="p" if one.id == "nothing" else "") for one in THINGS]
    ranked = AttributeRanker(Catalogue.compile(things, weights)).rank(TARO, now=NOW)
    assert ranked[0].item_id == "nothing"
