"""A form that is sent twice is done once: the second sending gets the answer of the first.

The key is the token that is drawn anew with every form (`csrfmiddlewaretoken`), together with all that was sent: a
form that was corrected is another sending. The claim is a row with that key, made before the work begins.
"""

import base64
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, TypeVar, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core import problems
from identity.errors import CannotUnseal
from identity.forms import browser_seals
from identity.models import Sending
from identity.sessions.person import KEY

TOKEN = "csrfmiddlewaretoken"  # noqa: S105  the name of a field
HOLDS = timedelta(hours=1)
"""So long the answer of a sending is kept for another one."""
GIVEN_UP = timedelta(minutes=3)
"""Without an answer for so long: the process that did the work is gone, and another sending may do it."""
PATIENCE = 15.0
"""Seconds that a second sending waits for the first one's answer."""
STEP = 0.1
LARGEST = 500_000
CREATING = frozenset({"add", "copy", "add_multiple"})
"""URL names of Wagtail's own forms that make something."""

View = TypeVar("View", bound=Callable[..., Any])


def sent_once(view: View) -> View:
    """Marks a view that makes something of a form, so that `FormsMiddleware` runs it once for each sending."""
    view.sent_once = True  # type: ignore[attr-defined]
    return view


def applies(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether this request is a sending that must not be done twice."""
    match = request.resolver_match
    ours = getattr(view, "sent_once", False)
    wagtails = request.path_info.startswith("/admin/") and match is not None and match.url_name in CREATING
    return request.method == "POST" and bool(ours or wagtails) and bool(request.POST.get(TOKEN))


def once(request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Does the work, or gives the answer of the sending that did it."""
    token, digest = request.POST[TOKEN], _digest(request)
    until = time.monotonic() + PATIENCE
    while True:
        row, made = Sending.objects.get_or_create(digest=digest)
        if made or _taken_over(row):
            return _first(request, work, digest, token)
        if row.answer is not None:
            found = _opened(request, bytes(row.answer), token)
            if found is not None:
                return found
        if time.monotonic() > until:
            return problems.page(request, 503)
        time.sleep(STEP)


def _digest(request: HttpRequest) -> str:
    person = request.session.get(KEY, "")
    said = [
        request.get_full_path(),
        person,
        sorted((name, list(given)) for name, given in request.POST.lists()),
    ]
    files = sorted((name, _file(one)) for name in request.FILES for one in request.FILES.getlist(name))
    return sha256(json.dumps([said, files]).encode()).hexdigest()


def _file(one: UploadedFile) -> str:
    whole = sha256()
    for chunk in one.chunks():
        whole.update(chunk)
    one.seek(0)
    return whole.hexdigest()


def _taken_over(row: Sending) -> bool:
    """Whether an old claim is now ours: its answer is past its time, or never came."""
    now = timezone.now()
    if row.begun_at > now - (HOLDS if row.answer is not None else GIVEN_UP):
        return False
    same = Sending.objects.filter(digest=row.digest, begun_at=row.begun_at)
    return bool(same.update(begun_at=now, answer=None))


def _first(request: HttpRequest, work: Callable[[], HttpResponse], digest: str, token: str) -> HttpResponse:
    before = request.session.session_key
    settled = False
    try:
        response = work()
        if callable(render := getattr(response, "render", None)) and not getattr(
            response, "is_rendered", True
        ):
            response = render()
        told = _told(request, response, before)
        if told is not None:
            sealed = browser_seals.seal(json.dumps(told).encode(), secret=token, place="sending")
            settled = bool(Sending.objects.filter(digest=digest).update(answer=sealed))
    finally:
        if not settled:  # refused, or failed: the same may be sent again
            Sending.objects.filter(digest=digest).delete()
    return response


def _told(request: HttpRequest, response: HttpResponse, before: str | None) -> dict[str, Any] | None:
    """The answer as it is kept; None for one that made nothing."""
    if response.status_code >= 400 or response.streaming or _is_wall(response):
        return None
    if len(response.content) > LARGEST:
        return None
    key = request.session.session_key
    if key and key != before:
        request.session.save()  # whoever gets the answer once more must find the session whole
    return {
        "status": response.status_code,
        "headers": {
            name: response.headers[name]
            for name in ("Location", "Content-Type", "Cache-Control", "HX-Redirect")
            if name in response.headers
        },
        "body": base64.b64encode(response.content).decode(),
        "session": key if key != before else "",
    }


def _is_wall(response: HttpResponse) -> bool:
    return response.headers.get("Location", "").startswith(("/sign-in/", "/admin/login/"))


def _opened(request: HttpRequest, sealed: bytes, token: str) -> HttpResponse | None:
    try:
        told = json.loads(browser_seals.unseal(sealed, secret=token, place="sending"))
    except CannotUnseal:
        return None
    response = HttpResponse(base64.b64decode(told["body"]), status=told["status"], headers=told["headers"])
    if told["session"]:
        _same_session(request, response, told["session"])
    return response


def _same_session(request: HttpRequest, response: HttpResponse, key: str) -> None:
    """The session that the first sending opened: its own answer may never have reached the browser."""
    store: Any = type(request.session)
    request.session = store(key)
    request.session.peeking = True  # type: ignore[attr-defined]
    response.set_cookie(
        settings.SESSION_COOKIE_NAME,
        key,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=cast("Literal['Lax']", settings.SESSION_COOKIE_SAMESITE),
    )


def over(now: datetime) -> Any:
    """The rows that are past their time."""
    return Sending.objects.filter(begun_at__lt=now - HOLDS)
