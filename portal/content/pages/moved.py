"""Addresses that no longer lead to their page: moved ones answer 301, those taken down 410 with the reason.

Both are kept without a language in the address, whatever language the editor works in: one entry serves all three.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from wagtail.contrib.redirects.models import Redirect
from wagtail.contrib.redirects.signal_handlers import create_redirects
from wagtail.models import Page, Site

from core.region_time import for_everybody
from portal.content.models import GonePage, HomePage


def slug_changed(instance: Page, instance_before: Page, **_kwargs: Any) -> None:
    """Connected to `page_slug_changed`."""
    _redirect(instance, instance_before)


def page_moved(instance: Page, url_path_before: str, url_path_after: str, **_kwargs: Any) -> None:
    """Connected to `post_page_move`; a new place among the same neighbours changes no address."""
    if url_path_before == url_path_after:
        return
    page = instance.specific
    before = type(page)()
    before.__dict__.update(page.__dict__)
    before.url_path = url_path_before
    _redirect(page, before)


def _redirect(page: Page, before: Page) -> None:
    with for_everybody(settings.LANGUAGE_CODE):
        create_redirects(page=page, page_old=before, sites=Site.objects.exclude(root_page=page))


def path_of(page: Page) -> str:
    """The page's address without a language."""
    root = HomePage.objects.values_list("url_path", flat=True).first() or "/"
    return "/" + str(page.url_path).removeprefix(root)


class MovedMiddleware:
    """Looks at answers 404 only, so that no page costs more for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 404 or request.method not in {"GET", "HEAD"}:
            return response
        if getattr(request, "id_site", False) or request.path_info.startswith("/admin/"):
            return response
        return answer(request) or response


def answer(request: HttpRequest) -> HttpResponse | None:
    """301 or 410 for an address that once led to a page; None for one that never did."""
    language = translation.get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
    prefix = f"/{language}"
    plain = (
        request.path_info.removeprefix(prefix)
        if request.path_info.startswith(f"{prefix}/")
        else request.path_info
    )
    with translation.override(language):
        target = _moved_to(request, plain)
        return _to(request, target) if target else _gone(request, plain)


def _to(request: HttpRequest, target: str) -> HttpResponse:
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(f"{target}?{query}" if query else target)


def _moved_to(request: HttpRequest, plain: str) -> str:
    paths = {Redirect.normalise_path(path) for path in (plain, request.path_info)}
    found = Redirect.get_for_site(Site.find_for_request(request)).filter(old_path__in=paths)
    for redirect in found.select_related("redirect_page").order_by("automatically_created", "-pk"):
        if redirect.redirect_page is not None and redirect.redirect_page.live:
            return str(redirect.link or "")
        if redirect.redirect_page is None and redirect.redirect_link:
            return str(redirect.redirect_link)
    return ""


def _gone(request: HttpRequest, plain: str) -> HttpResponse | None:
    path = plain if plain.endswith("/") else f"{plain}/"
    gone = GonePage.objects.select_related("target").filter(path=path).first()
    if gone is not None and gone.target is not None and gone.target.live:
        return _to(request, str(gone.target.specific.get_url(request)))
    if gone is None and not _ended(path):
        return None
    return render(request, "content/gone.html", {"gone": gone}, status=410)


def _ended(path: str) -> bool:
    """Whether a page stood here until its own time was over; it needs no other reason."""
    root = HomePage.objects.values_list("url_path", flat=True).first() or "/"
    page = Page.objects.filter(url_path=root + path.removeprefix("/")).first()
    if page is None or page.first_published_at is None:
        return False
    over = [page.expire_at, getattr(page.specific, "valid_until", None)]
    return page.expired or any(at is not None and at <= timezone.now() for at in over)
