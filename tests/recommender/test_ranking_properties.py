"""What holds for every catalogue and every profile: sums, determinism, no repetition, finite numbers."""

import math
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.domain.explain import LEAST_WEIGHT, causes, reasons, without
from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker, NewestRanker
from recommender.domain.sentences import sentence
from recommender.domain.types import Profile
from recommender.domain.weights import Weights
from tests.recommender.samples import NOW, item

TOPICS = st.sampled_from(["school", "elderly", "music", "food", "unheard"])
PLACES = st.sampled_from(["busshozan", "yashima", "ritsurin"])
KEYS = st.sampled_from(["age_band", "household.has_child", "household.school_years", "language", "shoe.size"])
VALUES = st.one_of(
    st.sampled_from(["75+", "35-44", "en", "ja", "", "nonsense"]),
    st.booleans(),
    st.lists(st.sampled_from(["e1", "e3", "j2", "preschool", "?"]), max_size=3).map(tuple),
)


@st.composite
def items(draw):
    return item(
        draw(st.sampled_from([f"i{n}" for n in range(40)])),
        kind=draw(st.sampled_from(["news", "event", "service", "gadget", "strange"])),
        topics=tuple(draw(st.lists(TOPICS, max_size=3))),
        places=tuple(draw(st.lists(PLACES, max_size=2))),
        provider=draw(st.sampled_from(["", "waste", "lunch"])),
        language=draw(st.sampled_from(["", "ja", "en"])),
        age=draw(st.timedeltas(timedelta(days=-30), timedelta(days=20_000))),
        left=draw(st.none() | st.timedeltas(timedelta(days=-5), timedelta(days=20_000))),
        audience_keys=tuple(draw(st.sets(KEYS, max_size=2))),
    )


PROFILES = st.builds(
    Profile,
    district=st.none() | PLACES | st.just("nowhere"),
    followed=st.lists(PLACES, max_size=2).map(tuple),
    declared=st.lists(TOPICS, max_size=3).map(tuple),
    avoided=st.lists(TOPICS, max_size=2).map(tuple),
    attributes=st.dictionaries(KEYS, VALUES, max_size=4),
)


@settings(max_examples=150, deadline=None)
@given(found=st.lists(items(), max_size=60), profile=PROFILES, limit=st.integers(0, 15))
def test_every_list_is_complete_finite_repeatable_and_explained(found, profile, limit):
    catalogue = Catalogue.compile(found)
    live = int(catalogue.live(NOW).sum())
    for make in (AttributeRanker, NewestRanker):
        ranked = make(catalogue).rank(profile, now=NOW, limit=limit)
        names = [entry.item_id for entry in ranked]
        assert len(names) == min(live, limit)
        assert len(set(names)) == len(names)
        assert ranked == make(Catalogue.compile(found[::1])).rank(profile, now=NOW, limit=limit)
        for entry in ranked:
            assert math.isfinite(entry.score)
            assert all(math.isfinite(term.weight) for term in entry.terms)
            assert abs(sum(term.weight for term in entry.terms) - entry.score) < 1e-5
            told = reasons(entry, profile, catalogue)
            assert 1 <= len(told) <= 3
            assert all(sentence(reason, "ja-simple") for reason in told)


@settings(max_examples=150, deadline=None)
@given(found=st.lists(items(), min_size=1, max_size=12), profile=PROFILES)
def test_a_cause_is_what_the_score_loses_without_it(found, profile):
    catalogue = Catalogue.compile(found)
    ranked = AttributeRanker(catalogue).rank(profile, now=NOW)
    for entry in ranked:
        for cause in causes(entry, profile, catalogue):
            others = {one.item_id: one.score for one in _all(catalogue, without(profile, cause.key))}
            assert abs(entry.score - cause.effect - others[entry.item_id]) < 1e-4
        told = reasons(entry, profile, catalogue)
        raised = [one.key for one in causes(entry, profile, catalogue) if one.effect >= LEAST_WEIGHT]
        assert [reason.change_key for reason in told if reason.change_key] == raised[:3]


def _all(catalogue, profile):
    return AttributeRanker(catalogue).rank(profile, now=NOW, limit=len(catalogue.items))


@settings(max_examples=100, deadline=None)
@given(
    found=st.lists(items(), min_size=1, max_size=12), profile=PROFILES, topic=TOPICS, learnt=st.floats(-3, 3)
)
def test_less_of_a_topic_lowers_all_that_has_it_and_nothing_else_whatever_was_learnt(
    found, profile, topic, learnt
):
    catalogue = Catalogue.compile(found, Weights(learnt={"avoided": {"": learnt}}))
    plain = replace(profile, avoided=tuple(one for one in profile.avoided if one != topic))
    less = replace(plain, avoided=(*plain.avoided, topic))
    after = {one.item_id: one.score for one in _all(catalogue, less)}
    for entry in _all(catalogue, plain):
        topics = set(catalogue.items[catalogue.index[entry.item_id]].topics)
        lost = entry.score - after[entry.item_id]
        assert lost >= 0.5 / math.sqrt(len(topics)) - 1e-5 if topic in topics else abs(lost) < 1e-9
