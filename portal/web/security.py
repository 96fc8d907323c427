"""Policies that the framework does not set by itself: Permissions-Policy, CSP of the admin, caching, null bytes."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

from core import problems
from identity.sessions import person

PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"


class PolicyMiddleware:
    """Sets Permissions-Policy on every answer but the page of a frame, which sets its own, and gives `/admin/` the one relaxed content policy.

    What somebody signed in reads is kept by no cache, unless the view says otherwise. An address or a cookie
    with a null byte is refused here: no text column of PostgreSQL can be compared with it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _holds_null(request):
            response: HttpResponse = (
                problems.bare_page(request, 400)
                if problems.wants_page(request)
                else HttpResponseBadRequest("Bad request\n", content_type="text/plain")
            )
        else:
            response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if request.path_info.startswith("/admin/"):
            response._csp_config = settings.ADMIN_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]
        if not response.has_header("Cache-Control") and _is_personal(request):
            response.headers["Cache-Control"] = "private, no-store"
        return response


def _holds_null(request: HttpRequest) -> bool:
    return (
        "\0" in request.path_info
        or "%00" in request.META.get("QUERY_STRING", "")
        or any("\0" in value for value in request.COOKIES.values())
    )


def _is_personal(request: HttpRequest) -> bool:
    """Whether the view looked at a session and found somebody in it; asks for no session by itself."""
    session = getattr(request, "session", None)
    return session is not None and session.accessed and person.signed_in(request)
