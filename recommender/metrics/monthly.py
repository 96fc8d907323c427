"""The figures of a month: made of the sums by a job, kept as rows of their own, and read in one query."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import transaction

from core.disclosure import SMALL_CELL
from recommender.metrics import counts, formulas, shares
from recommender.metrics.counting import DIMENSIONS, WHOLE, month_of
from recommender.models import Count, Snapshot

"""Residents, or homes, without which a figure is not published."""
ENOUGH_PLACE = 100
"""Times that each side of a comparison of places was shown."""
KEPT_MONTHS = 36
KEPT_DAYS = 396
"""Sums of days are deleted after about 13 months."""
KEPT_DETAIL = 62
"""Sums by item and by group: two months, until the month is closed."""

DETAIL = (
    "shown.item",
    "open.item",
    "available",
    "pairs",
    shares.OPEN,
    "place.shown",
    "place.opened",
    "serendipity",
    *(f"{kind}.{name}" for kind in ("visits", "opened") for name in (WHOLE, *DIMENSIONS)),
)


METRICS = (
    "homes",
    "newest_share",
    "coverage",
    "novelty",
    "popularity",
    "diversity",
    "serendipity",
    "exposure_min",
    "exposure_p10",
    "gap_age_band",
    "gap_ward",
    "gap_language",
    "urgent_share",
    "reason_share",
    "ranking_opted_in",
    "learning_opted_in",
    "exploring_share",
    "exploring_cost",
)
_FIGURE, _PROVIDER, _SLICE, _META = "month.figure", "month.exposure", "month.value.", "month.meta"
_NAMES = (_FIGURE, _PROVIDER, *(_SLICE + name for name in DIMENSIONS), _META)


@dataclass(frozen=True, slots=True)
class Outside:
    """What the recommender cannot know itself: shares of residents who said yes (None where a few would show)."""

    ranking: float | None
    learning: float | None


@dataclass(frozen=True, slots=True)
class Month:
    """The published figures of a month. A metric or group that is not in the mapping has too little behind it."""

    month: date
    made_at: datetime
    days: int
    """Days of the month of which anything was counted."""
    figures: Mapping[str, float]
    exposure: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    suppressed: int = 0


# --- what is there to be shown ------------------------------------------------------------------------------


@transaction.atomic
def note_offer(day: date, offered: Mapping[str, str]) -> None:
    """What can be shown now: item → provider. Of a day the most that a provider had at one time stays.

    So an event that ended in the afternoon is of the offer of its day, as its showings are.
    """
    told = Count.objects.filter(day=day, name="offered.provider").values_list("key", "value")
    by_provider: dict[str, float] = {}
    for provider in offered.values():
        by_provider[provider] = by_provider.get(provider, 0) + 1
    for provider, most in told:
        by_provider[provider] = max(by_provider.get(provider, 0), most)
    counts.put(day, "offered.provider", by_provider)
    counts.mark(month_of(day), "available", offered)


# --- the month ----------------------------------------------------------------------------------------------


class _Sums:
    """The sums of a month, by name and key, over all its days."""

    def __init__(self, rows: Iterable[tuple[date, str, str, float]]) -> None:
        self._found: dict[str, dict[str, float]] = {}
        days = set()
        for day, name, key, value in rows:
            table = self._found.setdefault(name, {})
            table[key] = table.get(key, 0) + value
            if name == "homes":
                days.add(day)
        self.days = len(days)

    def table(self, name: str) -> dict[str, float]:
        return self._found.get(name, {})

    def of(self, name: str, key: str = "") -> float:
        return self.table(name).get(key, 0)


def make(month: date, now: datetime, outside: Outside | None) -> Month:
    """The figures of a month from the sums as they are now, written in place of those of an earlier run.

    Groups that have twenty residents by now become sums before.

    Without `outside` the rates of an earlier run stay: what holds today says nothing of a month that is over.
    """
    first = month_of(month)
    outside = outside or _kept(first)
    shares.ripen(now)
    rows = (
        Count.objects.filter(day__gte=first, day__lt=_next(first))
        .exclude(name__in=_NAMES)
        .values_list("day", "name", "key", "value")
    )
    made = _month(first, now, _Sums(rows), outside, shares.waiting(first))
    _write(made)
    return made


def _month(first: date, now: datetime, sums: _Sums, outside: Outside, waiting: Collection[str]) -> Month:
    homes = sum(sums.table("homes").values())
    found: dict[str, float | None] = {
        "homes": homes,
        **_lists(sums),
        **_opened(sums),
        "ranking_opted_in": outside.ranking,
        "learning_opted_in": outside.learning,
    }
    if homes < SMALL_CELL:
        # Of a few homes not even the whole sums are told.
        found = {name: value for name, value in found.items() if name.endswith("opted_in")}
    exposure = {provider: round(value, 4) for provider, value in _exposure(sums).items()}
    values, hidden = _values(sums, waiting)
    for name, of in values.items():
        found[f"gap_{name}"] = formulas.gap(of.values())
    found["exposure_min"] = min(exposure.values(), default=None)
    found["exposure_p10"] = formulas.tenth(list(exposure.values()))
    told = {
        name: round(value, 4) for name, value in found.items() if value is not None and math.isfinite(value)
    }
    hidden += sum(name not in told for name in METRICS)
    return Month(first, now.replace(microsecond=0), sums.days, told, exposure, values, hidden)


def _kept(first: date) -> Outside:
    found = read([first])
    figures = found[0].figures if found else {}
    return Outside(figures.get("ranking_opted_in"), figures.get("learning_opted_in"))


def _lists(sums: _Sums) -> dict[str, float | None]:
    """What needs no openings."""
    shown, lists = sums.table("shown.item"), sums.of("lists")
    homes = sums.table("homes")
    figures = {
        "newest_share": formulas.share(homes.get("newest", 0), sum(homes.values())),
        "urgent_share": formulas.share(sums.of("urgent", "whole"), sums.of("urgent", "homes")),
    }
    if sums.of("urgent", "homes") < SMALL_CELL:
        figures["urgent_share"] = None
    if lists < SMALL_CELL:
        return figures
    return figures | {
        "coverage": formulas.coverage(shown, sums.table("available").keys() | shown.keys()),
        "novelty": formulas.novelty(shown, lists),
        "diversity": formulas.share(sums.of("pairs", "distance"), sums.of("pairs", "count")),
        "reason_share": formulas.share(sums.of("reasons", "told"), sums.of("reasons", "entries")),
        "exploring_share": formulas.share(sums.of("exploring"), lists),
    }


def _opened(sums: _Sums) -> dict[str, float | None]:
    """What is known by openings, of those who said yes to learning.

    Each sum is there only where twenty of them opened something, and of serendipity twenty who declared topics.
    """
    if not sums.of("opened.whole"):
        return {}
    return {
        "popularity": formulas.popularity(sums.table("shown.item"), sums.table("open.item")),
        "serendipity": formulas.share(sums.of("serendipity", "beyond"), sums.of("serendipity", "opened")),
        "exploring_cost": _cost(sums),
    }


def _cost(sums: _Sums) -> float | None:
    """Over the places at which something was drawn: where it stood, and where by the same draw it did not.

    A list on which nothing could be drawn says nothing about it: at night and at weekends nobody publishes.
    """
    shown, opened = sums.table("place.shown"), sums.table("place.opened")
    places = {key.partition("|")[0] for key in shown if key.endswith("|exploring")}

    def side(kind: str) -> tuple[float, float]:
        keys = [f"{place}|{kind}" for place in places]
        return sum(shown.get(key, 0) for key in keys), sum(opened.get(key, 0) for key in keys)

    return formulas.cost(side("exploring"), side("undrawn"), least_opened=SMALL_CELL, lists=ENOUGH_PLACE)


def _exposure(sums: _Sums) -> dict[str, float]:
    """Of providers besides the city itself, whose name is empty."""
    if sums.of("lists") < SMALL_CELL:
        return {}
    found = formulas.exposures(sums.table("shown.provider"), sums.table("offered.provider"))
    return {provider: value for provider, value in found.items() if provider}


def _values(sums: _Sums, waiting: Collection[str]) -> tuple[dict[str, dict[str, float]], int]:
    """Openings a home by group, where twenty looked and twenty opened; and how many groups had too few of either."""
    found: dict[str, dict[str, float]] = {}
    hidden = 0
    for name in DIMENSIONS:
        visits, opened = sums.table(f"visits.{name}"), sums.table(f"opened.{name}")
        start = f"visits.{name}|"
        few = {group.removeprefix(start) for group in waiting if group.startswith(start)}
        for value in sorted(few | visits.keys()):
            if value in visits and value in opened:
                found.setdefault(name, {})[value] = round(opened[value] / visits[value], 4)
            else:
                hidden += 1
    return found, hidden


def _next(first: date) -> date:
    return month_of(first + timedelta(days=32))


@transaction.atomic
def _write(made: Month) -> None:
    counts.put(made.month, _FIGURE, made.figures)
    counts.put(made.month, _PROVIDER, made.exposure)
    for name in DIMENSIONS:
        counts.put(made.month, _SLICE + name, made.values.get(name, {}))
    meta = {"made_at": made.made_at.timestamp(), "days": made.days, "suppressed": made.suppressed}
    counts.put(made.month, _META, meta)


# --- reading ------------------------------------------------------------------------------------------------


def months() -> tuple[date, ...]:
    """The months that have figures, the newest first."""
    rows = Count.objects.filter(name=_META, key="made_at").order_by("-day")
    return tuple(rows.values_list("day", flat=True))


def read(months: Collection[date] | None = None) -> tuple[Month, ...]:
    """The figures of these months, or of all that are kept, the newest first; one query."""
    rows = Count.objects.filter(name__in=_NAMES)
    if months is not None:
        rows = rows.filter(day__in=months)
    found: dict[date, dict[str, dict[str, float]]] = {}
    for day, name, key, value in rows.values_list("day", "name", "key", "value"):
        found.setdefault(day, {}).setdefault(name, {})[key] = value
    return tuple(_read(day, tables) for day, tables in sorted(found.items(), reverse=True) if _META in tables)


def _read(day: date, tables: Mapping[str, dict[str, float]]) -> Month:
    meta = tables[_META]
    return Month(
        month=day,
        made_at=datetime.fromtimestamp(meta["made_at"]).astimezone(),
        days=int(meta["days"]),
        figures=tables.get(_FIGURE, {}),
        exposure=tables.get(_PROVIDER, {}),
        values={name: tables[_SLICE + name] for name in DIMENSIONS if _SLICE + name in tables},
        suppressed=int(meta["suppressed"]),
    )


def days(names: Collection[str], since: date, until: date) -> dict[date, dict[tuple[str, str], float]]:
    """Sums by day, `since` to `until` included; a day without any is not in it."""
    found: dict[date, dict[tuple[str, str], float]] = {}
    rows = Count.objects.filter(name__in=list(names), day__gte=since, day__lte=until)
    for day, name, key, value in rows.values_list("day", "name", "key", "value"):
        found.setdefault(day, {})[name, key] = value
    return found


def snapshots(since: datetime) -> tuple[tuple[datetime, str], ...]:
    """When each snapshot since then was made, and what became of it; the oldest first."""
    rows = Snapshot.objects.filter(created_at__gte=since).order_by("created_at")
    return tuple(rows.values_list("created_at", "state"))


def forget(today: date) -> int:
    """Deletes detail after its months are closed, days after about 13 months, months after `KEPT_MONTHS`."""
    detail = counts.forget(month_of(today - timedelta(days=KEPT_DETAIL)), DETAIL)
    oldest = month_of(today - timedelta(days=KEPT_MONTHS * 31))
    months = counts.forget(oldest, _NAMES)
    return detail + months + _forget_days(today - timedelta(days=KEPT_DAYS))


def _forget_days(before: date) -> int:
    return Count.objects.filter(day__lt=before).exclude(name__in=_NAMES).delete()[0]
