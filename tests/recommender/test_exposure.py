"""The floor is kept by one step a day from sums of nobody, and lists see it with the next version."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core import versions
from recommender import actions, exposure, queries
from recommender.metrics import counts

pytestmark = pytest.mark.django_db

SHARES = {"big": 0.9, "small": 0.1}


def shown(day, **values):
    counts.count_many({(day, "shown.provider", name): value for name, value in values.items()})


def test_a_day_makes_one_step_and_no_second_one():
    today = timezone.localdate()
    shown(today - timedelta(days=1), big=1000)
    assert actions.keep_floor(SHARES, today)
    first = queries.plan().boosts
    assert set(first) == {"small"}
    assert not actions.keep_floor(SHARES, today)
    assert queries.plan().boosts == first
    # Every list sees the counts of this hour, whether or not a step was due.
    assert versions.read(queries.VERSION_KEY) == 2
    shown(today, big=1000)
    assert actions.keep_floor(SHARES, today + timedelta(days=1))
    assert queries.plan().boosts["small"] > first["small"]


def test_a_day_that_showed_little_changes_no_boost_and_a_boost_that_is_not_needed_ends():
    today = timezone.localdate()
    counts.put(today - timedelta(days=1), exposure.BOOST, {"small": 0.2, "": 0.0})
    shown(today - timedelta(days=1), big=exposure.LEAST_SHOWN - 1)
    actions.keep_floor(SHARES, today)
    assert queries.plan().boosts == {"small": 0.2}
    shown(today, big=800, small=200)
    actions.keep_floor(SHARES, today + timedelta(days=1))
    assert queries.plan().boosts == {}


def test_the_plan_knows_how_often_each_item_was_shown_by_one_query(django_assert_num_queries):
    today = timezone.localdate()
    for back, value in ((0, 3.0), (31, 4.0), (200, 9.0)):
        counts.count(today - timedelta(days=back), "shown.item", "page:1", value)
    with django_assert_num_queries(1):
        assert queries.plan().seen == {"page:1": 7.0}
