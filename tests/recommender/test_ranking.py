"""The order of a list follows attributes, preferences and age, and is the same each time."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker, NewestRanker
from recommender.domain.types import Profile
from recommender.domain.weights import Prior, Weights
from recommender.errors import CatalogueError, WeightsError
from tests.recommender.samples import GUEST, HANAKO, LINH, NOW, TARO, item


def ids(items, profile, **options):
    ranker = AttributeRanker(Catalogue.compile(items))
    return [ranked.item_id for ranked in ranker.rank(profile, now=NOW, **options)]


def test_own_district_comes_before_the_region_and_the_region_before_elsewhere():
    items = [item("far", places=("yashima",)), item("all"), item("near", places=("busshozan",))]
    assert ids(items, HANAKO) == ["near", "all", "far"]
    assert ids(items, TARO) == ["far", "all", "near"]


def test_a_reader_without_a_place_sees_places_neither_raised_nor_lowered():
    items = [item("b", places=("yashima",)), item("a")]
    assert ids(items, GUEST) == ["a", "b"]
    assert {r.score for r in AttributeRanker(Catalogue.compile(items)).rank(GUEST, now=NOW)} == {
        AttributeRanker(Catalogue.compile(items[:1])).rank(GUEST, now=NOW)[0].score
    }


def test_weights_are_what_an_item_of_a_place_gets_in_the_end():
    items = [item("own", places=("busshozan",)), item("followed", places=("ritsurin",)), item("all")]
    profile = Profile(district="busshozan", followed=("ritsurin",))
    scores = {r.item_id: r.score for r in AttributeRanker(Catalogue.compile(items)).rank(profile, now=NOW)}
    assert scores["own"] - scores["all"] == pytest.approx(0.7)
    assert scores["followed"] - scores["all"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("profile", "first"),
    [(HANAKO, "school"), (TARO, "elderly"), (LINH, "foreigners"), (Profile(declared=("music",)), "music")],
)
def test_attributes_and_chosen_topics_raise_their_topics(profile, first):
    items = [item(topic, topics=(topic,)) for topic in ("elderly", "foreigners", "music", "school", "waste")]
    assert (
        ids(
            items,
            Profile(
                declared=profile.declared[:1] if profile is not HANAKO else (), attributes=profile.attributes
            ),
        )[0]
        == first
    )


def test_an_item_ages_by_the_half_life_of_its_kind():
    week = timedelta(days=7)
    ranker = AttributeRanker(
        Catalogue.compile([item("old", age=week), item("service", kind="service", age=week)])
    )
    ranked = {r.item_id: r for r in ranker.rank(GUEST, now=NOW)}
    lost = {name: entry.terms[-1].weight for name, entry in ranked.items()}
    assert {entry.terms[-1].family for entry in ranked.values()} == {"recency"}
    assert np.exp(lost["old"]) == pytest.approx(0.5)
    assert np.exp(lost["service"]) > 0.98


def test_what_never_grows_old_stands_behind_this_weeks_news_unless_it_is_wanted():
    items = [item("news", age=timedelta(days=5)), item("service", kind="service", topics=("work",))]
    assert ids(items, GUEST) == ["news", "service"]
    assert ids(items, Profile(declared=("work",))) == ["service", "news"]


def test_an_event_is_the_fresher_the_nearer_its_time_is():
    month = timedelta(days=30)
    items = [
        replace(item("later", kind="event", age=timedelta(0)), starts_at=NOW + month),
        replace(item("soon", kind="event", age=month), starts_at=NOW + timedelta(days=2)),
        replace(item("begun", kind="event", age=month), starts_at=NOW - timedelta(days=9)),
    ]
    assert ids(items, GUEST) == ["soon", "begun", "later"]


def test_an_item_chosen_for_the_reader_comes_before_one_for_everybody():
    items = [item("all"), item("parents", audience_keys=("household.has_child",))]
    assert ids(items, HANAKO) == ["parents", "all"]


def test_expired_and_not_yet_published_items_are_left_out():
    items = [
        item("on", left=timedelta(seconds=1)),
        item("off", left=timedelta(0)),
        item("soon", age=-timedelta(1)),
    ]
    assert ids(items, HANAKO) == ["on"]
    assert [r.item_id for r in NewestRanker(Catalogue.compile(items)).rank(HANAKO, now=NOW)] == ["on"]


def test_only_allowed_items_are_ranked():
    catalogue = Catalogue.compile([item("a"), item("b"), item("c")])
    mask = np.array([i.id != "b" for i in catalogue.items])
    for ranker in (AttributeRanker(catalogue), NewestRanker(catalogue)):
        assert [r.item_id for r in ranker.rank(HANAKO, now=NOW, allowed=mask)] == ["a", "c"]
        with pytest.raises(CatalogueError, match="mask"):
            ranker.rank(HANAKO, now=NOW, allowed=mask[:2])


def test_caps_hold_three_of_a_topic_and_two_of_a_provider_and_fill_a_short_list():
    music = [item(f"m{n}", topics=("music",), age=timedelta(hours=n + 1)) for n in range(5)]
    lunch = [item(f"p{n}", provider="lunch", age=timedelta(hours=n + 10)) for n in range(4)]
    rest = [item(f"r{n}", age=timedelta(days=3, hours=n)) for n in range(6)]
    profile = Profile(declared=("music",))
    assert ids(music + lunch + rest, profile, limit=9) == [
        "m0",
        "m1",
        "m2",
        "p0",
        "p1",
        "r0",
        "r1",
        "r2",
        "r3",
    ]
    assert ids(music + lunch, profile, limit=9) == ["m0", "m1", "m2", "p0", "p1", "m3", "m4", "p2", "p3"]


def test_caps_look_beyond_the_first_candidates():
    music = [item(f"m{n:03}", topics=("music",)) for n in range(300)]
    found = ids([*music, item("other", topics=("food",))], Profile(declared=("music",)), limit=4)
    assert found == ["m000", "m001", "m002", "other"]


@pytest.mark.parametrize("profile", [GUEST, HANAKO, TARO])
def test_the_beginning_of_a_long_list_is_the_short_list(profile):
    topics, kinds, places = (
        ("food", "music", "school", "health", "elderly"),
        ("news", "service"),
        ("yashima", ""),
    )
    items = [
        item(
            f"n{n}",
            kind=kinds[n % 2],
            topics=topics[n % 3 : n % 5],
            places=tuple(filter(None, (places[n % 2],))),
            provider="abcdefg"[n % 7],
            age=timedelta(hours=(n * 37) % 900),
        )
        for n in range(400)
    ]
    ranker = AttributeRanker(Catalogue.compile(items))
    short, whole = (ranker.rank(profile, now=NOW, limit=limit) for limit in (12, 400))
    assert [one.item_id for one in whole[:12]] == [one.item_id for one in short]
    assert len({one.item_id for one in whole}) == 400


def test_ties_are_broken_by_time_then_id_however_the_items_come():
    items = [item(f"i{n:03}", age=timedelta(days=400)) for n in range(200)]
    expected = [f"i{n:03}" for n in range(12)]
    assert ids(items, GUEST) == expected
    assert ids(items[::-1], GUEST) == expected


def test_newest_ranker_is_chronological_for_everybody():
    items = [item("b", age=timedelta(1)), item("a", age=timedelta(1)), item("new", places=("yashima",))]
    ranker = NewestRanker(Catalogue.compile(items))
    for profile in (HANAKO, TARO, GUEST):
        assert [r.item_id for r in ranker.rank(profile, now=NOW)] == ["new", "a", "b"]


def test_of_two_items_with_one_id_the_newer_stands():
    catalogue = Catalogue.compile([item("a", age=timedelta(2)), item("a", age=timedelta(1), kind="event")])
    assert [i.kind for i in catalogue.items] == ["event"]


def test_empty_catalogue_and_no_limit_give_an_empty_list():
    for items, limit in (([], 12), ([item("a")], 0)):
        catalogue = Catalogue.compile(items)
        assert AttributeRanker(catalogue).rank(HANAKO, now=NOW, limit=limit) == []
        assert NewestRanker(catalogue).rank(HANAKO, now=NOW, limit=limit) == []


def test_a_time_without_zone_and_a_weight_that_is_no_number_are_refused():
    naive = item("a")
    object.__setattr__(naive, "published_at", datetime(2026, 6, 1))  # noqa: DTZ001 - the fault under test
    with pytest.raises(CatalogueError, match="without a zone"):
        Catalogue.compile([naive])
    with pytest.raises(WeightsError, match="finite"):
        Catalogue.compile([item("a")], Weights(Prior(declared=float("nan"))))
    with pytest.raises(WeightsError, match="positive"):
        Catalogue.compile([item("a")], Weights(Prior(half_life_days={"news": 0.0})))


def test_language_of_an_item_counts_only_when_it_has_one():
    items = [item("en", language="en"), item("easy", language="ja-simple"), item("any")]
    assert ids(items, LINH) == ["easy", "any", "en"]
    assert ids(items, Profile(attributes={"language": "ja"})) == ["easy", "any", "en"]
    assert ids(items, Profile(attributes={"language": "en"})) == ["en", "any", "easy"]


def test_less_of_a_topic_lowers_what_has_it_and_nothing_else():
    items = [item("loud", topics=("music",)), item("other", topics=("sports",))]
    profile = replace(TARO, avoided=("music", "unheard"))
    plain = {one.item_id: one for one in AttributeRanker(Catalogue.compile(items)).rank(TARO, now=NOW)}
    less = {one.item_id: one for one in AttributeRanker(Catalogue.compile(items)).rank(profile, now=NOW)}
    assert less["loud"].score == pytest.approx(plain["loud"].score - 1.0)
    assert less["other"] == plain["other"]


def test_what_was_asked_for_less_of_never_rises_by_what_was_learnt():
    learnt = Weights(learnt={"avoided": {"": 0.8}})
    profile = Profile(avoided=("music",))
    (found,) = AttributeRanker(Catalogue.compile([item("a", topics=("music",))], learnt)).rank(
        profile, now=NOW
    )
    assert [term.weight for term in found.terms if term.family == "avoided"] == [-0.5]
