"""What is counted of homes: sums that name no resident and no pseudonym.

Of everybody signed in only whole sums are counted. By age band, ward and language, and of what was opened, only of
those from whom may be learnt, and only where twenty different of them stand behind a sum: until then each one's part is
kept by pseudonym (`shares`), and is deleted when the yes ends. Who looked and who opened are counted apart.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from core.region_time import region_date
from recommender.domain.types import Profile, ViewRow
from recommender.metrics import compared, counts, shares
from recommender.metrics.shares import Part
from recommender.models import Interaction

LEARNT = "homes.learnt"
"""Homes of those from whom may be learnt, by day."""
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


def of_visits(views: Sequence[ViewRow], pages: Iterable[Page] = ()) -> None:
    """Counts what stood open on lists, and the homes on which it stood; few statements, however many."""
    known = {page.visit: page for page in pages}
    sums: Counter[counts.Key] = Counter()
    for page in known.values():
        sums.update(_page(page))
    by_visit: dict[UUID, list[ViewRow]] = {}
    for view in views:
        by_visit.setdefault(view.visit, []).append(view)
    lots: dict[date, set[str]] = {}
    parts: Counter[Part] = Counter()
    for visit, rows in by_visit.items():
        # A home of which nothing else is known is taken for a personalised one.
        if visit in known and not known[visit].personalised:
            continue
        sums.update(_list(rows))
        if rows[0].subject:
            parts.update(_looked(rows))
            if rows[0].arm:
                drawn = compared.lots(rows[0].subject, rows[0].arm, slices(rows[0].profile))
                lots.setdefault(month_of(region_date(rows[0].at)), set()).update(drawn)
    counts.count_many(sums)
    shares.add(parts, timezone.now())
    for month, keys in sorted(lots.items()):
        counts.mark(month, compared.LOT, keys)


def _page(page: Page) -> Mapping[counts.Key, float]:
    day = region_date(page.at)
    return {
        (day, "homes", "personalised" if page.personalised else "newest"): 1,
        (day, "urgent", "homes"): int(page.due > 0),
        (day, "urgent", "whole"): int(page.due > 0 and page.carried >= page.due),
        (day, "reasons", "entries"): page.entries if page.personalised else 0,
        (day, "reasons", "told"): page.reasoned if page.personalised else 0,
    }


def _list(rows: Sequence[ViewRow]) -> Counter[counts.Key]:
    """One personalised list."""
    day = region_date(rows[0].at)
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
        found[day, LEARNT, ""] += 1
        found.update(compared.sums(day, compared.VISITS, rows[0].arm, slices(rows[0].profile)))
    return found


def _looked(rows: Sequence[ViewRow]) -> Counter[Part]:
    """What somebody from whom may be learnt adds by looking at one list."""
    first = rows[0]
    month = month_of(region_date(first.at))

    def part(group: str, name: str, key: str) -> Part:
        return Part(month, group, name, key, first.subject)

    found: Counter[Part] = Counter()
    for name, value in ((WHOLE, ""), *slices(first.profile)):
        found[part(f"visits.{name}|{value}", f"visits.{name}", value)] += 1
    for row in rows:
        place = _place(row.position, exploring=row.exploring, propensity=row.propensity)
        found[part(f"visits.{WHOLE}|", "place.shown", place)] += 1
    return found


def _place(position: int, *, exploring: bool, propensity: float | None) -> str:
    """A place by what was drawn for it: something else might have stood there only where its chance was below 1."""
    if exploring:
        return f"{position}|exploring"
    return f"{position}|{'sure' if propensity is None or propensity >= 1 else 'undrawn'}"


def _distance(one: Iterable[str], other: Iterable[str]) -> float:
    """1 − Jaccard of two sets of topics; what has no topic is unlike everything."""
    first, second = set(one), set(other)
    return 1 - len(first & second) / len(first | second) if first and second else 1.0


def of_opened(found: Iterable[Opened]) -> None:
    """Counts openings, in the caller's transaction and before they are written to the log: what is there counts once.

    What the entry was and who saw it is read from the log; an opening whose entry has been folded away in the
    meantime counts for nothing by place or group, and so does one by somebody who withdrew.
    """
    wanted = {(one.visit, one.item_id): one for one in found}
    if not wanted:
        return
    # Of every entry whether it was opened, so that a home of which two are opened is one that opened something.
    rows = Interaction.objects.filter(
        Q(act=Interaction.Act.OPEN) | Q(act=Interaction.Act.VIEW, item_id__in={item for _, item in wanted}),
        visit__in={visit for visit, _ in wanted},
    )
    seen: dict[tuple[UUID, str], Interaction] = {}
    already: set[UUID] = set()
    for row in rows:
        if row.act == Interaction.Act.OPEN:
            already.add(row.visit)
            wanted.pop((row.visit, row.item_id), None)
        else:
            seen[row.visit, row.item_id] = row
    sums: Counter[counts.Key] = Counter()
    parts: Counter[Part] = Counter()
    for key, one in wanted.items():
        sums[region_date(one.at), "opens", ""] += 1
        view = seen.get(key)
        if view is None:
            continue
        parts.update(_opened(view))
        if one.visit not in already:
            already.add(one.visit)
            sums.update(_compared(view))
    counts.count_many(sums)
    shares.add(parts, timezone.now())


def _compared(row: Interaction) -> Counter[counts.Key]:
    """The first opening of a home; it counts for the day of the home, as the home does."""
    return compared.sums(region_date(row.at), compared.OPENED, row.arm, slices(_reader(row)))


def _reader(row: Interaction) -> Profile:
    reader: Mapping[str, Any] = row.reader
    return Profile(district=reader.get("district"), attributes=reader.get("attributes", {}))


def _opened(row: Interaction) -> Counter[Part]:
    """What somebody adds by opening: to each figure as a group of its own, because others open than look."""
    month = month_of(region_date(row.at))
    reader: Mapping[str, Any] = row.reader

    def part(group: str, name: str, key: str = "") -> Part:
        return Part(month, group, name, key, row.subject)

    place = row.position or 0
    found: Counter[Part] = Counter()
    found[part(f"opened.{WHOLE}|", "open.item", row.item_id)] += 1
    drawn = _place(place, exploring=row.exploring, propensity=row.propensity)
    found[part(f"place.opened|{place}", "place.opened", drawn)] += 1
    for name, value in ((WHOLE, ""), *slices(_reader(row))):
        found[part(f"opened.{name}|{value}", f"opened.{name}", value)] += 1
    declared = set(reader.get("declared", ()))
    if declared:
        found[part("serendipity", "serendipity", "opened")] += 1
        if not declared & set(row.item.get("topics", ())):
            found[part("serendipity", "serendipity", "beyond")] += 1
    return found
