"""Which page has the form: where a reader goes who cannot stay at an address that only takes what a form sends.

An address that only takes POST names the page with its form (`posts`). Language switch, sign-in, error pages and
forms that came too late all lead there.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, resolve, reverse
from django.utils import translation
from django.views.decorators.http import require_POST

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
KEPT = "kept"
"""In the query of a page: which form waits to be filled in again (`identity.forms.kept`)."""

View = TypeVar("View", bound=Callable[..., HttpResponse])


def posts(page: str) -> Callable[[View], View]:
    """As `require_POST`; `page` is the URL name of the page with the form, which may take arguments of this one."""

    def mark(view: View) -> View:
        guarded: Any = require_POST(view)
        guarded.form_page = page
        return guarded  # type: ignore[no-any-return]

    return mark


def declared_page(match: ResolverMatch | None) -> str:
    """The URL name that `posts` gave to this view; "" for one that answers GET itself."""
    return str(getattr(match.func, "form_page", "")) if match else ""


def address(request: HttpRequest) -> str:
    """This page, to be opened by GET: its own address, or that of the page with the form."""
    match = request.resolver_match
    name = declared_page(match)
    if not name or match is None:
        return without_kept(request.get_full_path())
    for arguments in (match.kwargs, {}):
        try:
            return reverse(name, kwargs=arguments)
        except NoReverseMatch:
            continue
    return "/"


def before(request: HttpRequest) -> str:
    """The page that a form was sent from, as the browser tells, or else `address`."""
    own = f"{request.scheme}://{request.get_host()}/"
    told = request.headers.get("Referer", "")
    path = f"/{told.removeprefix(own)}" if told.startswith(own) else ""
    return without_kept(path) if path and _answers_get(path) else address(request)


def _answers_get(path: str) -> bool:
    match = resolved(urlsplit(path).path)
    return match is not None and not declared_page(match)


def resolved(path: str) -> ResolverMatch | None:
    """The view of an address in whichever language it is."""
    with translation.override(translation.get_language_from_path(path) or "ja"):
        try:
            return resolve(path)
        except Resolver404:
            return None


def without_kept(path: str) -> str:
    """The address without the mark of a form that waits."""
    parts = urlsplit(path)
    if KEPT not in parts.query:
        return path
    query = QueryDict(parts.query, mutable=True)
    query.pop(KEPT, None)
    return parts._replace(query=query.urlencode()).geturl()


def with_kept(path: str, mark: str) -> str:
    """The address with the mark of a form that waits."""
    parts = urlsplit(without_kept(path))
    query = QueryDict(parts.query, mutable=True)
    query[KEPT] = mark
    return parts._replace(query=query.urlencode()).geturl()
