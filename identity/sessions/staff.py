"""Staff act only after a second factor: their roles count in a session whose sign-in had one, and in no other.

The admin opens for nobody without it; everywhere else somebody with a staff role is a resident like any other until
the session is proven. A decision that harms when a stranger takes it also wants a proof of the last minutes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from identity.domain.roles import STAFF_ROLES
from identity.forms import kept
from identity.models import Resident
from identity.sessions import person, portal_sessions

ADMIN = "/admin/"
_OPEN = ("/admin/login/", "/admin/logout/")
_ENTRY = "wagtailadmin.access_admin"


def is_staff(resident: Resident) -> bool:
    """Whether this account has rights that a second factor must protect."""
    return bool(STAFF_ROLES.intersection(resident.roles)) or resident.has_perm(_ENTRY)


def step_up(target: str) -> HttpResponseRedirect:
    """To the ID, which asks for the second factor and leads back to `target`."""
    query = {"second": "1", "next": target}
    return HttpResponseRedirect(f"{reverse('identity:signin')}?{urlencode(query)}")


def back(request: HttpRequest, default: str = ADMIN) -> str:
    """Where a proof leads back to: this page, or for a form that was sent the page it stood on."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    own = f"{request.scheme}://{request.get_host()}/"
    before = request.headers.get("Referer", "")
    path = f"/{before.removeprefix(own)}" if before.startswith(own) else ""
    return path if path and url_has_allowed_host_and_scheme(path, allowed_hosts=None) else default


View = Callable[..., HttpResponse]


def fresh_proof(view: View) -> View:
    """For decisions: both factors were proven in the last minutes, else they are proven now and nothing is sent."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not person.has_second_factor(request):
            return step_up(back(request))
        if portal_sessions.fresh(request):
            return view(request, *args, **kwargs)
        if request.method not in {"GET", "HEAD"}:
            messages.warning(
                request,
                _(
                    "まだ送っていません。大切な決定の前に、ご本人であることを確かめました。もう一度送ってください。"
                ),
            )
        # The session has the second factor already, so sign-in asks for both again.
        return kept.to_sign_in(request, fresh=True)

    return guarded


class StaffMiddleware:
    """Nothing below `/admin/` answers to a session without a second factor; who has no desk is told so there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(ADMIN) and request.path_info not in _OPEN:
            user = None if person.has_second_factor(request) else request.user
            if isinstance(user, Resident) and is_staff(user):
                return step_up(back(request))
        return self.get_response(request)
