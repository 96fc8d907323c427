"""The provider's console: organisations, registration by URL, each check's line, review, the client's secret."""

import re
from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.forms.form_pages import posts
from core.sentences import sentence
from gadgets import actions, queries, words
from gadgets.errors import GadgetError
from gadgets.metrics import recent_faults
from gadgets.queries import GadgetView
from gadgets.web import refused, signed_in, tell
from identity import queries as identity_queries
from identity.errors import IdentityError
from identity.forms.sendings import sent_once


@require_safe
@never_cache
def console(request: HttpRequest) -> HttpResponse:
    """My organisations and their gadgets; a guest reads what this is and signs in."""
    return _console(request, identity_queries.current_resident(request))


def _console(
    request: HttpRequest, resident_id: UUID | None, *, problem: str = "", url: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "signed_in_here": resident_id is not None,
        "organisations": queries.organisations(resident_id) if resident_id else (),
        "kinds": words.KINDS,
        "problem": problem,
        "url": url,
    }
    return render(request, "gadgets/console.html", context, status=status)


@posts("gadgets:console")
@signed_in
@sent_once
def create_organisation(request: HttpRequest, resident_id: UUID) -> HttpResponse:
    """Anyone signed in may create one."""
    try:
        actions.create_organisation(
            name=request.POST.get("name", ""),
            kind=request.POST.get("kind", ""),
            contact=request.POST.get("contact", ""),
            by=identity_queries.actor_in(request),
        )
    except GadgetError as error:
        return _console(request, resident_id, problem=tell(error), status=422)
    messages.success(request, _("組織を登録しました。"))
    return HttpResponseRedirect(reverse("gadgets:console"))


@posts("gadgets:console")
@signed_in
@sent_once
def register(request: HttpRequest, resident_id: UUID) -> HttpResponse:
    """Fetches the manifest and files it; the checks then run behind this request."""
    url = request.POST.get("url", "").strip()
    number = request.POST.get("provider", "")
    if re.fullmatch(r"[0-9]{1,18}", number) is None:
        raise Http404
    try:
        gadget_id = actions.register(url=url, provider_id=int(number), by=identity_queries.actor_in(request))
    except GadgetError as error:
        return _console(request, resident_id, problem=tell(error), url=url, status=422)
    messages.success(request, _("マニフェストを登録しました。自動検査を始めます。"))
    return HttpResponseRedirect(reverse("gadgets:provider_gadget", args=[gadget_id]))


def _mine(gadget_id: str, resident_id: UUID) -> GadgetView:
    view = queries.gadget_for_member(gadget_id, resident_id)
    if view is None:
        raise Http404
    return view


@require_safe
@never_cache
@signed_in
def detail(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """Everything about one gadget of mine: where it stands, the checks, the reviewer's words, its fetches."""
    return _detail(request, _mine(gadget_id, resident_id))


def again(request: HttpRequest, resident_id: UUID, gadget_id: str, **more: object) -> HttpResponse:
    """The page of a gadget with a form that could not be taken: what was typed, and what is wrong with it."""
    return _detail(request, _mine(gadget_id, resident_id), status=422, **more)


def _detail(request: HttpRequest, view: GadgetView, *, status: int = 200, **more: object) -> HttpResponse:
    fetched = view.published and view.published.manifest and view.published.manifest.endpoints.card
    context = {"view": view, "outcomes": recent_faults.recent(view.id) if fetched else None, **more}
    return render(request, "gadgets/provider_gadget.html", context, status=status)


@require_safe
@never_cache
@signed_in
def checks(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """The report alone, for the page's script, which asks again while the run is open."""
    view = _mine(gadget_id, resident_id)
    response = render(request, "gadgets/report.html", {"view": view})
    if view.current is None or view.current.run is None or not view.current.run.open:
        response["HX-Refresh"] = "true"  # what can be done next stands on the whole page
    return response


@posts("gadgets:provider_gadget")
@never_cache
@signed_in
@sent_once
def say(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """A message to the operators."""
    _mine(gadget_id, resident_id)
    try:
        actions.say(
            gadget_id=gadget_id,
            text=request.POST.get("text", ""),
            by=identity_queries.actor_in(request),
        )
    except GadgetError as error:
        refused(request, error)
    else:
        messages.success(request, _("送りました。"))
    return HttpResponseRedirect(f"{reverse('gadgets:provider_gadget', args=[gadget_id])}#notes-heading")


@posts("gadgets:provider_gadget")
@never_cache
@signed_in
@sent_once
def step(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """One step: `step` is check, submit, refresh, retire or secret."""
    _mine(gadget_id, resident_id)
    by = identity_queries.actor_in(request)
    if request.POST.get("step") == "secret":
        return _secret(request, resident_id, gadget_id)
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "check": (lambda: actions.run_checks(gadget_id=gadget_id, by=by), _("自動検査を始めます。")),
        "submit": (lambda: actions.submit(gadget_id=gadget_id, by=by), _("審査を申し込みました。")),
        "refresh": (
            lambda: actions.refresh(gadget_id=gadget_id, by=by),
            _("新しいマニフェストを読み込みました。自動検査を始めます。"),
        ),
        "retire": (lambda: actions.retire(gadget_id=gadget_id, by=by), _("サービスを終了しました。")),
    }
    found = steps.get(request.POST.get("step", ""))
    if found is None:
        raise Http404
    change, told = found
    try:
        change()
    except GadgetError as error:
        refused(request, error)
    else:
        messages.success(request, told)
    return HttpResponseRedirect(reverse("gadgets:provider_gadget", args=[gadget_id]))


def _secret(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """The new secret is in this one answer and nowhere else."""
    try:
        credentials = actions.rotate_secret(gadget_id=gadget_id, by=identity_queries.actor_in(request))
    except GadgetError as error:
        refused(request, error)
        return HttpResponseRedirect(reverse("gadgets:provider_gadget", args=[gadget_id]))
    except IdentityError as error:
        messages.error(request, sentence(error))
        return HttpResponseRedirect(reverse("gadgets:provider_gadget", args=[gadget_id]))
    return _detail(request, _mine(gadget_id, resident_id), credentials=credentials)
