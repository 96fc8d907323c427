"""The days of one event: a list of events names each day by itself, and readers see the next one and what follows it."""

from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from core.region_time import region_local
from portal.content.models import EventPage
from portal.content.pages.published import published

SERIES = ("title", "place_name", "organiser", "audience")
"""What the days of one event share. Not the description: lists write that of one event in several ways."""
_SAME = [F(field) for field in SERIES]
_ORDER = (F("starts_on").asc(), F("starts_time").asc(nulls_first=True), F("pk").asc())


def ahead(now: datetime) -> "QuerySet[EventPage]":
    """Published events that are not over, the nearest first, each row of a list once."""
    local = region_local(now)
    events: QuerySet[EventPage] = (
        published(EventPage)
        .filter(Q(expire_at__isnull=True) | Q(expire_at__gt=now), repeated=False)
        .filter(
            Q(ends_on__gt=local.date())
            | Q(ends_on=local.date()) & (Q(ends_time__isnull=True) | Q(ends_time__gt=local.time()))
        )
        .order_by(*_ORDER)
    )
    return events


def next_days(now: datetime) -> "QuerySet[Any]":
    """Of each event the next day, with `later` (how many days follow) and `last_on` (when the last begins)."""
    days: QuerySet[Any] = (
        ahead(now)
        .annotate(
            nth=Window(RowNumber(), partition_by=_SAME, order_by=_ORDER),
            later=Window(Count("pk"), partition_by=_SAME) - 1,
            last_on=Window(Max("starts_on"), partition_by=_SAME),
        )
        .filter(nth=1)
    )
    return days


def other_days(event: EventPage, now: datetime) -> "QuerySet[EventPage]":
    """The days of the same event that are not over, without this one."""
    return ahead(now).filter(**{field: getattr(event, field) for field in SERIES}).exclude(pk=event.pk)
