"""What identity holds about one resident, as a plain document: the first part of the export."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core.texts import gettext_noop
from identity.audit import chain
from identity.domain import attributes
from identity.domain.roles import Actor
from identity.errors import NoSuchResident, NotAllowed, ProviderProblem
from identity.household import authority
from identity.idp import provider
from identity.models import (
    AccessLog,
    AuditEntry,
    ConsentReceipt,
    ConsentState,
    GadgetClient,
    Guardianship,
    KnownDevice,
    OidcSession,
    ProviderSession,
    Resident,
    Subject,
)

LOCALES = ("ja", "en", "ja-simple")
MOST = 20_000
"""Rows of one list at most, the newest first; `left_out` says how many more there are."""


def document(subject_id: UUID, *, by: Actor, now: datetime | None = None) -> dict[str, Any]:
    """Everything of `subject_id`, for themselves or for who acts for them. Asks the ID for the address: HTTP.

    Raises `NotAllowed`, `NoSuchResident`.
    """
    if not authority.may_act(by, subject_id):
        raise NotAllowed(gettext_noop("自分の記録だけを書き出せます。"))
    resident = Resident.objects.filter(pk=subject_id, is_active=True, erase_at=None).first()
    if resident is None:
        raise NoSuchResident
    left_out: dict[str, int] = {}
    receipts = _newest(ConsentReceipt.objects.filter(resident=resident), "given_at", "receipts", left_out)
    shown = list(receipts.select_related("notice"))
    accesses = _newest(AccessLog.objects.filter(resident=resident), "at", "accesses", left_out)
    handle = str(resident.handle)
    entries = _newest(AuditEntry.objects.filter(Q(who=handle) | Q(by=handle)), "seq", "audit", left_out)
    return {
        "account": _account(resident, now or timezone.now()),
        "attributes": _attributes(resident),
        "consents": [_state(row) for row in ConsentState.objects.filter(resident=resident).order_by("pk")],
        "receipts": [_receipt(row) for row in shown],
        "notices": _notices(shown),
        "accesses": [
            {"at": _at(row.at), "recipient": row.recipient, "items": row.items, "via": row.via}
            for row in accesses
        ],
        "pseudonyms": [
            {"recipient": gadget, "pseudonym": sub}
            for gadget, sub in Subject.objects.filter(resident=resident)
            .order_by("client__gadget_id")
            .values_list("client__gadget_id", "sub")
        ],
        "sessions": _sessions(resident),
        "sites": _sites(resident, left_out),
        "devices": [
            {"label": row.label, "first_seen_at": _at(row.first_seen_at), "seen_at": _at(row.seen_at)}
            for row in KnownDevice.objects.filter(resident=resident).order_by("first_seen_at", "pk")
        ],
        "household": _household(resident, now or timezone.now()),
        "audit": [_entry(row, handle) for row in entries],
        "left_out": left_out,
    }


@transaction.atomic
def record(subject_id: UUID, *, by: Actor, form: str) -> None:
    """Writes down that it was made, and in which form."""
    chain.record("exported", who=subject_id, by=by, form=form)


def _newest(rows: Any, field: str, name: str, left_out: dict[str, int]) -> Any:
    """The newest `MOST`; one count more tells what is left out, when there may be more."""
    ordered = rows.order_by(f"-{field}")
    if ordered.values_list("pk")[MOST : MOST + 1]:
        left_out[name] = ordered.count() - MOST
    return ordered[:MOST]


def _account(resident: Resident, now: datetime) -> dict[str, Any]:
    email, known = "", True
    if resident.issuer != authority.ISSUER:
        try:
            email = provider().email_of(resident.pk)
        except ProviderProblem:
            known = False
    return {
        "id": str(resident.pk),
        "issuer": resident.issuer,
        "subject": resident.subject,
        "username": resident.username,
        "name": resident.display_name,
        "email": email,
        "email_known": known,
        "locale": resident.locale,
        "home_region": resident.home_region,
        "confidential": resident.confidential,
        "roles": sorted(resident.roles),
        "handle": str(resident.handle),
        "created_at": _at(resident.created_at),
        "onboarded_at": _at(resident.onboarded_at),
        "exported_at": _at(now),
    }


def _attributes(resident: Resident) -> list[dict[str, Any]]:
    values = attributes.derive(attributes.from_json(resident.attributes))
    return [
        {
            "key": key,
            "label": {locale: attributes.label(key, locale) for locale in LOCALES},
            "value": list(value) if isinstance(value, tuple) else value,
            "value_label": {locale: attributes.value_label(key, value, locale) for locale in LOCALES},
            "derived": attributes.DEFINITIONS[key].derived,
        }
        for key, value in values.items()
    ]


def _state(row: ConsentState) -> dict[str, Any]:
    return {
        "recipient": row.recipient,
        "purpose": row.purpose,
        "item": row.item,
        "status": row.status,
        "level": row.level,
        "expires_at": _at(row.expires_at),
        "receipt": str(row.receipt_id),
    }


def _receipt(row: ConsentReceipt) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "schema_version": row.schema_version,
        "kind": row.kind,
        "controller": row.controller,
        "recipient": row.recipient,
        "purpose": row.purpose,
        "items": row.items,
        "level": row.level,
        "basis": row.basis,
        "method": row.method,
        "given_at": _at(row.given_at),
        "expires_at": _at(row.expires_at),
        "withdraws": str(row.withdraws_id) if row.withdraws_id else None,
        "notice": row.notice_id,
    }


def _notices(receipts: Iterable[ConsentReceipt]) -> Mapping[str, Any]:
    """The texts that were shown, once each, by their hash."""
    return {
        row.notice.sha256: {"language": row.notice.language, "text": row.notice.text}
        for row in receipts
        if row.notice is not None
    }


def _sessions(resident: Resident) -> list[dict[str, Any]]:
    rows = OidcSession.objects.filter(issuer=resident.issuer, sub=resident.subject).order_by("created_at")
    return [
        {"label": row.label, "created_at": _at(row.created_at), "seen_at": _at(row.seen_at)} for row in rows
    ]


def _sites(resident: Resident, left_out: dict[str, int]) -> list[dict[str, Any]]:
    """Sign-ins at the sites of gadgets: with the embedded ID all that are kept, with Keycloak those that are open."""
    gadgets = dict(GadgetClient.objects.values_list("client_id", "gadget_id"))
    kept = ProviderSession.objects.filter(resident=resident, client_id__in=gadgets)
    found = [
        {
            "recipient": gadgets[row.client_id],
            "signed_in_at": _at(row.created_at),
            "ended_at": _at(row.ended_at),
        }
        for row in _newest(kept, "created_at", "sites", left_out)
    ]
    if found or resident.issuer == authority.ISSUER or settings.ID_PROVIDER == "embedded":
        return found
    try:
        open_ones = provider().sessions(resident.pk)
    except ProviderProblem:
        return []
    return [
        {"recipient": gadgets[client], "signed_in_at": _at(one.started_at), "ended_at": None}
        for one in open_ones
        for client in one.clients
        if client in gadgets
    ]


def _household(resident: Resident, now: datetime) -> list[dict[str, Any]]:
    """Who acts for whom. The other one is named while that holds or is asked for, and not beside a protected person."""
    rows = Guardianship.objects.filter(Q(guardian=resident) | Q(ward=resident)).order_by("asked_at")
    holding = Exists(authority.in_force(now).filter(pk=OuterRef("pk")))
    return [
        {
            "as": "guardian" if row.guardian_id == resident.pk else "ward",
            "other": _name_of(
                row.ward if row.guardian_id == resident.pk else row.guardian, row.state, row.holds
            ),
            "basis": row.basis,
            "state": row.state,
            "asked_at": _at(row.asked_at),
            "decided_at": _at(row.decided_at),
            "ended_at": _at(row.ended_at),
            "ends_on": _at(row.ends_on),
        }
        for row in rows.select_related("guardian", "ward").annotate(holds=holding)
    ]


def _name_of(other: Resident, state: str, holds: bool) -> str:
    """Today's name of somebody with whom it is over is not the reader's to have."""
    asked = state == authority.ASKED and not other.confidential
    return other.display_name if asked or holds else ""


def _entry(row: AuditEntry, handle: str) -> dict[str, Any]:
    """Without the handle of anybody else."""
    return {
        "seq": row.seq,
        "at": _at(row.at),
        "kind": row.kind,
        "about_you": row.who == handle,
        "by": "you" if row.by == handle else ("portal" if row.by == "portal" else "somebody else"),
        "detail": {key: value for key, value in row.detail.items() if key != "guardian"},
    }


def _at(moment: date | datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
