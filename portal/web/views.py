"""The answer to a form whose token is not, or no longer, this browser's."""

from django.http import HttpRequest, HttpResponse

from identity.embedded import hosts
from identity.forms import kept


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """On either host."""
    if getattr(request, "id_site", False):
        return hosts.expired_form(request)
    return kept.csrf_failed(request)
