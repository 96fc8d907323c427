"""Work of the home that runs behind the requests."""

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import Job
from portal.home.feedback.exploration import keep_floor
from portal.home.index.content_index import current
from recommender import actions

KEPT_BEYOND = timedelta(days=30)
"""What is no longer published may come back: so long a resident's "not for me" waits for it."""


def forget_put_away(now: datetime | None = None) -> int:
    """Deletes what residents put away long ago and is no longer published; returns how many rows."""
    before = (now or timezone.now()) - KEPT_BEYOND
    return actions.forget_dismissals(published=current().compiled.index.keys(), before=before)


JOBS = (
    Job("home.forget_put_away", 86400, forget_put_away),
    Job("home.keep_floor", 3600, keep_floor),
)
