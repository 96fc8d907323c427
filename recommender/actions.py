"""Writes of the recommender that other packages may ask for."""

from collections.abc import Mapping
from datetime import date

from django.db import transaction

from core import versions
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
from recommender.queries import VERSION_KEY

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
    """Raises the version of the order in the caller's transaction."""
    versions.bump(VERSION_KEY)


@transaction.atomic
def keep_floor(shares: Mapping[str, float], today: date) -> bool:
    """One step of the providers' boosts a day (`shares`: of what can be shown); all see the counts as they are now."""
    due = exposure.settle(shares, today)
    bump()
    return due
