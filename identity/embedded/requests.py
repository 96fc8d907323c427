"""What every request to the embedded provider's protocol must keep to, checked before the toolkit reads it."""

import base64
import binascii
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

LONGEST = 8192
"""Characters of one parameter; an ID token as a hint takes about one thousand."""

View = Callable[..., HttpResponseBase]


def readable(request: HttpRequest) -> bool:
    """Whether each parameter is given once (RFC 6749, 3.1) and is text that the database can be asked for."""
    for given in (request.GET, request.POST):
        for name, values in given.lists():
            if len(values) != 1 or not all(map(_plain, (name, *values))):
                return False
    return all(map(_plain, _basic(request)))


def _plain(text: str) -> bool:
    return (
        len(text) <= LONGEST and "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
    )


def _basic(request: HttpRequest) -> Iterator[str]:
    """Client id and secret of the Authorization header, as far as it can be decoded."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    yield header
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(encoded).decode()
        except (binascii.Error, ValueError):
            # Neither base64 nor text: it is no client, and the toolkit must not try to read it.
            yield "\0"


def for_programs(view: View) -> View:
    """A malformed request gets the error of RFC 6749, 5.2."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if readable(request):
            return view(request, *args, **kwargs)
        return JsonResponse({"error": "invalid_request"}, status=400, headers={"Cache-Control": "no-store"})

    checked.csrf_exempt = getattr(view, "csrf_exempt", False)  # type: ignore[attr-defined]
    return checked


def for_browsers(refused: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[View], View]:
    """A malformed request gets the page `refused`, which leads nowhere."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, *args, **kwargs) if readable(request) else refused(request)

        return checked

    return decorate
