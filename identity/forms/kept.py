"""Forms that came when nobody was signed in any more, or were refused: kept sealed for half an hour, filled in again.

Every form says whom it was drawn for (`drawn_for`, added by `{% csrf_token %}`): what one person typed is never
shown to another one who signs in next. Secrets and files are not kept. The row is sealed with a secret that only
the browser holds. Where nothing can be kept, the page says plainly that nothing was sent.
"""

import json
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare, salted_hmac

from core import problems
from core.forms import fill_forms, form_pages
from identity.errors import CannotUnseal
from identity.forms import browser_seals, sendings
from identity.household import authority
from identity.models import KeptForm
from identity.sessions.person import KEY

FIELD = "drawn_for"
HOLDS = timedelta(minutes=30)
LARGEST = 100_000
"""Characters of one form; what is longer is not kept."""
PER_PERSON = 5
NOTHING = "0"
"""In place of a mark: nothing was kept, and the page says only that nothing was sent."""
SECRET = re.compile(
    r"(^|[-_])(old|new)?(pass(word|wd)?\d*|secret|token|code|otp|pin|number)($|[-_])", re.IGNORECASE
)
"""Names of fields that are not kept: passwords, one-time codes, the number of a person at a desk."""
WALLS = ("/sign-in/", "/admin/login/")
_SECRET_OF_BROWSER = re.compile(r"[A-Za-z0-9_-]{32}")
_MAIN = re.compile(rb"<main\b[^>]*>")


# --- whom a form was drawn for -------------------------------------------------------------------------------


def drawn_for(request: HttpRequest) -> str:
    """What a form carries: the person (and the ward) it is drawn for, as a number that says nothing; "" for a guest."""
    session = getattr(request, "session", None) or {}
    resident = session.get(KEY, "")
    if not resident:
        return ""
    mark = salted_hmac(
        "drawn-for", f"{resident}:{session.get(authority.FOR, '')}", algorithm="sha256"
    ).hexdigest()[:24]
    return f"{mark}.{_proof(mark)}"


def _proof(mark: str) -> str:
    return salted_hmac("drawn-for-proof", mark, algorithm="sha256").hexdigest()[:24]


def _is_ours(mark: str) -> bool:
    person, _, proof = mark.partition(".")
    return bool(person) and constant_time_compare(proof, _proof(person))


# --- at the wall ---------------------------------------------------------------------------------------------


def to_sign_in(request: HttpRequest, *, fresh: bool = False) -> HttpResponse:
    """To sign-in and back to this page; a form that was sent is kept, and filled in again on its page."""
    if request.method in form_pages.SAFE:
        return _sign_in(request.get_full_path(), fresh=fresh)
    if not is_whole_page(request):
        return _sign_in(form_pages.before(request), fresh=fresh)
    mark, page = _keep(request, form_pages.before(request))
    response = _sign_in(page, fresh=fresh)
    _give_secret(request, response, mark)
    return response


def _sign_in(target: str, *, fresh: bool) -> HttpResponse:
    query = {**({"fresh": "1"} if fresh else {}), "next": target}
    return HttpResponseRedirect(f"{reverse('identity:signin')}?{urlencode(query)}")


def too_old(request: HttpRequest) -> HttpResponse | None:
    """The answer to a form of ours whose token is of an older page; None for one that may be another site's."""
    if not is_whole_page(request) or not _is_of_this_site(request):
        return None
    mark, page = _keep(request, form_pages.before(request))
    response = HttpResponseRedirect(page)
    response.status_code = HTTPStatus.SEE_OTHER
    _give_secret(request, response, mark)
    return response


def is_whole_page(request: HttpRequest) -> bool:
    """Whether the browser shows the answer to this form as a page, and no script waits for it."""
    whole = request.headers.get("Sec-Fetch-Dest", "document") in {"document", "iframe", "frame"}
    return whole and "X-Requested-With" not in request.headers and "HX-Request" not in request.headers


