"""The public page of the order's figures and its table as CSV, for everybody and the same for everybody."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from core.disclosure import SMALL_CELL
from core.region_time import region_date, region_local
from core.spreadsheets import csv_response
from identity.queries import current_resident
from portal.figures import charts, words
from portal.figures.tasks import month_named
from recommender.metrics import monthly
from recommender.metrics.monthly import Month

CACHING = "public, max-age=300"
COLUMNS = ("month", "figure", "group", "value", "unit", "note", "days", "made_at")


def _month(text: str | None) -> tuple[Month | None, tuple[date, ...]]:
    """The month that was asked for, else the latest; and which there are. Two queries."""
    months = monthly.months()
    if text is None:
        wanted = months[0] if months else None
    else:
        try:
            wanted = month_named(text)
        except ValueError as error:
            raise Http404 from error
        if wanted not in months:
            raise Http404
    found = monthly.read([wanted]) if wanted else ()
    return (found[0] if found else None), months


@require_safe
def page(request: HttpRequest, month: str | None = None) -> HttpResponse:
    """One month: every figure with what it says, from what, for when and how old."""
    locale = get_language() or "ja"
    found, months = _month(month)
    context: dict[str, Any] = {"found": found, "months": months, "enough": SMALL_CELL}
    if found is not None:
        context |= _shown(found, locale)
    return public(request, render(request, "figures/ranking.html", context))


def _shown(found: Month, locale: str) -> dict[str, Any]:
    figures = [
        (metric, words.written(found.figures.get(metric.name), metric.unit), metric.name in found.figures)
        for metric in words.ALL
    ]
    exposure = sorted(found.exposure.items(), key=lambda pair: (pair[1], pair[0]))
    groups = [
        (
            words.dimension(name, locale),
            [(words.group(name, key, locale), words.written(value, words.EACH)) for key, value in of.items()],
        )
        for name, of in found.values.items()
        if of
    ]
    return {
        "figures": figures,
        "exposure": [(name, words.written(value, words.TIMES)) for name, value in exposure],
        "exposure_chart": charts.bars([name for name, _ in exposure], [value for _, value in exposure]),
        "groups": groups,
        "age_hours": max(int((timezone.now() - found.made_at).total_seconds() // 3600), 0),
        "going_on": found.month == region_date().replace(day=1),
    }


@require_safe
def table(request: HttpRequest, month: str) -> HttpResponse:
    """The same figures as CSV; an empty value has "not enough" beside it, and is no zero."""
    found, _ = _month(month)
    if found is None:
        raise Http404
    response = csv_response(f"ranking-{found.month:%Y-%m}", COLUMNS, _lines(found))
    response["Access-Control-Allow-Origin"] = "*"
    return public(request, response)


def _lines(found: Month) -> Iterator[tuple[object, ...]]:
    for name, group, value, unit in rows(found):
        told = ("", "not enough") if value is None else (_number(value), "")
        yield (f"{found.month:%Y-%m}", name, group, told[0], unit, told[1], found.days, _iso(found.made_at))


def rows(found: Month) -> list[tuple[str, str, float | None, str]]:
    """Every figure: name, group, value, unit."""
    listed: list[tuple[str, str, float | None, str]] = [
        (metric.name, "", found.figures.get(metric.name), metric.unit) for metric in words.ALL
    ]
    listed += [("exposure", name, value, words.TIMES) for name, value in sorted(found.exposure.items())]
    for dimension, values in found.values.items():
        listed += [(f"value_{dimension}", name, value, words.EACH) for name, value in sorted(values.items())]
    return listed


def _number(value: float) -> str:
    """All its digits, to four places, as it is kept: never in powers of ten."""
    return f"{value + 0.0:.4f}".rstrip("0").rstrip(".")


def _iso(at: datetime) -> str:
    return region_local(at).isoformat(timespec="seconds")


def public(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """May be kept by shared caches, but for the page of somebody signed in, which has their links in it."""
    response["Cache-Control"] = "private, no-store" if current_resident(request) else CACHING
    patch_vary_headers(response, ("Cookie",))
    return response
