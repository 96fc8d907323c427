"""A gadget's figures for its provider: calls and how they went by day, homes and consents in large numbers only."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.spreadsheets import csv_response
from gadgets import queries
from gadgets.metrics import call_metrics, recent_faults, usage
from gadgets.queries import GadgetView
from gadgets.web import signed_in

DAYS = 14
WIDTH, HEIGHT = 560, 120
"""Of the picture, in its own units."""


def _mine(gadget_id: str, resident_id: UUID) -> GadgetView:
    view = queries.gadget_for_member(gadget_id, resident_id)
    if view is None:
        raise Http404
    return view


@require_safe
@never_cache
@signed_in
def page(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """The last 14 days as a picture and as a table."""
    view = _mine(gadget_id, resident_id)
    report = call_metrics.of(gadget_id, DAYS)
    most = max((day.calls for _, day in report.days), default=0)
    step = WIDTH / DAYS
    bars = [
        {
            "x": round(index * step + 4),
            "width": round(step - 8),
            "height": round(HEIGHT * day.calls / most) if most else 0,
            "failed": round(HEIGHT * (day.calls - day.successes) / most) if most else 0,
        }
        for index, (_, day) in enumerate(report.days)
    ]
    for bar in bars:
        bar["y"], bar["failed_y"] = HEIGHT - bar["height"], HEIGHT - bar["failed"]
    context = {
        "view": view,
        "report": report,
        "bars": bars,
        "most": most,
        "width": WIDTH,
        "height": HEIGHT,
        "days": DAYS,
        "people": usage.of(gadget_id),
        "faults": recent_faults.recent(gadget_id).faults,
    }
    return render(request, "gadgets/provider_figures.html", context)


@require_safe
@never_cache
@signed_in
def table(_request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """The same days as CSV; an empty field is a figure that there is none of."""
    _mine(gadget_id, resident_id)
    header = ("day", "calls", "successes", "success_percent", "p95_ms", "cache_hits", "hit_percent")
    lines = (
        (
            f"{day:%Y-%m-%d}",
            found.calls,
            found.successes,
            found.percent,
            found.p95_ms,
            found.hits,
            found.hit_percent,
        )
        for day, found in call_metrics.of(gadget_id, DAYS).days
    )
    return csv_response(gadget_id, header, lines)
