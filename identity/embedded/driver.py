"""The embedded provider as a driver of the seam, and the life of its sessions.

A `sign_in` is one browser's sign-in at the ID; each client that was signed in from it has a `ProviderSession`
with a `sid` of its own. Ending a sign-in ends them all: their tokens are deleted and each client is told by a
back-channel logout token (gadgets through the relay, the portal at once, because it is this process).
"""

import secrets
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlencode
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model

from identity import idp
from identity.audit import chain
from identity.domain import lifetimes
from identity.domain.roles import SYSTEM, Actor
from identity.embedded import gadget_clients, server
from identity.embedded.sign_ins import CODE_TIME, stored
from identity.errors import InvalidToken, NoSuchClient, NoSuchResident
from identity.idp import Bearer, ClientCredentials, ClientSpec, IdSession
from identity.models import GadgetClient, ProviderSession, Resident, opaque_username
from identity.oidc import clients, logout_relay
from identity.sessions import engines, portal_sessions

SIGN_IN = "_id_sign_in"
AUTH_TIME = "_id_auth_time"
REMEMBER = "_id_remember"
"""The box that was ticked on the first page of a sign-in that goes on to a second."""
PROOFS, CODES, WAITING = "_id_proofs", "_id_codes", "_id_waiting"
"""How often the person at this browser has proved who they are, by the password and by a one-time code; and which
requests wait since which counts."""
MOST_WAITING = 10
"""Authorization requests of one browser that wait for a proof at a time."""

ensure_portal_client = gadget_clients.ensure_portal_client


# --- sessions ------------------------------------------------------------------------------------------------


def begin(request: HttpRequest, *, now: datetime) -> None:
    """Notes in the browser's session at the ID that somebody has just proved who they are."""
    if SIGN_IN not in request.session:
        request.session[SIGN_IN] = secrets.token_urlsafe(24)
        engines.begin(request.session, now=now, remembered=False)
    request.session[AUTH_TIME] = int(now.timestamp())
    request.session[PROOFS] = request.session.get(PROOFS, 0) + 1


def remember(request: HttpRequest) -> None:
    """The sign-in of this browser holds for weeks, because the person ticked the box."""
    request.session[lifetimes.REMEMBERED] = True


def auth_time(request: HttpRequest) -> datetime | None:
    """When the person at this browser last typed the password; None without a session."""
    at = request.session.get(AUTH_TIME)
    return datetime.fromtimestamp(at, UTC) if request.user.is_authenticated and at is not None else None


def code_time(request: HttpRequest) -> datetime | None:
    """When the person at this browser last typed a one-time code; None where that is no part of this sign-in."""
    at = request.session.get(CODE_TIME)
    return datetime.fromtimestamp(at, UTC) if request.user.is_authenticated and at is not None else None


def code_proven(request: HttpRequest, *, now: datetime) -> None:
    """Notes the second factor. Who typed the password just before has proved both at this moment."""
    request.session[CODE_TIME] = int(now.timestamp())
    request.session[CODES] = request.session.get(CODES, 0) + 1
    at = request.session.get(AUTH_TIME)
    if at is not None and now.timestamp() - at <= portal_sessions.FRESH_SECONDS:
        request.session[AUTH_TIME] = int(now.timestamp())


def client_session(request: HttpRequest, client_id: str) -> ProviderSession:
    """The part of `client_id` in this browser's sign-in; made at its first authorization."""
    at = auth_time(request)
    if at is None or request.session.session_key is None:
        raise InvalidToken("no session at the ID")
    row, _ = ProviderSession.objects.update_or_create(
        sign_in=request.session[SIGN_IN],
        client_id=client_id,
        defaults={"session_key": request.session.session_key, "auth_time": at},
        create_defaults={
            "resident_id": request.user.pk,
            "sid": secrets.token_urlsafe(24),
            "session_key": request.session.session_key,
            "auth_time": at,
        },
    )
    return row


def end_request(request: HttpRequest) -> None:
    """Ends the sign-in of this browser everywhere; the caller then logs the browser out."""
    sign_in = request.session.get(SIGN_IN)
    if sign_in:
        end_sign_in(sign_in)


def is_own(request: HttpRequest, *, sid: str) -> bool:
    """Whether this `sid` is a part of this browser's sign-in."""
    sign_in = request.session.get(SIGN_IN)
    return bool(sign_in) and ProviderSession.objects.filter(sid=sid, sign_in=sign_in).exists()


def ask_for_proof(request: HttpRequest, key: str) -> None:
    """Notes that the authorization request `key` waits for the person to prove who they are; "" notes nothing."""
    waiting = request.session.get(WAITING, {})
    if not key or key in waiting:
        return
    newest = list(waiting.items())[-(MOST_WAITING - 1) :]
    counts = [request.session.get(PROOFS, 0), request.session.get(CODES, 0)]
    request.session[WAITING] = {**dict(newest), key: counts}


