"""Who asks. Each host has its own answer, its own session cookie, and no trust in the other's.

On the portal's host nobody is a user but the resident whose regional session this is. On the host of the embedded
ID it is whoever signed in there, which is Django's own session authentication.
"""

from http.cookies import SimpleCookie
from uuid import UUID

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from identity.models import Resident

KEY = "_resident"
"""In the data of a portal's session: the resident whose session it is."""
SECOND_FACTOR = "_second_factor"
"""In the data of a portal's session: the sign-in had a second factor."""


def signed_in(request: HttpRequest) -> bool:
    """Whether somebody is signed in, without a query of its own; a drawn shell of the home has no id to say."""
    return KEY in getattr(request, "session", {})


def current_resident(request: HttpRequest) -> UUID | None:
    """The resident whose session this is, without a query of its own; None for a guest."""
    raw = request.session.get(KEY)
    try:
        return UUID(raw) if raw else None
    except ValueError:
        return None


def has_second_factor(request: HttpRequest) -> bool:
    """Whether the sign-in of this session had a second factor; without it no role of staff counts."""
    return request.session.get(SECOND_FACTOR) is True


def user_of(request: HttpRequest) -> Resident | AnonymousUser:
    """The resident of this session as Django's user: one query. A closed account is nobody."""
    resident_id = current_resident(request)
    found = (
        Resident.objects.filter(pk=resident_id, is_active=True, erase_at=None).first()
        if resident_id is not None
        else None
    )
    return found or AnonymousUser()


class HostSessionMiddleware(SessionMiddleware):
    """Django's, with another name of the cookie on the ID's host: what one host gave, the other does not read."""

    def process_request(self, request: HttpRequest) -> None:
        if getattr(request, "id_site", False):
            own = request.COOKIES.get(settings.ID_SESSION_COOKIE_NAME)
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
            if own is not None:
                request.COOKIES[settings.SESSION_COOKIE_NAME] = own
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        answer = super().process_response(request, response)
        if getattr(request, "id_site", False):
            _rename(answer.cookies, settings.SESSION_COOKIE_NAME, settings.ID_SESSION_COOKIE_NAME)
        return answer


def _rename(cookies: SimpleCookie, name: str, new: str) -> None:
    morsel = cookies.pop(name, None)
    if morsel is not None:
        morsel.set(new, morsel.value, morsel.coded_value)
        dict.__setitem__(cookies, new, morsel)


class PersonMiddleware(AuthenticationMiddleware):
    """Sets `request.user`, looked up at its first use; every check of rights begins with it."""

    def process_request(self, request: HttpRequest) -> None:
        if getattr(request, "id_site", False):
            super().process_request(request)
            return
        request.user = SimpleLazyObject(lambda: user_of(request))  # type: ignore[assignment]
