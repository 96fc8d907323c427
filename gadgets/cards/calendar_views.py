"""The dates of one card as a calendar file, for the reader's own calendar."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.texts import pick
from gadgets import queries
from gadgets.cards import calendar, fetch
from gadgets.types import StoredCard
from gadgets.web import retry_after
from identity import queries as identity_queries
from identity.household import authority


@require_safe
@never_cache
def dates(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """The card that this reader sees, as iCalendar; 404 where it has no dates, 503 while there is no card."""
    published = queries.registry()
    locale = request.GET.get("locale", "ja")
    if locale not in dict(settings.LANGUAGES):
        locale = "ja"
    resident_id = authority.subject(request)
    bundle = identity_queries.bundle(resident_id) if resident_id else None
    chosen = published.choose(gadget_id, bundle, timezone.now())
    if chosen is None or not chosen.shown.has_card:
        raise Http404
    gadget = chosen.shown
    placed = queries.placement(resident_id, gadget_id) if resident_id else None
    wanted = fetch.wanted_for(
        gadget,
        bundle=bundle,
        locale=locale,
        size=request.GET.get("size", ""),
        settings=dict(placed.settings) if placed else {},
        cells=published.cells,
    )
    found = fetch.refresh(wanted, deadline=fetch.PERSON_WAITS)
    if not isinstance(found, StoredCard):
        with translation.override(locale):
            told = _(found.message)
        answer = HttpResponse(told, status=503, content_type="text/plain; charset=utf-8")
        return retry_after(answer, found.seconds)
    if not found.dates:
        raise Http404
    body = calendar.ics(found, gadget_id=gadget.id, title=pick(gadget.title, locale), now=timezone.now())
    response = HttpResponse(body, content_type=calendar.MEDIA_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{gadget.id}.ics"'
    return response