def _is_of_this_site(request: HttpRequest) -> bool:
    site, own = request.headers.get("Sec-Fetch-Site"), f"{request.scheme}://{request.get_host()}"
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == own
    return request.headers.get("Referer", "").startswith(f"{own}/")


def _typed(request: HttpRequest) -> tuple[dict[str, list[str]], bool]:
    """(what may be filled in again, whether anything secret was left out)."""
    names = [name for name in request.POST if name not in {sendings.TOKEN, FIELD, form_pages.KEPT}]
    values = {name: request.POST.getlist(name) for name in names if not SECRET.search(name)}
    return values, len(values) < len(names)


def _keep(request: HttpRequest, page: str, *, refused: bool = False) -> tuple[str, str]:
    """(the mark, the page with the form and the mark in its address)."""
    sent_for = request.POST.get(FIELD, "")
    values, secret_ones = _typed(request)
    kept = {
        "for": sent_for,
        "action": request.path,
        "values": values,
        "secrets": secret_ones,
        "files": bool(request.FILES),
        "refused": refused,
    }
    raw = json.dumps(kept)
    if not _is_ours(sent_for) or len(raw) > LARGEST:
        return NOTHING, form_pages.with_kept(page, NOTHING)
    mark, secret = secrets.token_urlsafe(12), _secret(request)
    person = sha256(sent_for.encode()).hexdigest()
    KeptForm.objects.create(
        digest=_digest(mark, secret),
        person=person,
        sealed=browser_seals.seal(raw.encode(), secret=secret, place="kept-form"),
    )
    newest = (
        KeptForm.objects.filter(person=person).order_by("-kept_at").values_list("pk", flat=True)[:PER_PERSON]
    )
    KeptForm.objects.filter(person=person).exclude(pk__in=list(newest)).delete()
    return mark, form_pages.with_kept(page, mark)


def _secret(request: HttpRequest) -> str:
    """This browser's secret; a new one where it has none, the same for the whole of this request."""
    sent = request.COOKIES.get(settings.KEPT_COOKIE_NAME, "")
    if not _SECRET_OF_BROWSER.fullmatch(sent):
        sent = request.COOKIES[settings.KEPT_COOKIE_NAME] = secrets.token_urlsafe(24)
    return sent