def proved(request: HttpRequest, key: str, *, by_code: bool = False) -> bool:
    """Whether the person has proved it since `key` asked, by the password or (`by_code`) by a one-time code."""
    asked = request.session.get(WAITING, {}).get(key)
    if asked is None:
        return False
    return bool(request.session.get(CODES if by_code else PROOFS, 0) > asked[int(by_code)])


def use_proof(request: HttpRequest, key: str) -> None:
    """A proof serves one request: the same one sent again asks anew."""
    waiting = request.session.get(WAITING, {})
    if key in waiting:
        request.session[WAITING] = {name: asked for name, asked in waiting.items() if name != key}


def end_sign_in(sign_in: str) -> None:
    """Deletes tokens and browser session, tells every client once."""
    for row in ProviderSession.objects.select_related("resident").filter(sign_in=sign_in, ended_at=None):
        with transaction.atomic():
            if ProviderSession.objects.filter(pk=row.pk, ended_at=None).update(ended_at=timezone.now()):
                _end_client(row)


def _end_client(row: ProviderSession) -> None:
    now = timezone.now()
    server.forget_tokens([pk for pk in row.codes.values_list("access_token_id", flat=True) if pk is not None])
    if row.client_id == settings.OIDC_CLIENT_ID:
        portal_sessions.end(iss=settings.OIDC_ISSUER, sub=row.resident.subject, sid=row.sid)
    else:
        client = GadgetClient.objects.filter(client_id=row.client_id).first()
        if client is not None and client.logout_uri:
            sub = clients.pairwise_subject(client, row.resident)
            raw, jti, expires = server.logout_token(client_id=row.client_id, sub=sub, sid=row.sid, now=now)
            logout_relay.enqueue(client, raw=raw, jti=jti, expires=expires)
    _delete_session(row.session_key)


def _delete_session(key: str) -> None:
    stored(None).delete(key)


def password_changed(request: HttpRequest, resident: Resident, *, now: datetime) -> None:
    """Ends every other sign-in: whoever knew the old password is out. This one goes on, under its new key."""
    mine = request.session[SIGN_IN]
    others = ProviderSession.objects.filter(resident=resident, ended_at=None).exclude(sign_in=mine)
    for sign_in in set(others.values_list("sign_in", flat=True)):
        end_sign_in(sign_in)
    begin(request, now=now)
    parts = ProviderSession.objects.filter(sign_in=mine)
    parts.update(session_key=request.session.session_key)
    sids = parts.filter(client_id=settings.OIDC_CLIENT_ID).values_list("sid", flat=True)
    portal_sessions.keep_only(resident, sids=tuple(sids))


def _session(sign_in: str, parts: list[ProviderSession]) -> IdSession | None:
    data = next((data for part in parts if (data := stored(part.session_key)).get(SIGN_IN) == sign_in), None)
    if data is None:
        return None
    return IdSession(
        id=sign_in,
        sids=tuple(part.sid for part in parts),
        clients=tuple(part.client_id for part in parts if part.client_id != settings.OIDC_CLIENT_ID),
        started_at=min(part.created_at for part in parts),
        seen_at=datetime.fromtimestamp(data[lifetimes.SEEN], UTC),
    )


# --- the driver ----------------------------------------------------------------------------------------------


