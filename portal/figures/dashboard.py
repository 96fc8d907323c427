"""The operator's board in the admin: the order over days and months as pictures, each with its table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.region_time import region_date, region_moment
from portal.city.views import operator_of
from portal.figures import charts, words
from portal.figures.charts import Chart
from recommender.metrics import formulas, monthly

DAYS = 28
MONTHS = 12
_NAMES = ("homes", "lists", "exploring", "urgent", "reasons", "shown.provider", "offered.provider")

Sums = Mapping[date, Mapping[tuple[str, str], float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture and its table: what stands in the first column, and the rows."""

    key: str
    title: str
    chart: Chart
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """For operators only; four queries, however many residents there are."""
    operator_of(request)
    return render(request, "figures/dashboard.html", {"panels": panels(region_date()), "days": DAYS})


def panels(today: date) -> tuple[Panel, ...]:
    """All pictures, of the days up to today and of the months that are kept."""
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    sums = monthly.days(_NAMES, days[0], today)
    kept = monthly.read(monthly.months()[:MONTHS])
    return (
        _homes(days, sums),
        _shares(days, sums),
        _exposure(sums),
        _months("coverage", _("網羅性"), kept, lambda month: month.figures.get("coverage"), words.PERCENT),
        _snapshots(days),
        _months("suppressed", _("少なくて出さなかった数字"), kept, _suppressed, words.NUMBER),
    )


def _suppressed(month: monthly.Month) -> float | None:
    return float(month.suppressed)


def _day(day: date) -> str:
    return f"{day:%m-%d}"


def _of(sums: Sums, day: date, name: str, key: str = "") -> float:
    return sums.get(day, {}).get((name, key), 0)


def _homes(days: Sequence[date], sums: Sums) -> Panel:
    series = [
        (_("おすすめ順"), [_homes_of(sums, day, "personalised") for day in days]),
        (_("新しい順"), [_homes_of(sums, day, "newest") for day in days]),
    ]
    return _lines("homes", _("ホームの表示"), days, series, words.NUMBER)


def _homes_of(sums: Sums, day: date, order: str) -> float | None:
    """A day of which nothing was counted has no figure; zero of one order is zero."""
    known = any(name == "homes" for name, _key in sums.get(day, {}))
    return _of(sums, day, "homes", order) if known else None


def _shares(days: Sequence[date], sums: Sums) -> Panel:
    def of(part: tuple[str, str], whole: Sequence[tuple[str, str]]) -> list[float | None]:
        return [
            formulas.share(_of(sums, day, *part), sum(_of(sums, day, *one) for one in whole)) for day in days
        ]

    homes = (("homes", "personalised"), ("homes", "newest"))
    series = [
        (_("おすすめ順の割合"), of(("homes", "personalised"), homes)),
        (_("試した一覧の割合"), of(("exploring", ""), (("lists", ""),))),
        (_("緊急のお知らせが届いた割合"), of(("urgent", "whole"), (("urgent", "homes"),))),
        (_("理由のある項目の割合"), of(("reasons", "told"), (("reasons", "entries"),))),
    ]
    return _lines("shares", _("割合"), days, series, words.PERCENT)


def _lines(
    key: str,
    title: str,
    days: Sequence[date],
    series: Sequence[tuple[str, Sequence[float | None]]],
    unit: str,
) -> Panel:
    labels = [_day(day) for day in days]
    rows = zip(labels, *([_cell(value, unit) for value in values] for _name, values in series), strict=True)
    head = (_("日"), *(name for name, _values in series))
    return Panel(key, title, charts.lines(labels, series), head, tuple(rows))


def _cell(value: float | None, unit: str) -> str:
    return "—" if value is None else words.written(value, unit)


def _exposure(sums: Sums) -> Panel:
    shown, offered = _by_provider(sums, "shown.provider"), _by_provider(sums, "offered.provider")
    found = sorted(formulas.exposures(shown, offered).items(), key=lambda pair: (pair[1], pair[0]))
    named = [(name or _("市"), value) for name, value in found]
    rows = tuple(
        (name, words.written(value, words.TIMES), f"{shown.get(key, 0):,.0f}")
        for (name, value), (key, _value) in zip(named, found, strict=True)
    )
    chart = charts.bars([name for name, _value in named], [value for _name, value in named])
    head = (_("提供者"), _("出た割合 ÷ 項目の割合"), _("出た回数"))
    return Panel("exposure", _("提供者ごとの出方"), chart, head, rows)


def _by_provider(sums: Sums, name: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for day in sums.values():
        for (counted, key), value in day.items():
            if counted == name:
                found[key] = found.get(key, 0) + value
    return found


def _months(
    key: str,
    title: str,
    kept: Sequence[monthly.Month],
    of: Callable[[monthly.Month], float | None],
    unit: str,
) -> Panel:
    told = [(f"{month.month:%Y-%m}", of(month)) for month in reversed(kept)]
    chart = charts.bars([label for label, _value in told], [value for _label, value in told])
    return Panel(
        key, title, chart, (_("月"), title), tuple((label, _cell(value, unit)) for label, value in told)
    )


def _snapshots(days: Sequence[date]) -> Panel:
    since = region_moment(days[0])
    made = [(region_date(at), state) for at, state in monthly.snapshots(since)]
    # What was active once has passed its checks too.
    states = ((_("使ったもの"), ("active", "earlier")), (_("検査で止めたもの"), ("refused",)))
    series = [
        (name, [float(sum(one == day and state in of for one, state in made)) for day in days])
        for name, of in states
    ]
    return _lines("snapshots", _("学んだ重みの版"), days, series, words.NUMBER)
