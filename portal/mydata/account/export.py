"""わたしのデータ, to take away: everything the portal holds about a resident, as JSON and as a page to print."""

import json
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from wagtail.models import PageLogEntry

from core.region_time import region_date
from gadgets import queries as gadget_queries
from gadgets.webhooks import deliveries
from identity import queries as identity_queries
from identity.closure import export as identity_export
from identity.domain import consent
from identity.domain.roles import Actor
from identity.queries import Bundle
from identity.sessions import portal_sessions
from portal.mydata import overview as rows
from portal.mydata.access import actor_of, fresh_required, resident_required
from recommender import queries as ranking

SCHEMA = "resident-export-1.0"
FORMS = ("json", "print")
PRINTED = 300
"""Lines of one list on the printed page; the file has them all."""


def document(subject_id: UUID, *, by: Actor, now: datetime) -> dict[str, Any]:
    """The whole export. Asks the ID for the e-mail address: never inside a transaction.

    Raises `NotAllowed`, `NoSuchResident`.
    """
    own = identity_export.document(subject_id, by=by, now=now)
    left_out: dict[str, int] = own.pop("left_out")
    return {
        "$schema": f"{settings.PORTAL_URL}/schemas/{SCHEMA}.json",
        "schema_version": "1.0",
        "portal": settings.PORTAL_URL,
        "made_at": now.isoformat(),
        **own,
        "layout": [
            {
                "gadget": row.gadget_id,
                "position": row.position,
                "hidden": row.hidden,
                "size": row.size,
                "settings": dict(row.settings),
            }
            for row in gadget_queries.layout(subject_id)
        ],
        "notices_to_providers": _notices(subject_id),
        "organisations": [
            {"name": row.name, "kind": row.kind} for row in gadget_queries.organisations(subject_id)
        ],
        "editing": _editing(subject_id, left_out),
        "ranking": _ranking(subject_id, left_out),
        "left_out": left_out,
    }


def _notices(subject_id: UUID) -> list[dict[str, Any]]:
    return [
        {
            "gadget": row.gadget_id,
            "kind": row.kind,
            "items": list(row.items),
            "state": row.state,
            "at": row.at.isoformat(),
            "told_at": row.told_at.isoformat() if row.told_at else None,
        }
        for row in deliveries.notices(subject_id, limit=identity_export.MOST)
    ]


def _editing(subject_id: UUID, left_out: dict[str, int]) -> list[dict[str, Any]]:
    """What an editor did to pages, for the few residents who are editors."""
    mine = PageLogEntry.objects.filter(user_id=subject_id).order_by("-timestamp", "-pk")
    found = list(mine.values_list("timestamp", "action", "page_id", "label")[: identity_export.MOST + 1])
    if len(found) > identity_export.MOST:
        left_out["editing"] = mine.count() - identity_export.MOST
    return [
        {"at": at.isoformat(), "action": action, "page": page, "title": title}
        for at, action, page, title in found[: identity_export.MOST]
    ]


def _ranking(subject_id: UUID, left_out: dict[str, int]) -> dict[str, Any]:
    """What the recommender holds under the pseudonym; what is folded is nobody's, so it is not here."""
    subject = identity_queries.ranking_subject(subject_id)
    held = ranking.held(subject, identity_export.MOST)
    left_out.update({f"ranking_{name}": number for name, number in held.left_out.items()})
    return {
        "pseudonym": subject,
        "log": list(held.log),
        "pending": list(held.pending),
        "put_away": list(held.put_away),
    }


# --- the pages -----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponse:
    """What it is, and two ways to have it; making it needs a proof of the person just now."""
    return _make(request) if request.method == "POST" else _offer(request)