def _give_secret(request: HttpRequest, response: HttpResponse, mark: str) -> None:
    if mark == NOTHING:
        return
    response.set_cookie(
        settings.KEPT_COOKIE_NAME,
        _secret(request),
        max_age=int(HOLDS.total_seconds()),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _digest(mark: str, secret: str) -> str:
    return sha256(f"{mark}.{secret}".encode()).hexdigest()


# --- refused -------------------------------------------------------------------------------------------------


def refused(request: HttpRequest) -> None:
    """Marks this form as refused with a message on the next page: there it stands again as it was typed."""
    request.was_refused = True  # type: ignore[attr-defined]


def _stays_typed(request: HttpRequest, response: HttpResponse) -> None:
    """A form that is refused keeps what was typed, in this answer (422) or on the page that this one leads to."""
    if not is_whole_page(request):
        return
    where = response.headers.get("Location", "")
    if getattr(request, "was_refused", False) and where.startswith("/") and not where.startswith("//"):
        mark, page = _keep(request, where, refused=True)
        if mark != NOTHING:
            response.headers["Location"] = page
            _give_secret(request, response, mark)
    elif response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and _is_html(response):
        page, _form, count = fill_forms.fill(
            response.content.decode(), path=request.path, action=request.path, values=_typed(request)[0]
        )
        if count:
            response.content = page.encode()
            response.headers.pop("Content-Length", None)


def _is_html(response: HttpResponse) -> bool:
    return not response.streaming and response.headers.get("Content-Type", "").startswith("text/html")


# --- back on the page ----------------------------------------------------------------------------------------


def fill(request: HttpRequest, response: HttpResponse) -> None:
    """Fills the form of this page with what was kept for it, and says above it what became of the sending."""
    where = response.headers.get("Location", "")
    if where.startswith("/") and not where.startswith(("//", *WALLS)):
        response.headers["Location"] = form_pages.with_kept(where, request.GET[form_pages.KEPT])
    if where or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or not _is_html(response):
        return
    told: dict[str, Any] = {"state": "unsent"}
    if drawn_for(request):
        told = _filled(request, response, request.GET.get(form_pages.KEPT, ""))
    response.headers["Cache-Control"] = "private, no-store"
    if told["state"] == "refused":
        return
    with translation.override(translation.get_language() or "ja"):
        notice = render_to_string("identity/kept_form.html", told).encode()
    response.content = _MAIN.sub(lambda found: found[0] + notice, response.content, count=1)
    response.headers.pop("Content-Length", None)


def _filled(request: HttpRequest, response: HttpResponse, mark: str) -> dict[str, Any]:
    if mark == NOTHING:
        return {"state": "unsent"}
    kept = _opened(request, mark)
    if kept is None:
        return {"state": "gone"}
    if kept["for"] != drawn_for(request):
        KeptForm.objects.filter(digest=_digest(mark, _secret(request))).delete()
        return {"state": "another"}
    told = {"secrets": kept["secrets"], "files": kept["files"]}
    if _is_page_editor(request):
        return {"state": "editor", **told}
    page, form, count = fill_forms.fill(
        response.content.decode(),
        path=request.path,
        action=kept["action"],
        values=kept["values"],
        mark=(form_pages.KEPT, mark),
    )
    response.content = page.encode()
    response.headers.pop("Content-Length", None)
    if kept.get("refused"):
        return {"state": "refused"}
    if count:
        return {"state": "filled", "form": form, **told}
    return {"state": "press" if form else "unsent", "form": form, **told}


def _is_page_editor(request: HttpRequest) -> bool:
    """Wagtail's editors hold their texts in scripts, which nothing here fills in; they save by themselves."""
    match = request.resolver_match
    return match is not None and "wagtailadmin_pages" in match.namespaces


def _opened(request: HttpRequest, mark: str) -> dict[str, Any] | None:
    row = KeptForm.objects.filter(
        digest=_digest(mark, _secret(request)), kept_at__gt=timezone.now() - HOLDS
    ).first()
    if row is None:
        return None
    try:
        raw = browser_seals.unseal(bytes(row.sealed), secret=_secret(request), place="kept-form")
    except CannotUnseal:
        return None
    kept: dict[str, Any] = json.loads(raw)
    return kept


def over(now: datetime) -> Any:
    """The rows that are past their time."""
    return KeptForm.objects.filter(kept_at__lt=now - HOLDS)


def _was_sent(request: HttpRequest) -> None:
    """The form that was filled in again has arrived."""
    mark = request.POST.get(form_pages.KEPT, "")
    if mark and settings.KEPT_COOKIE_NAME in request.COOKIES:
        KeptForm.objects.filter(digest=_digest(mark, _secret(request))).delete()


# --- around every request ------------------------------------------------------------------------------------


class FormsMiddleware:
    """Runs what makes something once for each sending; keeps what comes too late, and fills it in again.

    Stands inside the session, the form token and the person.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method in form_pages.SAFE:
            if form_pages.KEPT in request.GET:
                fill(request, response)
        else:
            if form_pages.KEPT in request.POST and response.status_code < HTTPStatus.BAD_REQUEST:
                _was_sent(request)
            if request.method == "POST":
                _stays_typed(request, response)
        return self._from_the_desk(request, response)

    def _from_the_desk(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Wagtail's own wall leads back to the address of the form, which GET does not open."""
        to_the_desk = response.headers.get("Location", "").startswith(WALLS[1])
        if to_the_desk and request.method not in form_pages.SAFE:
            return to_sign_in(request)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not sendings.applies(request, view):
            return None
        return sendings.once(request, lambda: view(request, *args, **kwargs))


def csrf_failed(request: HttpRequest) -> HttpResponse:
    """The page for a form whose token is not this browser's, with the way to the form."""
    answer = too_old(request)
    if answer is not None:
        return answer
    return problems.expired_page(request)
