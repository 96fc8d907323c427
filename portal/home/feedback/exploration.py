"""Draws for each visit whether something new stands on the list, and keeps the floor of the providers.

A visit is half an hour of one session, so that a page that is loaded again stays as it is. Guests see one page from a
shared cache, and nothing is drawn for them.
"""

from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.region_time import region_date
from portal.home.index.content_index import Catalogue, current
from recommender import actions
from recommender.domain.reranking import shares_of

SITTING_SECONDS = 1800


def sitting(session: str | None, now: datetime) -> UUID | None:
    """What is drawn from in this half hour of the session; nobody who sees it learns the session from it."""
    if not session:
        return None
    stamp = f"{session}|{int(now.timestamp()) // SITTING_SECONDS}"
    return UUID(
        bytes=salted_hmac("portal.home.feedback.exploration", stamp, algorithm="sha256").digest()[:16]
    )


def keep_floor(now: datetime | None = None, catalogue: Catalogue | None = None) -> bool:
    """One step of the providers' boosts a day; every list sees the fresh counts, whether or not it was due."""
    at = now or timezone.now()
    found = catalogue or current()
    shown = found.live(at) & found.ranked_kinds
    shown[found.alerts] = False
    shares = shares_of(entry.item for entry, yes in zip(found.entries, shown.tolist(), strict=True) if yes)
    return actions.keep_floor(shares, region_date(at))
