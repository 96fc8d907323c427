"""Re-ranking: caps, calibration, the floor of the providers, and one place for what is new, with true chances."""

import math
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker, NewestRanker
from recommender.domain.reranking import MOST_BOOST, PLAIN, SLOT, Explore, Plan, shares_of, step
from recommender.domain.types import Profile
from recommender.evaluation.reranked import settle
from tests.recommender.samples import GUEST, HANAKO, NOW, item

DAY = timedelta(days=1)


def visit(number):
    return Explore(UUID(int=number))


def ranked(items, profile=GUEST, plan=None, **options):
    return AttributeRanker(Catalogue.compile(items), plan).rank(profile, now=NOW, **options)


def names(found):
    return [one.item_id for one in found]


def old_and_new(new=6):
    """Twelve that are old and wanted, and some that are new and not."""
    return [
        *(item(f"old{n:02}", kind="notice", age=3 * DAY + n * timedelta(hours=1)) for n in range(12)),
        *(item(f"new{n}", kind="gadget", age=timedelta(hours=n + 1)) for n in range(new)),
    ]


# --- the place for what is new -----------------------------------------------------------------------------------


def test_every_second_visit_sees_one_of_the_least_seen_new_items_in_the_fifth_place():
    plan = Plan(seen={"new0": 9, "new1": 8})
    plain = names(ranked(old_and_new(), plan=plan))
    found = Counter()
    for number in range(64):
        one = ranked(old_and_new(), plan=plan, explore=visit(number))
        assert len(one) == 12
        assert names(one)[:SLOT] == plain[:SLOT]
        assert [entry.exploring for entry in one] == [
            place == SLOT and number % 2 == 1 for place in range(12)
        ]
        found[one[SLOT].item_id] += 1
        if number % 2 == 0:
            assert names(one) == plain
        else:
            assert names(one)[SLOT + 1 :] == [name for name in plain[SLOT:] if name != names(one)[SLOT]][:7]
    # Over all draws each stands there exactly as often as its propensity says.
    assert found == {plain[SLOT]: 32, "new2": 8, "new3": 8, "new4": 8, "new5": 8}


def test_the_propensity_is_the_share_of_visits_in_which_it_stands_there():
    for new in range(7):
        said: dict[str, float] = {}
        stood: Counter[str] = Counter()
        # 2 × 1·2·3·4 visits: every draw equally often.
        for number in range(48):
            one = ranked(old_and_new(new), explore=visit(number))[SLOT]
            said[one.item_id] = one.propensity
            stood[one.item_id] += 1
        assert said == pytest.approx({name: count / 48 for name, count in stood.items()})
        assert sum(said.values()) == pytest.approx(1.0)


def test_the_same_visit_sees_the_same_and_others_see_half():
    for number in (0, 1, 2**127 + 5):
        assert ranked(old_and_new(), explore=visit(number)) == ranked(old_and_new(), explore=visit(number))
    assert sum(visit(number).drawn for number in range(1000)) == 500


@pytest.mark.parametrize(
    "items",
    [
        [item(f"n{n}") for n in range(SLOT)],
        [item(f"n{n}", age=3 * DAY) for n in range(12)],
        [*(item(f"n{n}", age=3 * DAY) for n in range(12)), item("u", kind="gadget", urgent=True)],
        [],
    ],
    ids=["a short list", "nothing new", "urgent only", "nothing"],
)
def test_nothing_is_drawn_where_there_is_no_place_or_nothing_new(items):
    found = ranked(items, explore=visit(1))
    assert not any(one.exploring for one in found)
    assert all(one.propensity == 1.0 for one in found)
    assert names(found) == names(ranked(items))


def test_what_the_reader_may_not_see_is_not_drawn_and_an_order_of_time_draws_nothing():
    catalogue = Catalogue.compile(old_and_new())
    allowed = np.array([one.id in {"new3"} or one.id.startswith("old") for one in catalogue.items])
    (drawn,) = (
        one.item_id
        for one in AttributeRanker(catalogue).rank(GUEST, now=NOW, allowed=allowed, explore=visit(1))
        if one.exploring
    )
    assert drawn == "new3"
    assert not any(one.exploring for one in NewestRanker(catalogue).rank(GUEST, now=NOW, explore=visit(1)))


# --- the floor ---------------------------------------------------------------------------------------------------


def unequal():
    """A large provider whose notices everybody wants, and a small one that nobody would see."""
    return [
        *(item(f"big{n:02}", kind="notice", provider="big", age=timedelta(hours=n)) for n in range(30)),
        *(item(f"few{n}", kind="news", provider="few", age=(8 + 4 * n) * DAY) for n in range(10)),
    ]


def exposure(items, plan):
    catalogue = Catalogue.compile(items)
    found = AttributeRanker(catalogue, plan).rank(HANAKO, now=NOW, limit=10)
    return Counter(catalogue.items[catalogue.index[one.item_id]].provider for one in found)


