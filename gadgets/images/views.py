"""Our copy of an image that a card named, for whoever holds its signed address."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from gadgets.cards.card_addresses import source_of
from gadgets.images import copies
from gadgets.registry import registry


@require_safe
def image(_request: HttpRequest, gadget_id: str, signed: str) -> HttpResponse:
    """The picture, good for a day in any cache; 404 when it cannot be had: its words stand in its place."""
    published = registry()
    gadget, earlier = published.gadgets.get(gadget_id), published.earlier.get(gadget_id)
    src = source_of(gadget_id, signed)
    if gadget is None or src is None:
        raise Http404
    if earlier is not None and not copies.allowed(gadget, src):  # some still have the version before
        gadget = earlier.gadget
    found = copies.copy_of(gadget, src)
    if found is None:
        raise Http404
    response = HttpResponse(found, content_type=copies.MEDIA_TYPE)
    response["Cache-Control"] = f"public, max-age={copies.KEPT_SECONDS}, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response
