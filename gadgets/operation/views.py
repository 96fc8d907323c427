"""The provider's own decisions about a gadget that runs: planned maintenance, and the announced end."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from core.forms.form_pages import posts
from gadgets import queries
from gadgets.errors import GadgetError
from gadgets.providers import console_views
from gadgets.review import decisions
from gadgets.web import refused, signed_in, tell
from identity import queries as identity_queries
from identity.forms.sendings import sent_once


@posts("gadgets:provider_gadget")
@never_cache
@signed_in
@sent_once
def decide(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """`decision` is one of `gadgets.review.decisions.PROVIDERS`."""
    if not queries.is_member(gadget_id, resident_id):
        raise Http404
    by = identity_queries.actor_in(request)
    try:
        found = decisions.decision(gadget_id, request.POST.dict(), by, desk=decisions.PROVIDERS)
        if found is None:
            raise Http404
        change, told = found
        change()
    except GadgetError as error:
        part = {"plan": "pause", "announce": "end"}.get(request.POST.get("decision", ""))
        if part:
            typed = {name: request.POST.get(name, "") for name in ("starts_at", "ends_at", "day", "sentence")}
            return console_views.again(
                request, resident_id, gadget_id, **{f"{part}_problem": tell(error), f"{part}_typed": typed}
            )
        refused(request, error)
    else:
        messages.success(request, told)
    return HttpResponseRedirect(reverse("gadgets:provider_gadget", args=[gadget_id]))