def test_the_floor_brings_a_provider_that_nobody_saw_near_its_share_and_no_further():
    catalogue = Catalogue.compile(unequal())
    readers = [Profile(attributes={"age_band": band}) for band in ("18-24", "75+")]
    everything = np.ones(len(catalogue.items), dtype=bool)
    plan = settle(catalogue, readers, now=NOW, allowed=everything, plan=PLAIN, rounds=40)
    assert exposure(unequal(), PLAIN)["few"] == 0
    assert 0 < plan.boosts["few"] <= MOST_BOOST
    # A quarter of the items: of ten places, two at eight tenths of its share.
    assert 1 <= exposure(unequal(), plan)["few"] <= 3


def test_a_boost_moves_places_and_no_score_and_says_so():
    plan = replace(PLAIN, boosts={"few": MOST_BOOST})
    plain = {one.item_id: one for one in ranked(unequal(), plan=PLAIN, limit=40)}
    raised = ranked(unequal(), plan=plan, limit=40)
    last = max(place for place, one in enumerate(raised) if one.item_id.startswith("big"))
    before = {one.item_id for one in raised[:last] if one.item_id.startswith("few")}
    assert {one.item_id for one in raised if one.lifted} == before
    assert before
    for one in raised:
        assert one.score == plain[one.item_id].score
        assert sum(term.weight for term in one.terms) == pytest.approx(one.score, abs=1e-5)
    assert not any(one.lifted for one in plain.values())


def test_a_step_raises_what_was_seen_too_seldom_within_bounds_and_lets_go_again():
    shares = {"a": 0.9, "b": 0.1}
    up = step({}, {"a": 1000}, shares)
    assert set(up) == {"b"}
    for _ in range(50):
        up = step(up, {"a": 1000}, shares)
    assert up == {"b": MOST_BOOST}
    down = step(up, {"a": 800, "b": 200}, shares)
    assert 0 < down["b"] < MOST_BOOST
    for _ in range(50):
        down = step(down, {"a": 800, "b": 200}, shares)
    assert down == {}
    assert step({"b": 1.0, "gone": 2.0}, {}, shares) == {"b": 1.0}
    assert step({"gone": 2.0}, {"a": 9, "b": 1}, shares) == {}


def test_shares_count_what_has_no_provider_in_the_whole_only():
    assert shares_of([item("a", provider="p"), item("b"), item("c"), item("d", provider="q")]) == {
        "p": 0.25,
        "q": 0.25,
    }
    assert shares_of([]) == {}


# --- calibration -------------------------------------------------------------------------------------------------


def test_calibration_keeps_the_best_first_and_brings_topics_nearer_to_the_taste():
    topics = ("music", "food", "sports")
    found = [
        item(f"{topic}{n:02}", topics=(topic,), age=timedelta(hours=2 * n + place * 14))
        for place, topic in enumerate(topics)
        for n in range(12)
    ]
    kinds = {}
    for strength in (0.0, 0.2, 0.6):
        listed = names(ranked(found, plan=replace(PLAIN, calibration=strength), limit=9))
        assert listed[0] == "music00"
        kinds[strength] = Counter(name[:-2] for name in listed)
    spread = [
        max(kinds[strength].values()) - min(kinds[strength][topic] for topic in topics) for strength in kinds
    ]
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] < spread[0]


# --- for every catalogue -----------------------------------------------------------------------------------------


@st.composite
def catalogues(draw):
    count = draw(st.integers(0, 80))
    return [
        item(
            f"i{n:02}",
            kind=draw(st.sampled_from(["news", "event", "gadget"])),
            topics=tuple(draw(st.lists(st.sampled_from("abcd"), max_size=2))),
            provider=draw(st.sampled_from(["", "p", "q", "r", "s"])),
            age=draw(st.timedeltas(timedelta(0), timedelta(days=9))),
        )
        for n in range(count)
    ]


@settings(max_examples=80, deadline=None)
@given(
    found=catalogues(),
    boost=st.floats(0, MOST_BOOST),
    number=st.integers(0, 2**128 - 1),
    limit=st.integers(0, 14),
    declared=st.sets(st.sampled_from("abcd"), max_size=2),
)
def test_every_re_ranked_list_is_complete_capped_and_honest(found, boost, number, limit, declared):
    profile, plan = Profile(declared=tuple(declared)), Plan(boosts={"p": boost})
    one = ranked(found, profile, plan, limit=limit)
    assert len(names(one)) == len(set(names(one))) == min(limit, len(found))
    assert one == ranked(found[::-1], profile, plan, limit=limit)
    by_name = {thing.id: thing for thing in found}
    topics, providers, capped = Counter(), Counter(), False
    for entry in one:
        thing = by_name[entry.item_id]
        full = providers[thing.provider] >= 2 if thing.provider else False
        capped = capped or full or any(topics[topic] >= 3 for topic in thing.topics)
        if capped:
            # From here on only what the caps passed over is left: the list would be short without it.
            continue
        topics.update(set(thing.topics))
        providers[thing.provider] += 1
    explored = ranked(found, profile, plan, limit=limit, explore=visit(number))
    assert len(set(names(explored))) == len(one)
    assert names(explored)[:SLOT] == names(one)[:SLOT]
    assert sum(entry.exploring for entry in explored) <= 1
    for entry in (*one, *explored):
        assert 0 < entry.propensity <= 1
        assert math.isfinite(entry.score)
        assert abs(sum(term.weight for term in entry.terms) - entry.score) < 1e-5
        assert not entry.lifted or (by_name[entry.item_id].provider == "p" and boost > 0)
