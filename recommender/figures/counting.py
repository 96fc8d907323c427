"""What is counted of homes: sums that name no resident and no pseudonym.

Of everybody signed in only whole sums are counted. By age band, ward and language only the homes of those are counted
from whom may be learnt. Whether twenty different of them stand behind a sum is told by lots: each resident draws one of
LOTS lots for a month, by a key that only the portal has, and a lot that was drawn is marked. Residents never draw two,
so twenty marked lots are at least twenty residents; a lot is shared by many and leads back to none of them.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from recommender.figures import counts
from recommender.models import Interaction
from recommender.types import Profile, ViewRow

LOTS = 64
DIMENSIONS = ("age_band", "ward", "language")
WHOLE = "whole"
"""All from whom may be learnt, as a slice."""


@dataclass(frozen=True, slots=True)
class Page:
    """One home of somebody signed in, besides what stood on its list: `due` are the urgent notices that held then."""

    visit: UUID
    at: datetime
    personalised: bool
    entries: int
    reasoned: int
    due: int
    carried: int


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry of a list was opened, by somebody from whom may be learnt."""

    visit: UUID
    item_id: str
    at: datetime


def month_of(day: date) -> date:
    """The first day of its month, under which what is wanted by month only is counted."""
    return day.replace(day=1)


def slices(profile: Profile) -> tuple[tuple[str, str], ...]:
    """The groups that a reader told to belong to."""
    found = (
        ("age_band", profile.attributes.get("age_band")),
        ("ward", profile.district),
        ("language", profile.attributes.get("language")),
    )
    return tuple((name, value) for name, value in found if isinstance(value, str) and value)


def lot(subject: str, month: date) -> int:
    """Which of the LOTS lots a pseudonym draws in this month."""
    key = f"{settings.SECRET_KEY}|figures|{month:%Y-%m}".encode()
    return hmac.digest(key, subject.encode(), hashlib.sha256)[0] % LOTS


def of_visits(views: Sequence[ViewRow], pages: Iterable[Page] = ()) -> None:
    """Counts what stood open on lists, and the homes on which it stood; two statements, however many."""
    known = {page.visit: page for page in pages}
    sums: Counter[counts.Key] = Counter()
    for page in known.values():
        sums.update(_page(page))
    by_visit: dict[UUID, list[ViewRow]] = {}
    for view in views:
        by_visit.setdefault(view.visit, []).append(view)
    lots: dict[date, set[str]] = {}
    for visit, rows in by_visit.items():
        # A home of which nothing else is known is taken for a personalised one.
        if visit in known and not known[visit].personalised:
            continue
        sums.update(_list(rows))
        if rows[0].subject:
            month = month_of(timezone.localdate(rows[0].at))
            lots.setdefault(month, set()).update(_lots(rows[0], month))
    counts.count_many(sums)
    for month, drawn in lots.items():
        counts.mark(month, "lot", drawn)


def _page(page: Page) -> Mapping[counts.Key, float]:
    day = timezone.localdate(page.at)
    return {
        (day, "homes", "personalised" if page.personalised else "newest"): 1,
        (day, "urgent", "homes"): int(page.due > 0),
        (day, "urgent", "whole"): int(page.due > 0 and page.carried >= page.due),
        (day, "reasons", "entries"): page.entries if page.personalised else 0,
        (day, "reasons", "told"): page.reasoned if page.personalised else 0,
    }


def _list(rows: Sequence[ViewRow]) -> Counter[counts.Key]:
    """One personalised list."""
    day = timezone.localdate(rows[0].at)
    month = month_of(day)
    found: Counter[counts.Key] = Counter({(day, "lists", ""): 1})
    if any(row.exploring for row in rows):
        found[day, "exploring", ""] += 1
    for row in rows:
        found[month, "shown.item", row.item.id] += 1
        found[day, "shown.provider", row.item.provider] += 1
        found[day, "shown.kind", row.item.kind] += 1
    for one, other in combinations(rows, 2):
        found[month, "pairs", "count"] += 1
        found[month, "pairs", "distance"] += _distance(one.item.topics, other.item.topics)  # type: ignore[assignment]
    if rows[0].subject:
        for row in rows:
            found[month, "place.shown", _place(row.position, exploring=row.exploring)] += 1
        for name, value in ((WHOLE, ""), *slices(rows[0].profile)):
            found[month, f"visits.{name}", value] += 1
    return found


def _place(position: int, *, exploring: bool) -> str:
    return f"{position}|{'exploring' if exploring else 'plain'}"


def _distance(one: Iterable[str], other: Iterable[str]) -> float:
    """1 − Jaccard of two sets of topics; what has no topic is unlike everything."""
    first, second = set(one), set(other)
    return 1 - len(first & second) / len(first | second) if first and second else 1.0


def _lots(row: ViewRow, month: date) -> Iterator[str]:
    number = lot(row.subject, month)
    for name, value in ((WHOLE, ""), *slices(row.profile)):
        yield f"{name}|{value}|{number}"


def of_opened(found: Iterable[Opened]) -> None:
    """Counts openings, in the caller's transaction and before they are written to the log: what is there counts once.

    What the entry was and who saw it is read from the log; an opening whose entry has been folded away in the
    meantime counts for nothing by place or group, and so does one by somebody who withdrew.
    """
    wanted = {(one.visit, one.item_id): one for one in found}
    if not wanted:
        return
    rows = Interaction.objects.filter(
        visit__in={visit for visit, _ in wanted},
        item_id__in={item for _, item in wanted},
        act__in=[Interaction.Act.VIEW, Interaction.Act.OPEN],
    )
    seen: dict[tuple[UUID, str], Interaction] = {}
    for row in rows:
        if row.act == Interaction.Act.OPEN:
            wanted.pop((row.visit, row.item_id), None)
        else:
            seen[row.visit, row.item_id] = row
    sums: Counter[counts.Key] = Counter()
    for key, one in wanted.items():
        sums.update(_open(one, seen.get(key)))
    counts.count_many(sums)


def _open(one: Opened, row: Interaction | None) -> Counter[counts.Key]:
    day = timezone.localdate(one.at)
    found: Counter[counts.Key] = Counter({(day, "opens", ""): 1})
    if row is None:
        return found
    month = month_of(timezone.localdate(row.at))
    reader: Mapping[str, Any] = row.reader
    profile = Profile(district=reader.get("district"), attributes=reader.get("attributes", {}))
    found[month, "open.item", one.item_id] += 1
    found[month, "place.opened", _place(row.position or 0, exploring=row.exploring)] += 1
    for name, value in ((WHOLE, ""), *slices(profile)):
        found[month, f"opened.{name}", value] += 1
    declared = set(reader.get("declared", ()))
    if declared:
        found[month, "serendipity", "opened"] += 1
        found[month, "serendipity", "beyond"] += not declared & set(row.item.get("topics", ()))
    return found
