"""The page that holds a provider's frame, and the tokens that the frame asks for through its port."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.forms.form_pages import posts
from core.sentences import sentence
from gadgets import queries, words
from gadgets.errors import (
    FrameChangedError,
    FrameGoneError,
    GadgetError,
    LocalOnlyError,
    MaintenanceError,
    TooManyTokensError,
)
from gadgets.frames import frame_tokens
from gadgets.frames.frame_tokens import Framed
from gadgets.layout.views import ended
from gadgets.operation import rollout
from gadgets.types import FrameSpec, Setting
from gadgets.web import retry_after
from identity import queries as identity_queries
from identity.errors import ActingEnded, IdentityError
from identity.household import authority

PERMISSIONS = ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
"""What pages of the portal deny by name; the rest of what a frame may declare is denied to frames by default."""
_STATUS = {
    FrameGoneError: HTTPStatus.GONE,
    FrameChangedError: HTTPStatus.CONFLICT,
    LocalOnlyError: HTTPStatus.FORBIDDEN,
    MaintenanceError: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyTokensError: HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(frozen=True, slots=True)
class FrameBox:
    """What the template draws and the script is told; nothing in it is a value of the resident's."""

    found: Framed

    @property
    def spec(self) -> FrameSpec:
        return self.found.spec

    @property
    def origin(self) -> str:
        return self.found.origin

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def sandbox(self) -> str:
        return frame_tokens.SANDBOX

    @property
    def allow(self) -> str:
        return "; ".join(f"{name} {self.origin}" for name in self.spec.permissions)

    @property
    def links(self) -> str:
        return json.dumps(self.found.gadget.link_origins)

    @property
    def locale(self) -> str:
        return self.found.wanted.locale

    @property
    def granted(self) -> tuple[str, ...]:
        return self.found.wanted.granted

    @property
    def context(self) -> str:
        wanted = self.found.wanted
        return json.dumps(
            {
                "protocol": "1.0",
                "locale": wanted.locale,
                "timeZone": settings.TIME_ZONE,
                "settings": dict(wanted.settings),
                "granted": list(wanted.granted),
            },
            ensure_ascii=False,
        )


@require_safe
@never_cache
def frame(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """The frame on a page of its own; without JavaScript, or when it may not be used now, what else there is."""
    resident_id = authority.subject(request)
    bundle = identity_queries.bundle(resident_id) if resident_id else None
    now = timezone.now()
    try:
        found = frame_tokens.framed(
            gadget_id, bundle=bundle, locale=words.locale(), chosen=_chosen(resident_id, gadget_id), now=now
        )
    except FrameGoneError:
        return _without(request, gadget_id)
    problem, box = "", FrameBox(found)
    try:
        frame_tokens.usable(found, bundle=bundle, now=now)
    except (LocalOnlyError, MaintenanceError) as error:
        problem = sentence(error)
    asks = bundle is not None and not bundle.protected and bool(rollout.question(found.asks, bundle))
    context = {
        "gadget": found.gadget,
        "frame": None if problem else box,
        "problem": problem,
        "asks": asks,
        "local_only": bundle is not None and not found.gadget.serves(bundle.home_region),
    }
    response = render(request, "gadgets/framed.html", context)
    if not problem:
        response._csp_update = {"frame-src": [box.origin]}  # type: ignore[attr-defined]
        response.headers["Permissions-Policy"] = permissions_policy(found.spec, box.origin)
    return response


def permissions_policy(spec: FrameSpec, origin: str) -> str:
    """As on every page, but for what this frame declares: that is its origin's, and ours to hand on."""
    names = [*PERMISSIONS, *(name for name in spec.permissions if name not in PERMISSIONS)]
    return ", ".join(
        f'{name}=(self "{origin}")' if name in spec.permissions else f"{name}=()" for name in names
    )


def _without(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """A gadget that is over says so; one that has no frame, or is suspended, is not found."""
    if gadget_id in queries.registry().gadgets:
        raise Http404
    return ended(request, gadget_id)


def _chosen(resident_id: UUID | None, gadget_id: str) -> dict[str, Setting]:
    placed = queries.placement(resident_id, gadget_id) if resident_id else None
    return dict(placed.settings) if placed else {}


@posts("gadgets:frame")
@never_cache
def token(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """One token as JSON: `token`, `expires_in`, `granted`; else `code`, `message` and whether the frame is `over`.

    A frame that asks is no use of the session by a person: it does not prolong it.
    """
    request.session.peeking = True  # type: ignore[attr-defined]
    locale = request.POST.get("locale", "")
    if locale not in dict(settings.LANGUAGES):
        locale = words.locale()
    with translation.override(locale):
        try:
            resident_id = authority.subject(request)
            found = frame_tokens.release(
                gadget_id,
                resident_id=resident_id,
                counted_as=str(resident_id or request.META.get("CSRF_COOKIE", "")),
                origin=request.POST.get("origin", ""),
                locale=locale,
                chosen=_chosen(resident_id, gadget_id),
                now=timezone.now(),
            )
        except GadgetError as error:
            status = _STATUS.get(type(error), HTTPStatus.SERVICE_UNAVAILABLE)
            said = _said(error.code, sentence(error), status, over=not error.retry)
            return retry_after(said, error.seconds)
        except ActingEnded as error:
            return _said("acting_ended", sentence(error), HTTPStatus.CONFLICT, over=True)
        except IdentityError:
            unsaid = GadgetError()
            return _said("identity", sentence(unsaid), HTTPStatus.SERVICE_UNAVAILABLE, over=False)
    return JsonResponse(
        {"token": found.token, "expires_in": frame_tokens.TOKEN_SECONDS, "granted": list(found.granted)}
    )


def _said(code: str, message: str, status: HTTPStatus, *, over: bool) -> JsonResponse:
    return JsonResponse({"code": code, "message": message, "over": over}, status=status)
