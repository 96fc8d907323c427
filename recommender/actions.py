"""Writes of the recommender that other packages may ask for."""

from django.core.cache import cache
from django.db import transaction
from django.db.models import F

from recommender.figures.counts import count, count_many
from recommender.log import (
    dismiss,
    forget,
    forget_dismissals,
    record_act,
    record_views,
    undismiss,
    unname,
)
from recommender.models import RankingVersion
from recommender.queries import VERSION_KEY, VERSION_TTL

__all__ = [
    "bump",
    "count",
    "count_many",
    "dismiss",
    "forget",
    "forget_dismissals",
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


def _spread() -> None:
    number = RankingVersion.objects.filter(key=VERSION_KEY).values_list("number", flat=True).first() or 0
    cache.set(VERSION_KEY, number, VERSION_TTL)
