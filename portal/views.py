"""The answer to a form whose token is not, or no longer, this browser's."""

from django.http import HttpRequest, HttpResponse

from identity import hosts, kept_forms


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """On either host."""
    if getattr(request, "id_site", False):
        return hosts.expired_form(request)
    return kept_forms.csrf_failed(request)
