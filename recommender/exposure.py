"""Keeps the boosts of the floor: one step a day, from the sums of what was shown on the day before.

The sums name nobody (`recommender.figures`). A day's boosts are written once; done again, nothing changes.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Max

from core.region_time import region_date
from recommender.domain.reranking import Plan, step
from recommender.metrics import counts
from recommender.models import Count

BOOST = "boost"
SHOWN_PROVIDER, SHOWN_ITEM = "shown.provider", "shown.item"
LEAST_SHOWN = 100
"""Places shown in a day below which the day says nothing about anybody."""
SEEN_SINCE = timedelta(days=62)
"""Sums of items stand under the first day of their month."""


def plan() -> Plan:
    """How lists are chosen now: the last boosts, and how often each item was shown; one query."""
    since = region_date() - SEEN_SINCE
    boosts: dict[str, float] = {}
    seen: dict[str, float] = {}
    last = None
    found = Count.objects.filter(name__in=(BOOST, SHOWN_ITEM), day__gte=since).order_by("day", "key")
    for name, day, key, value in found.values_list("name", "day", "key", "value"):
        if name == SHOWN_ITEM:
            seen[key] = seen.get(key, 0.0) + value
            continue
        if day != last:
            boosts, last = {}, day
        if key:
            boosts[key] = value
    return Plan(boosts=boosts, seen=seen)


@transaction.atomic
def settle(shares: Mapping[str, float], today: date) -> bool:
    """Writes the boosts of this day, unless they are there; `shares` is each provider's share of what can be shown."""
    last = _last()
    if last is not None and last >= today:
        return False
    boosts = _boosts(last)
    yesterday = Count.objects.filter(name=SHOWN_PROVIDER, day=today - timedelta(days=1))
    shown = dict(yesterday.values_list("key", "value"))
    if sum(shown.values()) >= LEAST_SHOWN:
        boosts = step(boosts, shown, shares)
    # A row without a key says that the day is done, when nobody needs a boost.
    counts.put(today, BOOST, {**boosts, "": 0.0})
    return True


def _last() -> date | None:
    found: date | None = Count.objects.filter(name=BOOST).aggregate(day=Max("day"))["day"]
    return found


def _boosts(day: date | None) -> dict[str, float]:
    found = Count.objects.filter(name=BOOST, day=day).exclude(key="") if day else Count.objects.none()
    return dict(found.values_list("key", "value"))
