"""Our copy of an image that a card named, for whoever holds its signed address."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from gadgets import images, queries
from gadgets.card_addresses import source_of


@require_safe
def image(_request: HttpRequest, gadget_id: str, signed: str) -> HttpResponse:
    """The picture, good for a day in any cache; 404 when it cannot be had: its words stand in its place."""
    gadget = queries.registry().gadgets.get(gadget_id)
    src = source_of(gadget_id, signed)
    found = images.copy_of(gadget, src) if gadget is not None and src is not None else None
    if found is None:
        raise Http404
    response = HttpResponse(found, content_type=images.MEDIA_TYPE)
    response["Cache-Control"] = f"public, max-age={images.KEPT_SECONDS}, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response
