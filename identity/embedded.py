"""The embedded provider as a driver of the seam, and the life of its sessions.

A `sign_in` is one browser's sign-in at the ID; each client that was signed in from it has a `ProviderSession`
with a `sid` of its own. Ending a sign-in ends them all: their tokens are deleted and each client is told by a
back-channel logout token (gadgets through the relay, the portal at once, because it is this process).
"""

import secrets
from datetime import UTC, datetime
from hashlib import sha256
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model

from identity import clients, embedded_clients, embedded_server, idp, relay, sessions
from identity.errors import InvalidToken, NoSuchClient
from identity.idp import Bearer, ClientCredentials, ClientSpec
from identity.models import GadgetClient, ProviderSession, Resident

SIGN_IN = "_id_sign_in"
AUTH_TIME = "_id_auth_time"

ensure_portal_client = embedded_clients.ensure_portal_client


# --- sessions ------------------------------------------------------------------------------------------------


def begin(request: HttpRequest, *, now: datetime) -> None:
    """Notes in the browser's session at the ID that somebody has just proved who they are."""
    request.session.setdefault(SIGN_IN, secrets.token_urlsafe(24))
    request.session[AUTH_TIME] = int(now.timestamp())


def auth_time(request: HttpRequest) -> datetime | None:
    """When the person at this browser last typed the password; None without a session."""
    at = request.session.get(AUTH_TIME)
    return datetime.fromtimestamp(at, UTC) if request.user.is_authenticated and at is not None else None


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


def end_by_sid(sid: str) -> None:
    """Ends the sign-in that an ID token's `sid` belongs to."""
    row = ProviderSession.objects.filter(sid=sid).first()
    if row is not None:
        end_sign_in(row.sign_in)


def end_sign_in(sign_in: str) -> None:
    """Deletes tokens and browser session, tells every client once."""
    for row in ProviderSession.objects.select_related("resident").filter(sign_in=sign_in, ended_at=None):
        with transaction.atomic():
            if ProviderSession.objects.filter(pk=row.pk, ended_at=None).update(ended_at=timezone.now()):
                _end_client(row)


def _end_client(row: ProviderSession) -> None:
    now = timezone.now()
    embedded_server.forget_tokens(
        [pk for pk in row.codes.values_list("access_token_id", flat=True) if pk is not None]
    )
    if row.client_id == settings.OIDC_CLIENT_ID:
        sessions.end(iss=settings.OIDC_ISSUER, sub=row.resident.subject, sid=row.sid)
    else:
        client = GadgetClient.objects.filter(client_id=row.client_id).first()
        if client is not None and client.logout_uri:
            sub = clients.pairwise_subject(client, row.resident)
            raw, jti, expires = embedded_server.logout_token(
                client_id=row.client_id, sub=sub, sid=row.sid, now=now
            )
            relay.enqueue(client, raw=raw, jti=jti, expires=expires)
    _delete_session(row.session_key)


def _delete_session(key: str) -> None:
    import_module(settings.SESSION_ENGINE).SessionStore().delete(key)


# --- the driver ----------------------------------------------------------------------------------------------


class EmbeddedProvider:
    """The provider for one machine, in the portal's own process and database."""

    capabilities = frozenset(
        {idp.SIGN_IN, idp.SILENT, idp.PAIRWISE, idp.BACKCHANNEL_LOGOUT, idp.PER_CLIENT_SID}
    )

    @property
    def issuer(self) -> str:
        return str(settings.OIDC_ISSUER)

    @transaction.atomic
    def upsert_client(self, spec: ClientSpec, *, secret: str = "") -> ClientCredentials | None:
        """Row and application in one transaction."""
        new = not get_application_model().objects.filter(client_id=spec.client_id).exists()
        clients.save(spec)
        if new and not secret:
            secret = secrets.token_urlsafe(32)
        embedded_clients.save(
            client_id=spec.client_id,
            name=spec.name,
            secret=secret,
            redirect_uris=spec.redirect_uris,
            post_logout_redirect_uris=spec.post_logout_redirect_uris,
        )
        return ClientCredentials(spec.client_id, secret) if secret else None

    def disable_client(self, client_id: str) -> None:
        """Suspends it and forgets its tokens; its own sessions it is not told about, as with Keycloak."""
        GadgetClient.objects.filter(client_id=client_id).update(suspended=True)
        for row in ProviderSession.objects.select_related("resident").filter(
            client_id=client_id, ended_at=None
        ):
            embedded_server.forget_tokens(
                [pk for pk in row.codes.values_list("access_token_id", flat=True) if pk is not None]
            )

    def enable_client(self, client_id: str) -> None:
        GadgetClient.objects.filter(client_id=client_id).update(suspended=False)

    def rotate_client(self, client_id: str) -> ClientCredentials:
        secret = secrets.token_urlsafe(32)
        digest = embedded_clients.secret_digest(secret)
        if not get_application_model().objects.filter(client_id=client_id).update(client_secret=digest):
            raise NoSuchClient
        return ClientCredentials(client_id, secret)

    def resolve_access_token(self, raw: str) -> Bearer:
        """Looks in the toolkit's table: the token is random and says nothing by itself."""
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

    def end_everywhere(self, resident_id: UUID) -> None:
        resident = Resident.objects.get(pk=resident_id)
        open_ones = ProviderSession.objects.filter(resident=resident, ended_at=None)
        for sign_in in set(open_ones.values_list("sign_in", flat=True)):
            end_sign_in(sign_in)
        sessions.end(iss=resident.issuer, sub=resident.subject, sid="")

    def health(self) -> bool:
        """It is as well as the process that asks."""
        return True