@resident_required
def _offer(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    return render(request, "mydata/export.html", {"bundle": bundle, "proven": portal_sessions.fresh(request)})


@fresh_required
def _make(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    form = request.POST.get("form", "")
    if form not in FORMS:
        return render(request, "mydata/export.html", {"bundle": bundle, "unknown_form": True}, status=400)
    now = timezone.now()
    by = actor_of(bundle)
    made = document(bundle.id, by=by, now=now)
    identity_export.record(bundle.id, by=by, form=form)
    if form == "print":
        return render(request, "mydata/export_print.html", printable(made, get_language() or "ja"))
    answer = HttpResponse(
        json.dumps(made, ensure_ascii=False, indent=2), content_type="application/json; charset=utf-8"
    )
    day = region_date(now).isoformat()
    answer["Content-Disposition"] = f'attachment; filename="madoguchi-export-{day}.json"'
    return answer


def printable(made: dict[str, Any], locale: str) -> dict[str, Any]:
    """The same in words: titles of recipients, names of attributes, times that a person reads."""
    gadgets = gadget_queries.registry().gadgets

    def title(recipient: str) -> str:
        return rows.title_of(recipient, gadgets, locale)

    def labels(items: list[str]) -> str:
        return "、".join(consent.item_label(item, locale) for item in items)

    def at(text: str | None) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    return {
        "made_at": at(made["made_at"]),
        "account": {**made["account"], "created_at": at(made["account"]["created_at"])},
        "attributes": [(row["label"][locale], row["value_label"][locale]) for row in made["attributes"]],
        "receipts": [
            {
                "at": at(row["given_at"]),
                "kind": _kind(row["kind"]),
                "title": title(row["recipient"]),
                "items": labels(row["items"]),
                "text": made["notices"].get(row["notice"], {}).get("text", ""),
            }
            for row in made["receipts"][:PRINTED]
        ],
        "accesses": [
            {
                "at": at(row["at"]),
                "title": title(row["recipient"]),
                "items": labels(row["items"]),
                "via": rows.via_text(row["via"]),
            }
            for row in made["accesses"][:PRINTED]
        ],
        "pseudonyms": [(title(row["recipient"]), row["pseudonym"]) for row in made["pseudonyms"]],
        "sites": [
            {"at": at(row["signed_in_at"]), "title": title(row["recipient"])}
            for row in made["sites"][:PRINTED]
        ],
        "sessions": [{**row, "seen_at": at(row["seen_at"])} for row in made["sessions"]],
        "devices": [{**row, "seen_at": at(row["seen_at"])} for row in made["devices"]],
        "household": [{**row, "asked_at": at(row["asked_at"])} for row in made["household"]],
        "layout": [(title(row["gadget"]), row["hidden"]) for row in made["layout"]],
        "notices": [
            {"at": at(row["at"]), "title": title(row["gadget"]), "items": labels(row["items"])}
            for row in made["notices_to_providers"][:PRINTED]
        ],
        "organisations": [row["name"] for row in made["organisations"]],
        "editing": [{**row, "at": at(row["at"])} for row in made["editing"][:PRINTED]],
        "ranking": [
            {"at": at(row["at"]), "item": row["item"], "act": _act(row["act"])}
            for row in made["ranking"]["log"][:PRINTED]
        ],
        "pending": len(made["ranking"]["pending"]),
        "put_away": [{**row, "at": at(row["at"])} for row in made["ranking"]["put_away"][:PRINTED]],
        "audit": [{**row, "at": at(row["at"])} for row in made["audit"][:PRINTED]],
        "printed": PRINTED,
        "shortened": any(
            isinstance(part, list) and len(part) > PRINTED
            for part in (*made.values(), *made["ranking"].values())
        ),
    }


def _act(act: str) -> str:
    return {
        "view": _("一覧に出た"),
        "open": _("開いた"),
        "action": _("使った"),
        "not_for_me": _("興味がない"),
    }[act]


def _kind(kind: str) -> str:
    return {"granted": _("許可"), "refused": _("拒否"), "withdrawn": _("停止")}[kind]


# --- the schema ----------------------------------------------------------------------------------------------


@cache
def schema_bytes() -> bytes:
    """The published schema of the export."""
    return files("portal").joinpath("mydata", "schemas", f"{SCHEMA}.json").read_bytes()


@require_safe
def schema(_request: HttpRequest) -> HttpResponse:
    """`/schemas/resident-export-1.0.json`."""
    answer = HttpResponse(schema_bytes(), content_type="application/schema+json")
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "public, max-age=3600"
    return answer
