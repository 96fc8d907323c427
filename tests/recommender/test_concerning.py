"""The page of all weights is whole: what a list adds up can be added up again from it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.domain.applicable_weights import ageing, concerning
from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker
from recommender.domain.types import Profile
from recommender.domain.weights import Prior, Weights
from tests.recommender.samples import GUEST, HANAKO, NOW, TARO, item
from tests.recommender.test_ranking_properties import PROFILES, items

LEARNT = Weights(
    learnt={
        "attribute:age_band": {"75+|music": 0.5, "75+|elderly": 0.01},
        "declared": {"": 0.4},
        "declared_topic": {"music": 0.3},
        "place": {"": 1.0},
        "recency": {"news|5": -0.2},
    }
)
SHOWN = [
    item("a", topics=("music", "elderly"), places=("busshozan",), language="ja"),
    item("b", topics=("school",), language="en", kind="service"),
    item("c", topics=("food",), audience_keys=("age_band",)),
]


def found(profile, weights=None, things=SHOWN):
    told = concerning(profile, Catalogue.compile(things, weights))
    return {
        one.key: {
            (told.about, told.value, told.trait): (round(told.weight, 3), told.learnt) for told in one.told
        }
        for one in told
    }


def test_each_weight_stands_with_what_was_told_and_where_it_is_from():
    told = found(TARO, LEARNT)
    # What was learnt to be next to nothing is left out; the prior's cells stand beside the learnt ones.
    assert told["age_band"] == {
        ("topic", "75+", "music"): (0.5, True),
        ("audience", "", "age_band"): (0.5, False),
    }
    assert told["language"] == {
        ("language", "ja", "en"): (-0.7, False),
        ("language", "ja", "ja"): (0.3, False),
        ("audience", "", "language"): (0.5, False),
    }
    assert told["area.district"][("place", "", "yashima")] == (0.3, True)
    assert told["area.district"][("placed", "", "")] == (-0.7, False)


def test_preferences_are_told_by_topic_and_place():
    profile = Profile(declared=("music", "food"), avoided=("school",), followed=("busshozan",))
    told = found(profile, LEARNT)
    assert told["interests"] == {("topic", "", "music"): (0.7, True), ("topic", "", "food"): (0.4, True)}
    assert told["avoids"] == {("topic", "", "school"): (-1.0, False)}
    assert told["area.followed"] == {
        ("place", "", "busshozan"): (0.5, False),
        ("placed", "", ""): (-0.7, False),
    }


def test_a_reader_who_told_nothing_has_no_weights():
    assert found(GUEST) == {}


def test_the_zone_stands_with_the_district_that_it_follows_from():
    prior = Weights(Prior(attribute_topic={("area.waste_zone", "7"): {"school": 0.3}}))
    profile = Profile(attributes={"area.waste_zone": "7"})
    assert found(profile, prior)["area.district"][("topic", "7", "school")] == (0.3, False)


def test_every_kind_says_how_it_fades():
    kinds = {one.kind: one for one in ageing(Catalogue.compile(SHOWN, LEARNT))}
    assert list(kinds) == ["news", "service"]
    assert kinds["news"].after_a_week == pytest.approx(-math.log(2) - 0.2)
    assert kinds["service"].half_life == 365
    assert kinds["service"].begins == -1.0


@settings(max_examples=100, deadline=None)
@given(shown=st.lists(items(), min_size=1, max_size=8), profile=PROFILES)
def test_whatever_personal_a_list_adds_up_stands_on_the_page(shown, profile):
    catalogue = Catalogue.compile(shown, LEARNT)
    told = {
        one.key: {(told.about, told.value, told.trait): told.weight for told in one.told}
        for one in concerning(profile, catalogue)
    }
    for entry in AttributeRanker(catalogue).rank(profile, now=NOW):
        thing = catalogue.items[catalogue.index[entry.item_id]]
        for term in entry.terms:
            if abs(term.weight) < 0.051:
                continue
            if term.family == "declared":
                assert ("topic", "", term.key) in told["interests"]
            if term.family == "avoided":
                assert told["avoids"]["topic", "", term.key] <= -0.5
            if term.family == "audience" and term.key != "area.waste_zone":
                assert told[term.key]["audience", "", term.key] == pytest.approx(term.weight)
            if term.family == "language":
                reader = profile.attributes["language"]
                assert told["language"]["language", reader, thing.language] == pytest.approx(term.weight)
            if term.family == "place":
                assert "area.district" in told


def test_hanakos_page_has_all_that_she_told():
    assert set(found(HANAKO)) == {
        "area.district",
        "interests",
        "age_band",
        "household.has_child",
        "household.school_years",
        "language",
    }
