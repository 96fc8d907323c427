"""Pages that answer when something went wrong: each status a page of the product in the reader's language.

Whatever a view or a library answers without a page of its own (an empty 405, a plain 400) becomes one here, for
people with a browser; programs get what they got before. The status and its headers stay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from core.forms import form_pages
from core.region import theme
from core.region.current import current_region
from core.texts import pick

LANGUAGES = ("ja", "en", "ja-simple")
PAGES = frozenset({400, 403, 405, 413, 429, 503})
"""404 and 500 come through handlers, with a page already."""
MACHINES = frozenset({"identity", "gadgets_wire"})
"""Namespaces of addresses that stand in no language."""
TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says."""

    title: str
    message: str


def _words(status: int) -> Words:
    return {
        400: Words(_("送られた内容を読めませんでした"), _("住所（URL）か、送られた内容に誤りがあります。")),
        403: Words(
            _("このページは開けません"), _("このページを開く権限がありません。何も変わっていません。")
        ),
        404: Words(_("ページが見つかりません"), _("住所（URL）がちがうか、掲載が終わったページです。")),
        405: Words(
            _("ここは、入力を送るための住所です"),
            _("この住所（URL）は、直接は開けません。何も変わっていません。"),
        ),
        413: Words(
            _("送られた内容が大きすぎます"),
            _("何も受け取っていません。文章を短くするか、小さいファイルにして、もう一度お試しください。"),
        ),
        429: Words(
            _("少し待ってください"),
            _("短いあいだに何度も試されたため、止めています。少し待ってから、もう一度お試しください。"),
        ),
        500: Words(
            _("ただいま表示できません"), _("こちらの不具合です。少し待ってから、もういちど開いてください。")
        ),
        503: Words(_("ただいま使えません"), _("しばらくしてから、もう一度お試しください。")),
    }[status]


# --- the reader's language -----------------------------------------------------------------------------------


def language(request: HttpRequest, *, editors: bool = True) -> str:
    """That of the address; where an address has none, of the page before it, of the editor, or of the browser.

    An editor's own choice stands in the database: `editors=False` does without.
    """
    named = translation.get_language_from_path(request.path_info)
    if named in LANGUAGES:
        return named
    if not _has_no_language(request):
        return "ja"
    for asked in request.GET.get("ui_locales", "").split():
        if asked in LANGUAGES:
            return asked
    before = urlsplit(request.headers.get("Referer", ""))
    if before.netloc == request.get_host():
        return translation.get_language_from_path(before.path) or "ja"
    return (_of_the_editor(request) if editors else "") or _of_the_browser(request)


def _has_no_language(request: HttpRequest) -> bool:
    """Whether this address is none of those that stand in each language."""
    match = form_pages.resolved(request.path_info)
    if match is None or request.path_info.startswith("/admin/"):
        return True
    return not MACHINES.isdisjoint(match.namespaces) or (match.url_name or "").startswith("id_")


def _of_the_editor(request: HttpRequest) -> str:
    profile = getattr(getattr(request, "user", None), "wagtail_userprofile", None)
    chosen = profile.preferred_language if profile and request.path_info.startswith("/admin/") else ""
    return chosen if chosen in LANGUAGES else ""


def _of_the_browser(request: HttpRequest) -> str:
    for wanted in request.headers.get("Accept-Language", "").lower().split(","):
        code = wanted.partition(";")[0].strip().partition("-")[0]
        if code in {"ja", "en"}:
            return code
    return "ja"


# --- pages ---------------------------------------------------------------------------------------------------


def page(request: HttpRequest, status: int) -> HttpResponse:
    """The page of this status; 405 leads to the page with the form."""
    with translation.override(language(request)):
        found = _words(status)
        context: dict[str, Any] = {"title": found.title, "message": found.message}
        if status == HTTPStatus.METHOD_NOT_ALLOWED and not getattr(request, "id_site", False):
            context["form_url"] = form_pages.address(request)
        return render(request, "errors/problem.html", context, status=status)


def expired_page(request: HttpRequest) -> HttpResponse:
    """403 for a form whose token is missing, or another page's: nothing was changed, and there is the form."""
    with translation.override(language(request)):
        context = {
            "title": _("送信できませんでした"),
            "message": _(
                "時間がたったか、クッキーが使えないため、送信を受けつけませんでした。何も変わっていません。"
            ),
            "form_url": form_pages.before(request),
        }
        return render(request, "errors/problem.html", context, status=HTTPStatus.FORBIDDEN)


def bare_page(request: HttpRequest, status: int) -> HttpResponse:
    """A page that needs neither database nor session, because one of them may be what failed."""
    with translation.override(language(request, editors=False)):
        found = _words(status)
        context = {
            "title": found.title,
            "message": found.message,
            "html_lang": "en" if translation.get_language() == "en" else "ja",
            "region_name": pick(current_region().portal_name, translation.get_language() or "ja"),
            "region_digest": theme.digest(),
            "portal_url": settings.PORTAL_URL,
        }
        return HttpResponse(render_to_string("errors/bare.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400; what is larger than the portal takes is 413."""
    return page(request, 413 if isinstance(exception, TOO_MUCH) else 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """403."""
    return page(request, 403)


def not_found(
    request: HttpRequest,
    exception: Exception | None = None,  # noqa: ARG001
    **_place: object,
) -> HttpResponse:
    """404: the address is unknown, closed to everybody, or the page has ended."""
    return page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    return bare_page(request, 500)


# --- what has no page ----------------------------------------------------------------------------------------


def wants_page(request: HttpRequest) -> bool:
    """Whether a person with a browser waits for a page: no script, no program."""
    whole = request.headers.get("Sec-Fetch-Dest", "document") in {"document", "iframe", "frame"}
    return whole and "text/html" in request.headers.get("Accept", "")


class ProblemMiddleware:
    """Gives a page to every refusal that has none. Stands inside the session, so that the page knows who reads it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code not in PAGES or response.streaming or not wants_page(request):
            return response
        kind = response.headers.get("Content-Type", "")
        if response.content and not kind.startswith("text/plain"):
            return response
        drawn = page(request, response.status_code)
        response.content, response.headers["Content-Type"] = drawn.content, drawn.headers["Content-Type"]
        response.headers.pop("Content-Length", None)
        return response
