"""Pages that answer when something went wrong: wrong form token, missing page, fault of ours."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from identity import hosts


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its token, for example after a long pause; nothing was changed."""
    if getattr(request, "id_site", False):
        return hosts.expired_form(request)
    return render(request, "errors/csrf.html", {"reason": reason}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None, **_place: object) -> HttpResponse:  # noqa: ARG001
    """The address is unknown, or the page has ended."""
    return render(request, "404.html", status=404)
