"""Pages about data: the public picture of who reads what from whom, and the contracts of an organisation."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.forms.form_pages import posts
from core.spreadsheets import csv_response
from gadgets import words
from gadgets.cityos import contracts, picture, queries
from gadgets.cityos.queries import Asked, Edge
from gadgets.errors import GadgetError
from gadgets.web import refused, signed_in
from identity import queries as identity_queries
from identity.forms.sendings import sent_once

STATES = {
    "asked": gettext_lazy("申し込みずみ"),
    "agreed": gettext_lazy("有効"),
    "refused": gettext_lazy("断られました"),
    "ended": gettext_lazy("終わりました"),
}
_READ = ("service", "service_title", "provider", "entity_type", "attributes", "owner", "purpose", "licence",
         "since", "reads_30_days")  # fmt: skip


# --- for everybody ---------------------------------------------------------------------------------------------


@require_safe
def connections(request: HttpRequest) -> HttpResponse:
    """Which service reads which data from whom, and what it asks residents for: a picture, and the same as tables."""
    edges, asked = queries.edges(), queries.asked()
    drawn = picture.draw(
        (((f"{edge.owner}/{edge.entity_type}", f"{edge.entity_type}（{_owner(edge)}）"),
          (edge.gadget_id, words.pick(edge.title))) for edge in edges),
        (((one.gadget_id, words.pick(one.title)), (one.claim, words.attribute(one.claim))) for one in asked),
    )  # fmt: skip
    context = {"edges": edges, "asked": asked, "picture": drawn, "city": _city(), "days": queries.DAYS}
    return render(request, "gadgets/connections.html", context)


def _city() -> str:
    return _("市")


def _owner(edge: Edge) -> str:
    return edge.owner or _city()


@require_safe
def connections_csv(_request: HttpRequest) -> HttpResponse:
    """The lines about data, one for each service and type."""
    lines = ([row[name] for name in _READ] for row in map(_row, queries.edges()))
    return _public(csv_response("connections", _READ, lines))


@require_safe
def connections_json(_request: HttpRequest) -> HttpResponse:
    """Both kinds of lines."""
    return _public(
        JsonResponse(
            {
                "as_of": timezone.now().isoformat(timespec="seconds"),
                "data": [_row(edge, texts=True) for edge in queries.edges()],
                "residents": [_asked(one) for one in queries.asked()],
            },
            json_dumps_params={"ensure_ascii": False},
        )
    )


def _public(response: HttpResponse) -> HttpResponse:
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "public, max-age=300"
    return response


def _row(edge: Edge, *, texts: bool = False) -> dict[str, Any]:
    return {
        "service": edge.gadget_id,
        "service_title": dict(edge.title) if texts else edge.title["ja"],
        "provider": edge.provider,
        "entity_type": edge.entity_type,
        "attributes": list(edge.attrs) if texts else " ".join(edge.attrs),
        "owner": edge.owner or None,
        "purpose": dict(edge.purpose) if texts else edge.purpose["ja"],
        "licence": edge.licence or None,
        "since": edge.since.isoformat(timespec="seconds"),
        "reads_30_days": edge.reads,
    }


def _asked(one: Asked) -> dict[str, Any]:
    return {
        "service": one.gadget_id,
        "service_title": dict(one.title),
        "provider": one.provider,
        "attribute": one.claim,
        "required": one.required,
        "purpose": dict(one.purpose),
        "retention": one.retention,
        "identity": one.level,
        "since": one.since.isoformat(timespec="seconds"),
    }


# --- for organisations -----------------------------------------------------------------------------------------


@require_safe
@never_cache
@signed_in
def contracts_page(request: HttpRequest, resident_id: UUID) -> HttpResponse:
    """What others ask of my organisations' data, and what my organisations read."""
    found = [(view, STATES[view.state], queries.waits(view)) for view in queries.of_member(resident_id)]
    context = {
        "rows": found,
        "city": _city(),
        "days": queries.DAYS,
        "waiting": sum(view.decides and waits for view, _state, waits in found),
    }
    return render(request, "gadgets/contracts.html", context)


@posts("gadgets:contracts")
@never_cache
@signed_in
@sent_once
def decide(request: HttpRequest, _resident_id: UUID, contract_id: int) -> HttpResponse:
    """`decision` is agree, refuse or end; the last two with a reason."""
    by, reason = identity_queries.actor_in(request), request.POST.get("reason", "")
    steps: dict[str, tuple[Callable[[], None], str]] = {
        "agree": (lambda: contracts.agree(contract_id=contract_id, by=by), _("利用に同意しました。")),
        "refuse": (
            lambda: contracts.refuse(contract_id=contract_id, reason=reason, by=by),
            _("利用を断りました。"),
        ),
        "end": (
            lambda: contracts.end(contract_id=contract_id, reason=reason, by=by),
            _("同意を取り消しました。次の取得から読まれません。"),
        ),
    }
    found = steps.get(request.POST.get("decision", ""))
    if found is None:
        raise Http404
    change, told = found
    try:
        change()
    except GadgetError as error:
        refused(request, error)
    else:
        messages.success(request, told)
    return HttpResponseRedirect(reverse("gadgets:contracts"))
