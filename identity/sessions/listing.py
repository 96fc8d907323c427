"""Where a resident is signed in: lists it, ends it, remembers and forgets devices; for the resident's own page.

The portal's sessions and those at the ID are one row where they belong together (by `sid`). What is asked of the ID
is asked outside of transactions; when it is away, the portal's part is ended all the same and the rest is said.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from core.texts import gettext_noop
from identity import idp
from identity.audit import chain
from identity.domain.lifetimes import REMEMBERED
from identity.domain.roles import Actor
from identity.errors import NotAllowed, ProviderUnavailable
from identity.idp import IdSession
from identity.models import KnownDevice, OidcSession, Resident
from identity.sessions import devices, portal_sessions, staff


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One browser: `key` names it in forms, `clients` are the gadgets' sites that were signed in from it."""

    key: str
    here: bool
    label: str
    began_at: datetime
    seen_at: datetime | None
    remembered: bool
    clients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that the resident signed in with before."""

    id: int
    here: bool
    label: str
    first_seen_at: datetime
    seen_at: datetime
    remembered: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """`before` is the sign-in before this one (time, device); `whole` is False when the ID did not answer."""

    rows: tuple[SignedIn, ...]
    devices: tuple[Device, ...]
    before: tuple[datetime, str] | None
    whole: bool


def overview(request: HttpRequest, resident_id: UUID) -> Overview:
    """This browser first, then the others, the latest first."""
    mine = _mine(resident_id)
    try:
        at_id, whole = _at_id(resident_id), True
    except ProviderUnavailable:
        at_id, whole = (), False
    here = request.session.session_key
    rows = [_row(one, at_id, here) for one in _latest(mine)]
    known = {row.sid for row in mine}
    rows += [_foreign(one) for one in at_id if not known.intersection(one.sids)]
    rows.sort(key=lambda row: (row.here, row.seen_at or row.began_at), reverse=True)
    device = next((row.device_id for row in mine if row.session_key == here), None)
    found = KnownDevice.objects.filter(resident_id=resident_id).order_by("-seen_at")
    return Overview(
        rows=tuple(rows),
        devices=tuple(
            Device(one.pk, one.pk == device, one.label, one.first_seen_at, one.seen_at, one.remembered)
            for one in found
        ),
        before=_before(request),
        whole=whole,
    )


def _before(request: HttpRequest) -> tuple[datetime, str] | None:
    held = request.session.get(portal_sessions.BEFORE)
    return (datetime.fromtimestamp(held[0], UTC), str(held[1])) if held else None


def _mine(resident_id: UUID) -> list[OidcSession]:
    resident = Resident.objects.filter(pk=resident_id).values_list("issuer", "subject").first()
    if resident is None:
        return []
    rows = OidcSession.objects.select_related("device").filter(issuer=resident[0], sub=resident[1])
    return [row for row in rows.order_by("-seen_at") if portal_sessions.lives(row.session_key)]


def _latest(rows: list[OidcSession]) -> list[OidcSession]:
    """One for each sign-in at the ID: a browser that lost its cookie came back under the same `sid`."""
    return list({row.sid or row.session_key: row for row in reversed(rows)}.values())


def _at_id(resident_id: UUID) -> tuple[IdSession, ...]:
    provider = idp.provider()
    return provider.sessions(resident_id) if idp.SESSIONS in provider.capabilities else ()


def _row(row: OidcSession, at_id: tuple[IdSession, ...], here: str | None) -> SignedIn:
    clients = next((one.clients for one in at_id if row.sid in one.sids), ())
    remembered = row.device is not None and row.device.remembered
    return SignedIn(
        f"p{row.pk}", row.session_key == here, row.label, row.created_at, row.seen_at, remembered, clients
    )


def _foreign(one: IdSession) -> SignedIn:
    """Signed in at the ID only, for a gadget's own site."""
    return SignedIn(f"i{one.id}", False, "", one.started_at, one.seen_at, False, one.clients)


def end_one(*, resident_id: UUID, key: str, by: Actor) -> None:
    """Ends a row of `overview` at the portal, at the ID and at every gadget's site.

    One that is gone already is fine. Raises `ProviderUnavailable` when only the portal's part could be ended.
    """
    _check(resident_id, by)
    sids: tuple[str, ...] = ()
    if key.startswith("p"):
        row = next((one for one in _mine(resident_id) if f"p{one.pk}" == key), None)
        if row is None:
            return
        sids = _end_here(row)
    _end_there(resident_id, lambda one: f"i{one.id}" == key or bool(set(one.sids).intersection(sids)))


def end_others(request: HttpRequest, *, resident_id: UUID, by: Actor) -> None:
    """Ends every row but this browser's; raises as `end_one`."""
    _check(resident_id, by)
    rows = _mine(resident_id)
    own = next((row for row in rows if row.session_key == request.session.session_key), None)
    kept = own.sid if own is not None else ""
    for row in rows:
        if row is not own and not (kept and row.sid == kept):
            _end_here(row)
    _end_there(resident_id, lambda one: kept not in one.sids)


def _end_here(row: OidcSession) -> tuple[str, ...]:
    rows = OidcSession.objects.filter(issuer=row.issuer, sub=row.sub)
    rows = rows.filter(sid=row.sid) if row.sid else rows.filter(pk=row.pk)
    portal_sessions.end_rows(rows, by=None, why="by_person")
    return (row.sid,) if row.sid else ()


def _end_there(resident_id: UUID, wanted: Callable[[IdSession], bool]) -> None:
    for one in _at_id(resident_id):
        if wanted(one):
            idp.provider().end_session(resident_id, one.id)


def _check(resident_id: UUID, by: Actor) -> None:
    if not by.is_self(resident_id):
        raise NotAllowed


@transaction.atomic
def remember(request: HttpRequest, *, resident_id: UUID, on: bool, by: Actor) -> str:
    """Whether sessions on this device hold for weeks, this one and later ones; returns the device's secret."""
    _check(resident_id, by)
    if on and staff.is_staff(Resident.objects.get(pk=resident_id)):
        raise NotAllowed(gettext_noop("市の仕事をする方の端末は、覚えておけません。"))
    secret = devices.secret_of(request)
    row = OidcSession.objects.get(session_key=request.session.session_key or "")
    if row.device is None:
        resident = Resident.objects.get(pk=resident_id)
        noted = devices.note(resident, secret=secret, label=row.label, now=timezone.now())
        row.device = noted.device
        row.save(update_fields=["device"])
    KnownDevice.objects.filter(pk=row.device.pk).update(remembered=on)
    request.session[REMEMBERED] = on
    return secret


@transaction.atomic
def forget(request: HttpRequest, *, resident_id: UUID, device_id: int, by: Actor) -> None:
    """The next sign-in from it counts as one from a new device; sessions open on it become short."""
    _check(resident_id, by)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    keys = list(
        OidcSession.objects.filter(device_id=device_id, device__resident_id=resident_id).values_list(
            "session_key", flat=True
        )
    )
    gone, _ = KnownDevice.objects.filter(pk=device_id, resident_id=resident_id).delete()
    if not gone:
        return
    for key in keys:
        session = request.session if key == request.session.session_key else store(key)
        if session.get(REMEMBERED):
            session[REMEMBERED] = False
            session.save()
    chain.record("device_forgotten", who=resident_id, by=by)
