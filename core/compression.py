"""Packs answers where no proxy in front does it: pages, styles and scripts, but nothing of the ID and no API.

Decision 0030 says what an eavesdropper could learn of the length of an answer, and why this is enough.
"""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

PACKED = frozenset({
    "text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml", "text/plain",
    "application/json", "application/geo+json", "application/manifest+json",
})  # fmt: skip
NEVER = ("/api/", "/o/", "/oidc/", "/.well-known/")


class CompressMiddleware(GZipMiddleware):
    """Django's, which adds a random number of bytes to each answer; it sees the files that WhiteNoise gives out too."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind not in PACKED or _secret(request):
            return response
        packed: HttpResponseBase = super().process_response(request, response)
        return packed


def _secret(request: HttpRequest) -> bool:
    """The ID's pages hold codes, the interfaces hold tokens and claims: their length must say nothing."""
    if request.path_info.startswith(settings.STATIC_URL):
        return False
    return bool(getattr(request, "id_site", False)) or request.path_info.startswith(NEVER)