class EmbeddedProvider:
    """The provider for one machine, in the portal's own process and database."""

    capabilities = frozenset(
        {
            idp.SIGN_IN,
            idp.SILENT,
            idp.PAIRWISE,
            idp.BACKCHANNEL_LOGOUT,
            idp.PER_CLIENT_SID,
            idp.SESSIONS,
            idp.PASSWORD,
            idp.REMEMBER_ME,
        }
    )

    @property
    def issuer(self) -> str:
        return str(settings.OIDC_ISSUER)

    @chain.together()
    def upsert_client(
        self, spec: ClientSpec, *, secret: str = "", by: Actor = SYSTEM
    ) -> ClientCredentials | None:
        """Row and application in one transaction."""
        new = not get_application_model().objects.filter(client_id=spec.client_id).exists()
        if secret and not new:
            clients.rotated(spec.client_id, by=by)
        clients.save(spec, by=by)
        if new and not secret:
            secret = secrets.token_urlsafe(32)
        gadget_clients.save(
            client_id=spec.client_id,
            name=spec.name,
            secret=secret,
            redirect_uris=spec.redirect_uris,
            post_logout_redirect_uris=spec.post_logout_redirect_uris,
        )
        return ClientCredentials(spec.client_id, secret) if secret else None

    def disable_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        """Suspends it and forgets its tokens; its own sessions it is not told about, as with Keycloak."""
        clients.set_suspended(client_id, suspended=True, by=by)
        for row in ProviderSession.objects.select_related("resident").filter(
            client_id=client_id, ended_at=None
        ):
            server.forget_tokens(
                [pk for pk in row.codes.values_list("access_token_id", flat=True) if pk is not None]
            )

    def enable_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        clients.set_suspended(client_id, suspended=False, by=by)

    @chain.together()
    def rotate_client(self, client_id: str, *, by: Actor = SYSTEM) -> ClientCredentials:
        secret = secrets.token_urlsafe(32)
        digest = gadget_clients.secret_digest(secret)
        if not get_application_model().objects.filter(client_id=client_id).update(client_secret=digest):
            raise NoSuchClient
        clients.rotated(client_id, by=by)
        return ClientCredentials(client_id, secret)

    def resolve_access_token(self, raw: str) -> Bearer:
        """Looks in the toolkit's table: the token is random and says nothing by itself.

        It has no audience of its own: it holds at this ID, whose one resource is the claims endpoint of this portal.
        """
        digest = sha256(raw.encode()).hexdigest()
        token = (
            get_access_token_model()
            .objects.select_related("application", "user")
            .filter(token_checksum=digest, expires__gt=timezone.now())
            .first()
        )
        if token is None or token.application is None or token.user is None or not token.user.is_active:
            raise InvalidToken("unknown or expired")
        client = GadgetClient.objects.filter(client_id=token.application.client_id, suspended=False).first()
        session = ProviderSession.objects.filter(codes__access_token_id=token.pk, ended_at=None).first()
        if client is None or session is None:
            raise InvalidToken("not a registered gadget's token")
        return Bearer(
            client.client_id, clients.pairwise_subject(client, token.user), session.sid, token.expires
        )

    def require_live(self, raw: str) -> None:
        """An ended session took its tokens along; one that is over by time has left only its rows."""
        digest = sha256(raw.encode()).hexdigest()
        token = get_access_token_model().objects.filter(token_checksum=digest).first()
        sign_ins = (
            ProviderSession.objects.filter(codes__access_token_id=token.pk, ended_at=None) if token else ()
        )
        for row in sign_ins:
            parts = list(ProviderSession.objects.filter(sign_in=row.sign_in))
            if _session(row.sign_in, parts) is not None:
                return
        raise InvalidToken("ended or revoked")

    def end_everywhere(self, resident_id: UUID) -> None:
        resident = Resident.objects.filter(pk=resident_id).first()
        if resident is None:
            raise NoSuchResident
        open_ones = ProviderSession.objects.filter(resident=resident, ended_at=None)
        for sign_in in set(open_ones.values_list("sign_in", flat=True)):
            end_sign_in(sign_in)
        portal_sessions.end(iss=resident.issuer, sub=resident.subject, sid="")

    def remove_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        """Its open parts are over; nobody is told, because there is nobody to tell."""
        with transaction.atomic():
            ProviderSession.objects.filter(client_id=client_id).delete()
            get_application_model().objects.filter(client_id=client_id).delete()
            clients.remove(client_id, by=by)

    def sessions(self, resident_id: UUID) -> tuple[IdSession, ...]:
        """One for each browser; what ended by time is gone with the session's data."""
        found: dict[str, list[ProviderSession]] = {}
        rows = ProviderSession.objects.filter(resident_id=resident_id, ended_at=None).order_by("created_at")
        for row in rows:
            found.setdefault(row.sign_in, []).append(row)
        made = [_session(sign_in, parts) for sign_in, parts in found.items()]
        return tuple(sorted(filter(None, made), key=lambda one: one.started_at, reverse=True))

    def end_session(self, resident_id: UUID, session_id: str) -> None:
        """Only one of this resident's own."""
        if ProviderSession.objects.filter(resident_id=resident_id, sign_in=session_id).exists():
            end_sign_in(session_id)

    def email_of(self, resident_id: UUID) -> str:
        """The account is the row."""
        found = Resident.objects.filter(pk=resident_id).values_list("email", flat=True).first()
        return found or ""

    def action_url(self, kind: str, *, next_path: str) -> str:
        """There is a page for the password; a second factor is Keycloak's alone."""
        if kind != idp.PASSWORD:
            return ""
        page = reverse("account_change_password", urlconf="identity.embedded.urls")
        return f"{settings.ID_URL}{page}?{urlencode({'back': next_path})}"

    def delete_account(self, resident_id: UUID) -> None:
        """Nobody can sign in to it any more, and its address is free; the row itself is the portal's."""
        if not Resident.objects.filter(pk=resident_id).exists():
            return
        self.end_everywhere(resident_id)
        with transaction.atomic():
            EmailAddress.objects.filter(user_id=resident_id).delete()
            resident = Resident.objects.select_for_update(no_key=True).get(pk=resident_id)
            resident.username, resident.email = opaque_username(), ""
            resident.set_unusable_password()
            resident.save()

    def health(self) -> bool:
        """It is as well as the process that asks."""
        return True
