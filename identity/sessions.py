"""The portal's sessions that belong to a session at the ID: opened at sign-in, ended by either side."""

from datetime import datetime
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login, logout
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from identity import crypto
from identity.errors import CannotUnseal, InvalidToken
from identity.idp import Login, LogoutEvent
from identity.models import OidcSession, Resident, SeenToken

BACKEND = "identity.backends.RegionalIdBackend"
KEY = "_resident"
AUTH_TIME = "_auth_time"
FRESH_SECONDS = 300
"""A sensitive act needs a proof of the person that is not older than this."""
CLOSING = "_closing"
"""Stands in place of `KEY` while the account waits for its erasure: only the page that asks to undo it reads it."""


def _place(session_key: str) -> str:
    return f"oidc-session:{session_key}"


def resident_of(done: Login) -> Resident:
    """The resident known by (iss, sub), made at the first sign-in; e-mail plays no part."""
    resident, _ = Resident.objects.get_or_create(
        issuer=done.iss,
        subject=done.sub,
        defaults={"locale": done.locale or "ja", "home_region": done.home_region},
    )
    return resident


def is_person(resident_id: str, done: Login) -> bool:
    """Whether a verified sign-in is this resident's."""
    return Resident.objects.filter(pk=resident_id, issuer=done.iss, subject=done.sub).exists()


def open_session(request: HttpRequest, done: Login) -> Resident:
    """Signs the browser in under a new session key; raises `InvalidToken` when the account is closed."""
    with transaction.atomic():
        resident = resident_of(done)
        if not resident.is_active:
            raise InvalidToken("account is closed")
        _forget(request.session.session_key)
        request.session.flush()
        if done.auth_time is not None:
            request.session[AUTH_TIME] = int(done.auth_time.timestamp())
        if resident.erase_at is None:
            login(request, resident, backend=BACKEND)
            request.session[KEY] = str(resident.pk)
        else:
            request.session[CLOSING] = str(resident.pk)
        request.session.save()
        key = str(request.session.session_key)
        OidcSession.objects.create(
            issuer=done.iss,
            sub=done.sub,
            sid=done.sid,
            session_key=key,
            id_token_sealed=crypto.seal(done.id_token.encode(), place=_place(key)),
        )
    return resident


def fresh(request: HttpRequest, *, within: int = FRESH_SECONDS, now: datetime | None = None) -> bool:
    """Whether the ID has seen this person prove who they are within the last `within` seconds."""
    at = request.session.get(AUTH_TIME)
    if KEY not in request.session or not isinstance(at, int):
        return False
    return (now or timezone.now()).timestamp() - at <= within


def is_open(request: HttpRequest) -> bool:
    """Whether somebody is signed in here; the session of an account that was closed since then is ended."""
    key = request.session.get(KEY)
    if key is None:
        return False
    if Resident.objects.filter(pk=key, is_active=True, erase_at=None).exists():
        return True
    close_session(request)
    return False


def hint(session_key: str | None) -> str:
    """The ID token to sign out with; "" when there is none."""
    row = OidcSession.objects.filter(session_key=session_key or "").first()
    if row is None or not row.id_token_sealed:
        return ""
    try:
        return crypto.unseal(bytes(row.id_token_sealed), place=_place(row.session_key)).decode()
    except CannotUnseal:
        return ""


def close_session(request: HttpRequest) -> None:
    """Ends this browser's session at the portal, not at the ID."""
    _forget(request.session.session_key)
    logout(request)


def _forget(session_key: str | None) -> None:
    if session_key:
        OidcSession.objects.filter(session_key=session_key).delete()


def end(*, iss: str, sub: str, sid: str) -> int:
    """Ends the sessions of this `sid`, or without one all of this `sub`; returns how many."""
    rows = OidcSession.objects.filter(issuer=iss)
    if sub:
        rows = rows.filter(sub=sub)
    if sid:
        rows = rows.filter(sid=sid)
    keys = list(rows.values_list("session_key", flat=True))
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for key in keys:
        store().delete(key)
    OidcSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


def end_by_event(event: LogoutEvent, *, now: datetime) -> int:
    """What a verified logout token asks for, once; raises `InvalidToken` on its replay."""
    SeenToken.objects.filter(expires_at__lt=now).delete()
    try:
        with transaction.atomic():
            SeenToken.objects.create(issuer=event.iss, jti=event.jti, expires_at=event.expires)
            return end(iss=event.iss, sub=event.sub, sid=event.sid)
    except IntegrityError as error:
        raise InvalidToken("replayed") from error


def end_resident(resident_id: UUID) -> int:
    """Ends every session of one resident at the portal."""
    found = Resident.objects.filter(pk=resident_id).values_list("issuer", "subject").first()
    return end(iss=found[0], sub=found[1], sid="") if found else 0
