"""Stylesheet and mark of the region, for browsers: the same on the portal's host and on the embedded ID's."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from core.region import theme
from core.region.current import current_region

CACHING = "public, max-age=31536000, immutable"


def _answer(digest: str, body: str, content_type: str) -> HttpResponse:
    # An older address would be kept for a year with the look of today.
    if digest != theme.digest():
        raise Http404
    return HttpResponse(body, content_type=content_type, headers={"Cache-Control": CACHING})


@require_safe
def stylesheet(_request: HttpRequest, digest: str) -> HttpResponse:
    return _answer(digest, theme.stylesheet(current_region()), "text/css; charset=utf-8")


@require_safe
def mark(_request: HttpRequest, digest: str) -> HttpResponse:
    return _answer(digest, current_region().mark, "image/svg+xml")


urlpatterns = [
    path("theme/<slug:digest>.css", stylesheet, name="region_stylesheet"),
    path("theme/<slug:digest>.svg", mark, name="region_mark"),
]
