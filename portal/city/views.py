"""The operator's desk: which gadgets wait, what a manifest says in words, and every decision about one.

Who may decide is checked in `gadgets.actions`; the pages themselves are for operators only.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from wagtail.admin import messages

from core.forms.form_pages import posts
from core.region.current import current_region
from core.sentences import sentence
from gadgets import queries
from gadgets.cityos import queries as cityos_queries
from gadgets.errors import GadgetError, NoSuchGadgetError
from gadgets.operation.rollout import SHARES
from gadgets.review import decisions
from identity.domain.roles import OPERATOR, Actor
from identity.errors import NoSuchResident
from identity.forms.sendings import sent_once
from identity.queries import actor_in


def _actor(request: HttpRequest) -> Actor:
    try:
        return actor_in(request)
    except NoSuchResident as error:
        raise PermissionDenied from error


def is_operator(request: HttpRequest) -> bool:
    """Whether the person in the admin may review."""
    try:
        return actor_in(request).has(OPERATOR)
    except NoSuchResident:
        return False


def operator_of(request: HttpRequest) -> Actor:
    """The operator in the admin; nobody else gets any further."""
    by = _actor(request)
    if not by.has(OPERATOR):
        raise PermissionDenied
    return by


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Every gadget, those that wait for a decision first."""
    operator_of(request)
    views = queries.review_queue()
    reported = queries.reported()
    context = {
        "reported": [(view, reported[view.id]) for view in views if view.id in reported],
        "waiting": [view for view in views if queries.waits(view)],
        "others": [view for view in views if not queries.waits(view)],
    }
    return render(request, "city/queue.html", context)


@require_safe
def detail(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """One gadget: manifest in words, difference to the published version, check lines, history."""
    by = operator_of(request)
    return _detail(request, gadget_id, by)


def _detail(
    request: HttpRequest,
    gadget_id: str,
    by: Actor,
    *,
    problem: str = "",
    reason: str = "",
    typed: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    view = queries.gadget_for_operator(gadget_id)
    if view is None:
        raise Http404
    manifest = view.current.manifest if view.current else None
    context = {
        "view": view,
        "flags": queries.voices(view),
        "reports": queries.reports(gadget_id),
        "readings": cityos_queries.readings(manifest, view.provider.id) if manifest else (),
        "offered": cityos_queries.offered(manifest, view.provider.id) if manifest else (),
        "city": current_region().portal_name["ja"],
        "standing": queries.standing(gadget_id),
        "shares": SHARES,
        "waits": queries.waits(view),
        "own": by.id is not None and queries.is_member(gadget_id, by.id),
        "problem": problem,
        "reason": reason,
        "typed": typed or {},
    }
    return render(request, "city/gadget.html", context, status=status)


@posts("city_review_gadget")
@sent_once
def decide(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """`decision` is one of those in `gadgets.review.decisions`; what it needs besides stands in the same form."""
    by = operator_of(request)
    try:
        found = decisions.decision(gadget_id, request.POST.dict(), by, desk=decisions.OPERATORS)
        if found is None:
            raise Http404
        change, told = found
        change()
    except NoSuchGadgetError as error:
        raise Http404 from error
    except GadgetError as error:
        reason = request.POST.get("reason", "")
        typed = request.POST.dict()
        return _detail(
            request, gadget_id, by, problem=sentence(error), reason=reason, typed=typed, status=422
        )
    messages.success(request, told)
    return HttpResponseRedirect(reverse("city_review_gadget", args=[gadget_id]))
