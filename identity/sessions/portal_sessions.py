"""The portal's sessions that belong to a session at the ID: opened at sign-in, ended by either side."""

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone

from core import jobs, sweeps
from identity import crypto
from identity.audit import chain
from identity.domain import lifetimes
from identity.domain.roles import STAFF_ROLES, SYSTEM, Actor
from identity.errors import CannotUnseal, InvalidToken
from identity.idp import Login, LogoutEvent
from identity.models import AuditEntry, KnownDevice, OidcSession, Resident, SeenToken, SignInLetter
from identity.sessions import devices, engines, sign_in_mail
from identity.sessions.person import KEY, SECOND_FACTOR, current_resident

AUTH_TIME = "_auth_time"
BEFORE = "_before"
"""The sign-in before this one: [seconds since 1970, name of the device]."""
FRESH_SECONDS = 300
"""A sensitive act needs a proof of the person that is not older than this."""
CLOSING = "_closing"
"""Stands in place of `KEY` while the account waits for its erasure: only the page that asks to undo it reads it."""


def _resident_of(done: Login) -> tuple[Resident, bool]:
    """The resident known by (iss, sub), made at the first sign-in; e-mail plays no part."""
    return Resident.objects.get_or_create(
        issuer=done.iss,
        subject=done.sub,
        defaults={"locale": done.locale or "ja", "home_region": done.home_region},
    )


def is_person(resident_id: str, done: Login) -> bool:
    """Whether a verified sign-in is this resident's."""
    return Resident.objects.filter(pk=resident_id, issuer=done.iss, subject=done.sub).exists()


def open_session(request: HttpRequest, done: Login, *, device: str = "") -> Resident:
    """Signs the browser in under a new session key; raises `InvalidToken` when the account is closed.

    Who is signed in already and has proven it again keeps what the session holds. `device` is the browser's secret.
    """
    now = timezone.now()
    with chain.together():
        resident, made = _resident_of(done)
        if not resident.is_active:
            raise InvalidToken("account is closed")
        again = request.session.get(KEY) == str(resident.pk)
        kept, begun = (_kept(request), _begun(request, done)) if again else ({}, None)
        old = OidcSession.objects.filter(session_key=request.session.session_key or "").first()
        _forget(request.session.session_key)
        request.session.flush()
        rotate_token(request)
        if resident.erase_at is None:
            request.session[KEY] = str(resident.pk)
            request.user = resident
            request.session.update(kept)
        else:
            request.session[CLOSING] = str(resident.pk)
        request.session.update(_proof(done))
        row = OidcSession(issuer=done.iss, sub=done.sub, sid=done.sid)
        row.label = devices.label(request.headers.get("User-Agent", ""))
        if again and old is not None:
            row.device, row.created_at, noted = old.device, old.created_at, None
        else:
            noted = devices.note(
                resident, secret=device or devices.secret_of(request), label=row.label, now=now
            )
            row.device = noted.device
            if noted.before is not None:
                request.session[BEFORE] = [int(noted.before[0].timestamp()), noted.before[1]]
        remembered = _is_remembered(resident, row, done)
        if remembered and row.device is not None:
            KnownDevice.objects.filter(pk=row.device.pk).update(remembered=True)
        engines.begin(request.session, now=now, remembered=remembered, begun=begun)
        request.session.save()
        key = row.session_key = str(request.session.session_key)
        row.id_token_sealed = crypto.seal(done.id_token.encode(), place=crypto.session_place(key))
        row.save()
        if noted is not None:
            _tell(resident, noted, label=row.label, now=now)
        if made:
            chain.record("registered", who=resident.pk)
        if noted is None:
            chain.record("reauthenticated", who=resident.pk)
        else:
            chain.record("signed_in", who=resident.pk, new_device=noted.new)
    return resident


def _proof(done: Login) -> dict[str, Any]:
    """What the session keeps of how the person proved who they are."""
    when = {} if done.auth_time is None else {AUTH_TIME: int(done.auth_time.timestamp())}
    return {**when, SECOND_FACTOR: True} if done.second_factor else when


def _is_remembered(resident: Resident, row: OidcSession, done: Login) -> bool:
    """Whether the session holds for weeks; never at a desk, where a device alone lets nobody in."""
    if STAFF_ROLES.intersection(resident.roles):
        return False
    return done.remember or (row.device is not None and row.device.remembered)


def _begun(request: HttpRequest, done: Login) -> int | None:
    """Since when the session holds if the ID did not ask the person since: that puts off no last end; else None."""
    before: object = request.session.get(AUTH_TIME)
    if done.auth_time is not None and int(done.auth_time.timestamp()) != before:
        return None
    begun: int | None = request.session.get(lifetimes.BEGUN)
    return begun


def _kept(request: HttpRequest) -> dict[str, Any]:
    """What belongs to the visit and not to the proof of the person."""
    return {
        name: value for name, value in request.session.items() if name not in {KEY, AUTH_TIME, SECOND_FACTOR}
    }


def _tell(resident: Resident, noted: devices.Noted, *, label: str, now: datetime) -> None:
    """A mail about a device that is new; none about the first sign-in ever."""
    first = not AuditEntry.objects.filter(who=str(resident.handle), kind="signed_in").exists()
    if first or not noted.new:
        return
    SignInLetter.objects.create(resident=resident, label=label, signed_in_at=now, next_at=now)
    transaction.on_commit(lambda: jobs.kick(sign_in_mail.JOB))


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


def is_held(request: HttpRequest, done: Login) -> bool:
    """Whether this browser's session is open already, and belongs to the very session at the ID that answered."""
    row = OidcSession.objects.filter(
        session_key=request.session.session_key or "", issuer=done.iss, sub=done.sub, sid=done.sid
    )
    return row.exists() and is_open(request)


