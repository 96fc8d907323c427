"""Writes of the recommender that other packages may ask for."""

from collections.abc import Mapping
from datetime import date

from django.core.cache import cache
from django.db import transaction
from django.db.models import F

from recommender import exposure
from recommender.log import (
    dismiss,
    forget,
    forget_dismissals,
    record_act,
    record_views,
    undismiss,
    unname,
)
from recommender.metrics.counts import count, count_many
from recommender.models import RankingVersion
from recommender.queries import VERSION_KEY, VERSION_TTL

__all__ = [
    "bump",
    "count",
    "count_many",
    "dismiss",
    "forget",
    "forget_dismissals",
    "keep_floor",
    "record_act",
    "record_views",
    "undismiss",
    "unname",
]


def bump() -> None:
    """Raises the version of the order in this transaction; other processes see it within `VERSION_TTL` seconds."""
    if not RankingVersion.objects.filter(key=VERSION_KEY).update(number=F("number") + 1):
        RankingVersion.objects.get_or_create(key=VERSION_KEY, defaults={"number": 1})
    transaction.on_commit(_spread)


@transaction.atomic
def keep_floor(shares: Mapping[str, float], today: date) -> bool:
    """One step of the providers' boosts a day (`shares`: of what can be shown); all see the counts as they are now."""
    due = exposure.settle(shares, today)
    bump()
    return due


def _spread() -> None:
    number = RankingVersion.objects.filter(key=VERSION_KEY).values_list("number", flat=True).first() or 0
    cache.set(VERSION_KEY, number, VERSION_TTL)
