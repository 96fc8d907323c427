"""Sign-ins that were begun and not finished: one sealed cookie each, so that several tabs can be on their way.

They are no part of the session, because the first tab that comes back opens a new one and ends the old.
The `state` that travels through the ID carries the target too, sealed: whoever comes back late still arrives.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from identity import crypto
from identity.errors import CannotUnseal

MAX_AGE = 3600
"""Seconds within which a sign-in must be finished."""
AT_ONCE = 5
"""More attempts than this in one browser: the oldest are dropped (each costs half a kilobyte in every request)."""
LONGEST_TARGET = 1000
"""Longer targets stay in the cookie alone, because IDs limit the length of a `state`."""
_TARGET = "sign-in-target"


def _mark(state: str) -> str:
    return sha256(state.encode()).hexdigest()[:16]


def _seal(plain: bytes, place: str) -> str:
    return base64.urlsafe_b64encode(crypto.seal(plain, place=place)).decode().rstrip("=")


def _unseal(raw: str, place: str) -> bytes:
    """Raises `CannotUnseal` for whatever is not ours."""
    try:
        sealed = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    except (binascii.Error, ValueError) as error:
        raise CannotUnseal from error
    return crypto.unseal(sealed, place=place)


def new_state(target: str) -> str:
    """A `state` that nobody can guess, with the target sealed in it."""
    state = secrets.token_urlsafe(24)
    return f"{state}.{_seal(target.encode(), _TARGET)}" if len(target) <= LONGEST_TARGET else state


def target_of(state: str) -> str:
    """The target that a `state` of ours carries; "" for any other."""
    try:
        return _unseal(state.partition(".")[2], _TARGET).decode()
    except CannotUnseal:
        return ""


def keep(
    request: HttpRequest, response: HttpResponse, *, state: str, data: Mapping[str, Any], now: datetime
) -> None:
    """Gives the browser what the answer to `state` must hold; the oldest of too many attempts go."""
    for name in sorted(name for name in request.COOKIES if name.startswith(settings.SIGN_IN_COOKIE_PREFIX))[
        : 1 - AT_ONCE
    ]:
        response.delete_cookie(name, samesite="Lax")
    response.set_cookie(
        f"{settings.SIGN_IN_COOKIE_PREFIX}{int(now.timestamp())}-{_mark(state)}",
        _seal(json.dumps(dict(data)).encode(), f"sign-in:{state}"),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def read(request: HttpRequest, state: str, *, now: datetime) -> dict[str, Any]:
    """What was kept for `state`; empty when it is unknown, too old or not this browser's."""
    for name in _names(request, state):
        try:
            found: dict[str, Any] = json.loads(_unseal(request.COOKIES[name], f"sign-in:{state}"))
        except CannotUnseal:
            continue
        if found["asked_at"] >= now.timestamp() - MAX_AGE:
            return found
    return {}


def forget(request: HttpRequest, response: HttpResponse, state: str) -> None:
    """The attempt is over, however it ended."""
    for name in _names(request, state):
        response.delete_cookie(name, samesite="Lax")


def _names(request: HttpRequest, state: str) -> list[str]:
    ending = f"-{_mark(state)}"
    return [
        name
        for name in request.COOKIES
        if name.startswith(settings.SIGN_IN_COOKIE_PREFIX) and name.endswith(ending)
    ]