def locale(request: HttpRequest) -> str:
    """The language of whoever is signed in here; Japanese for everybody else."""
    resident_id = current_resident(request)
    found = (
        Resident.objects.filter(pk=resident_id).values_list("locale", flat=True).first()
        if resident_id
        else ""
    )
    return found or "ja"


def lives(session_key: str) -> bool:
    """Whether this session of somebody is neither ended nor over by time; looking is no use of it."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    session.peeking = True
    return KEY in session or CLOSING in session


def seconds_left(request: HttpRequest) -> int:
    """Until the session ends if nothing more happens; 0 when nobody is signed in."""
    if KEY not in request.session:
        return 0
    remaining = engines.left(request.session, now=timezone.now().timestamp())
    return max(remaining.seconds, 0) if remaining else 0


def extend(request: HttpRequest) -> None:
    """The person says that they are still there."""
    request.session[lifetimes.SEEN] = int(timezone.now().timestamp())


def hint(session_key: str | None) -> str:
    """The ID token to sign out with; "" when there is none."""
    row = OidcSession.objects.filter(session_key=session_key or "").first()
    if row is None or not row.id_token_sealed:
        return ""
    try:
        return crypto.unseal(bytes(row.id_token_sealed), place=crypto.session_place(row.session_key)).decode()
    except CannotUnseal:
        return ""


def sign_out(request: HttpRequest) -> None:
    """Ends this browser's session at the portal because the person wants it."""
    with chain.together():
        key = request.session.get(KEY)
        close_session(request)
        if key is not None and Resident.objects.filter(pk=key).exists():
            chain.record("signed_out", who=UUID(key))


def end_this(request: HttpRequest, *, why: str) -> None:
    """Ends this browser's session at the portal because it no longer holds."""
    end_rows(OidcSession.objects.filter(session_key=request.session.session_key or ""), by=SYSTEM, why=why)
    _leave(request)


def close_session(request: HttpRequest) -> None:
    """Ends this browser's session at the portal, not at the ID."""
    _forget(request.session.session_key)
    _leave(request)


def _leave(request: HttpRequest) -> None:
    request.session.flush()
    request.user = AnonymousUser()


def _forget(session_key: str | None) -> None:
    if session_key:
        OidcSession.objects.filter(session_key=session_key).delete()


def end(*, iss: str, sub: str, sid: str, by: Actor | None = SYSTEM) -> int:
    """Ends the sessions of this `sid`, or without one all of this `sub`; returns how many."""
    rows = OidcSession.objects.filter(issuer=iss)
    if sub:
        rows = rows.filter(sub=sub)
    if sid:
        rows = rows.filter(sid=sid)
    return end_rows(rows, by=by, why="ended")


def end_rows(rows: QuerySet[OidcSession], *, by: Actor | None, why: str) -> int:
    """Ends these sessions, all of one resident, at the portal; returns how many."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    with chain.together():
        found = list(rows.values_list("session_key", "issuer", "sub"))
        for key, _, _ in found:
            store().delete(key)
        OidcSession.objects.filter(session_key__in=[key for key, _, _ in found]).delete()
        if found:
            resident = Resident.objects.filter(issuer=found[0][1], subject=found[0][2]).first()
            if resident is not None:
                chain.record("session_ended", who=resident.pk, by=by, count=len(found), why=why)
    return len(found)


def keep_only(resident: Resident, *, sids: tuple[str, ...]) -> None:
    """After a change of the password: ends every other session; these go on."""
    mine = OidcSession.objects.filter(issuer=resident.issuer, sub=resident.subject)
    end_rows(mine.exclude(sid__in=sids), by=None, why="password_changed")


def end_by_time(*, now: datetime | None = None) -> int:
    """Takes away what sessions hold that are over by time, but for why; returns how many there were."""
    at = now or timezone.now()
    unused = Q(seen_at__lt=at - timedelta(seconds=settings.SESSION_IDLE_SECONDS))
    old = Q(created_at__lt=at - timedelta(seconds=settings.SESSION_SECONDS))
    over = OidcSession.objects.filter(unused | old).order_by("seen_at")[:500]
    return sum(sweeps.each("identity.end_sessions_by_time", over, _end_one, key=lambda row: row.pk).results)


def _end_one(row: OidcSession) -> bool:
    session = import_module(settings.SESSION_ENGINE).SessionStore(row.session_key)
    session.peeking = True
    if KEY in session or CLOSING in session:
        return False  # the device is remembered, or it is in use
    if lifetimes.ENDED in session:
        session.save()  # what `load` gave: why, and nothing else
    with chain.together():
        row.delete()
        resident = Resident.objects.filter(issuer=row.issuer, subject=row.sub).first()
        if resident is not None:
            why = session.get(lifetimes.ENDED, "absolute")
            chain.record("session_ended", who=resident.pk, by=SYSTEM, count=1, why=why)
    return True


def end_by_event(event: LogoutEvent, *, now: datetime) -> int:
    """What a verified logout token asks for, once; raises `InvalidToken` on its replay."""
    SeenToken.objects.filter(expires_at__lt=now).delete()
    try:
        with chain.together():
            SeenToken.objects.create(issuer=event.iss, jti=event.jti, expires_at=event.expires)
            return end(iss=event.iss, sub=event.sub, sid=event.sid)
    except IntegrityError as error:
        raise InvalidToken("replayed") from error


def end_resident(resident_id: UUID) -> int:
    """Ends every session of one resident at the portal."""
    found = Resident.objects.filter(pk=resident_id).values_list("issuer", "subject").first()
    return end(iss=found[0], sub=found[1], sid="") if found else 0
