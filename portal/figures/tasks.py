"""Makes the figures of the order by the clock: what could be shown today, and the month so far."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.utils import timezone

from core import sweeps
from core.jobs import Job
from core.region_time import region_date
from identity.consent import statistics
from identity.domain import consent
from portal.home.index.content_index import Catalogue, current
from recommender.metrics import monthly
from recommender.metrics.counting import month_of

JOB = "figures.make"
CLOSES_AFTER = timedelta(days=3)
"""So long after its end a month is still made anew: what was noted late belongs to it."""


def make_figures(now: datetime | None = None) -> int:
    """Notes what could be shown today and makes the month; returns how many months it made. Twice is as once."""
    now = now or timezone.now()
    today = region_date(now)
    this, last = month_of(today), month_of(today - CLOSES_AFTER)

    def earlier() -> int:
        if last == this or last not in monthly.months():
            return 0
        monthly.make(last, now, None)
        return 1

    parts: dict[str, Callable[[], object]] = {
        "offer": lambda: monthly.note_offer(today, offered(current(), now)),
        f"{this:%Y-%m}": lambda: monthly.make(this, now, _outside()),
        f"{last:%Y-%m}:earlier": earlier,
        "forget": lambda: monthly.forget(today),
    }
    done = dict(sweeps.each(JOB, parts, lambda part: parts[part]()).done)
    return sum(bool(result) for part, result in done.items() if part[0].isdigit())


def offered(catalogue: Catalogue, now: datetime) -> dict[str, str]:
    """What may stand on a list at `now`, and who provides it."""
    may = catalogue.live(now) & catalogue.ranked_kinds
    may[catalogue.alerts] = False
    return {entry.item.id: entry.item.provider for row, entry in enumerate(catalogue.entries) if may[row]}


def _outside() -> monthly.Outside:
    return monthly.Outside(_share(consent.RECOMMENDER), _share(consent.LEARNING))


def _share(recipient: str) -> float | None:
    percent = statistics.yes_percent(recipient)
    return None if percent is None else percent / 100


def make_now() -> int:
    """`make_figures` as the executor calls it."""
    return make_figures()


def month_named(text: str) -> date:
    """The first day of `2026-06`; ValueError for anything else."""
    if len(text) != len("2026-06"):
        raise ValueError(text)
    return date.fromisoformat(f"{text}-01")


JOBS = (Job(JOB, 3600, make_now),)
