"""Browsers in which somebody has signed in at the embedded ID, by a signed cookie (OWASP's device cookies).

Wrong passwords of strangers are counted together and make strangers wait. A browser that knew the password before has a
count of its own, so that nobody can shut the owner out by guessing.
"""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from identity.domain.names import plain_name

MAX_AGE = 400 * 24 * 3600
AT_MOST = 5
"""Names that one browser is known by; a family shares one."""
_SALT = "id-known-browser"
_NEW = "_known_browser_of"


def _mark(login: str) -> str:
    return salted_hmac(_SALT, plain_name(login).casefold(), algorithm="sha256").hexdigest()[:32]


def _held(request: HttpRequest) -> dict[str, str]:
    raw = request.COOKIES.get(settings.ID_BROWSER_COOKIE_NAME, "")
    try:
        found = signing.loads(raw, salt=_SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def counted_as(request: HttpRequest, *logins: str) -> str:
    """Whose wrong passwords count together: this browser's at this account, or those of all strangers at it."""
    held = _held(request)
    for login in logins:
        if nonce := held.get(_mark(login)):
            return f"browser:{nonce}"
    return "strangers:" + "|".join(sorted({_mark(login) for login in logins}))


def note(request: HttpRequest, login: str) -> None:
    """The password for this name was right: the answer to this request makes the browser known."""
    setattr(request, _NEW, login)


def keep(request: HttpRequest, response: HttpResponse) -> None:
    """Gives the browser its cookie, where `note` was called."""
    login = getattr(request, _NEW, "")
    if not login:
        return
    held = {mark: nonce for mark, nonce in _held(request).items() if mark != _mark(login)}
    kept = dict(list(held.items())[-(AT_MOST - 1) :])
    response.set_cookie(
        settings.ID_BROWSER_COOKIE_NAME,
        signing.dumps({**kept, _mark(login): secrets.token_urlsafe(12)}, salt=_SALT),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
