"""Pages that the editor beside them may show in a frame."""

from csp.constants import SELF
from django.http import HttpResponse


def framed(response: HttpResponse) -> HttpResponse:
    """The one policy of a preview that differs: the editor beside it may show it in a frame."""
    response._csp_replace = {"frame-ancestors": [SELF]}  # type: ignore[attr-defined]  # read by django-csp
    return response
