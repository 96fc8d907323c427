"""The list of events and the home choose the same day of each event, whatever the days are."""

import random
from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from portal.content import queries
from portal.content.pages.series import next_days
from portal.home.index import series
from portal.home.index.sources import Pages
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db

TITLES, PLACES = ("朝市", "夜市"), ("港", "駅前")


def make(draw: random.Random, now: datetime, today: date, number: int) -> None:
    """A day of one of four events: it may be over, go on for days, have hours or none, or be taken off early."""
    start = today + timedelta(days=draw.randint(-4, 6))
    end = start + timedelta(days=draw.choice((0, 0, 0, 1, 5)))
    hours = draw.choice((None, (time(8), time(8, 59)), (time(9), time(21)), (time(13, number), None)))
    publish(
        "event",
        f"e{number}",
        now=now - timedelta(days=9),
        title=draw.choice(TITLES),
        place_name=draw.choice(PLACES),
        starts_on=start,
        ends_on=end,
        starts_time=hours[0] if hours else None,
        ends_time=hours[1] if hours else None,
        expire_at=draw.choice((None, None, None, now + timedelta(hours=1))),
    )


@pytest.mark.parametrize("seed", range(6))
def test_list_and_home_agree_at_every_hour(now: datetime, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  days of a test
    for number in range(20):
        make(draw, now, timezone.localdate(now), number)
    entries = tuple(Pages(queries.items(now)).entries())
    waits = series.waits(entries, series.days(entries))
    for hours in (0, 2, 13, 25, 60, 100, 300):
        at = now + timedelta(hours=hours)
        home = {
            entry.path
            for row, entry in enumerate(entries)
            if waits[row] <= at.timestamp() and entry.item.expires_at and entry.item.expires_at > at
        }
        assert {f"/events/{event.slug}/" for event in next_days(at)} == home, hours
        assert len(home) <= len(TITLES) * len(PLACES)
