"""Answers for other regions: the feed of this region's gadgets, and one gadget's signed package."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from gadgets.errors import NoSuchGadgetError
from gadgets.federation import regions
from gadgets.protocol import package


@require_safe
def feed(_request: HttpRequest) -> HttpResponse:
    """`/.well-known/region-gadgets.json`."""
    response = JsonResponse(regions.feed(), json_dumps_params={"ensure_ascii": False})
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
def packed(_request: HttpRequest, gadget_id: str) -> HttpResponse:
    """The package of a published gadget, as a file."""
    try:
        raw = regions.export(gadget_id)
    except NoSuchGadgetError as error:
        raise Http404 from error
    response = HttpResponse(raw, content_type=package.MEDIA_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{gadget_id}.rgadget"'
    return response
