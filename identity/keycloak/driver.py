"""The driver for Keycloak: clients of gadgets and sessions, by a service account with the least rights."""

import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import requests
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakDeleteError, KeycloakError, raise_error_from_response

from identity import idp, loopback
from identity.domain.roles import SYSTEM, Actor
from identity.errors import InvalidToken, NoSuchClient, NoSuchResident
from identity.idp import Bearer, ClientCredentials, ClientSpec, IdSession
from identity.keycloak.admin_api import Connection, said_in_words
from identity.keycloak.gadget_clients import representation
from identity.models import GadgetClient, Resident
from identity.oidc import clients, tokens
from identity.sessions import portal_sessions

ACTIONS = {idp.PASSWORD: "password", idp.TOTP: "totp", idp.PASSKEYS: "passkey"}
"""How `/sign-in/?action=` names what a resident can do at the ID."""
GONE = 404


class KeycloakProvider:
    """One realm of Keycloak 26."""

    capabilities = frozenset(
        {
            idp.SIGN_IN,
            idp.SILENT,
            idp.PAIRWISE,
            idp.BACKCHANNEL_LOGOUT,
            idp.ACCOUNT_SELF_SERVICE,
            idp.SESSIONS,
            idp.PASSWORD,
            idp.TOTP,
            idp.PASSKEYS,
            idp.EMAIL_PROOF,
            idp.BROKERING,
        }
    )

    def __init__(self) -> None:
        self._kept = threading.local()

    @property
    def issuer(self) -> str:
        return str(settings.OIDC_ISSUER)

    @property
    def _admin(self) -> KeycloakAdmin:
        """One for each thread: its session and token are not to be shared."""
        if not hasattr(self._kept, "admin"):
            self._kept.admin = KeycloakAdmin(connection=Connection())
        return self._kept.admin

    def _key(self, client_id: str) -> str:
        key = self._admin.get_client_id(client_id)
        if key is None:
            raise NoSuchClient
        return str(key)

    def upsert_client(
        self, spec: ClientSpec, *, secret: str = "", by: Actor = SYSTEM
    ) -> ClientCredentials | None:
        """The row first and committed: no HTTP happens inside a transaction. Trying again is harmless."""
        row = clients.save(spec, by=by)
        body = representation(spec, row)
        with said_in_words():
            key = self._admin.get_client_id(spec.client_id)
            if key is None:
                made = secret or secrets.token_urlsafe(32)
                self._admin.create_client({**body, "secret": made})
                return ClientCredentials(spec.client_id, made)
            known = self._admin.get_client(key)
            attributes = {**known.get("attributes", {}), **body["attributes"]}
            self._add_missing_mappers(key, body.pop("protocolMappers"), known.get("protocolMappers") or [])
            changed = {**known, **body, "attributes": attributes}
            changed.pop("protocolMappers", None)
            self._admin.update_client(key, {**changed, "secret": secret} if secret else changed)
        if secret:
            clients.rotated(spec.client_id, by=by)
        return ClientCredentials(spec.client_id, secret) if secret else None

    def _add_missing_mappers(
        self, key: str, wanted: list[dict[str, Any]], held: list[dict[str, Any]]
    ) -> None:
        """Those that are there stay as they are: salt and sector never change."""
        names = {mapper["name"] for mapper in held}
        for mapper in wanted:
            if mapper["name"] not in names:
                self._admin.add_mapper_to_client(client_id=key, payload=mapper)

    def _enable(self, client_id: str, by: Actor, *, enabled: bool) -> None:
        clients.set_suspended(client_id, suspended=not enabled, by=by)
        with said_in_words():
            key = self._key(client_id)
            self._admin.update_client(key, {**self._admin.get_client(key), "enabled": enabled})

    def disable_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        """Its tokens are refused by the portal at once; Keycloak itself sends no logout for this."""
        self._enable(client_id, by, enabled=False)

    def enable_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        self._enable(client_id, by, enabled=True)

    def rotate_client(self, client_id: str, *, by: Actor = SYSTEM) -> ClientCredentials:
        with said_in_words():
            made = self._admin.generate_client_secrets(self._key(client_id))
        clients.rotated(client_id, by=by)
        return ClientCredentials(client_id, str(made["value"]))

    def remove_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        """There first: while Keycloak is away the row stays, and with it the salt."""
        with said_in_words():
            key = self._admin.get_client_id(client_id)
            if key is not None:
                self._unless_gone(self._admin.delete_client, key)
        clients.remove(client_id, by=by)

    def resolve_access_token(self, raw: str) -> Bearer:
        """By the realm's key set; the portal must be an audience of it."""
        claims = tokens.verify(raw).claims
        expires = tokens.seconds(claims, "exp")
        if claims.get("typ") != "Bearer":
            raise InvalidToken("not an access token")
        if expires <= timezone.now().timestamp():
            raise InvalidToken("expired")
        if settings.OIDC_CLIENT_ID not in tokens.audiences(claims):
            raise InvalidToken("audience is another")
        client_id = str(claims.get("azp") or "")
        if not GadgetClient.objects.filter(client_id=client_id, suspended=False).exists():
            raise InvalidToken("not a registered gadget's token")
        sub, sid = str(claims.get("sub") or ""), str(claims.get("sid") or "")
        if not sub:
            raise InvalidToken("no subject")
        return Bearer(client_id, sub, sid, datetime.fromtimestamp(expires, UTC))

    def require_live(self, raw: str) -> None:
        """Asks Keycloak: the token itself does not know that its session was ended, or that it was revoked."""
        tokens.require_active(raw)

    @staticmethod
    def _unless_gone(call: Callable[..., Any], *args: Any) -> Any:
        """What the call answers; None when the thing is not there (any more)."""
        try:
            return call(*args)
        except KeycloakError as error:
            if error.response_code != GONE:
                raise
            return None

    @staticmethod
    def _resident(resident_id: UUID) -> Resident | None:
        return Resident.objects.filter(pk=resident_id).first()

    def end_everywhere(self, resident_id: UUID) -> None:
        """At the portal at once, then at Keycloak, which tells the gadgets through the relay."""
        resident = self._resident(resident_id)
        if resident is None:
            raise NoSuchResident
        portal_sessions.end_resident(resident_id)
        with said_in_words():
            self._unless_gone(self._admin.user_logout, resident.subject)

    def sessions(self, resident_id: UUID) -> tuple[IdSession, ...]:
        """Its `sid` is the session's own id; the address that Keycloak also tells is left there."""
        resident = self._resident(resident_id)
        if resident is None:
            return ()
        with said_in_words():
            found = self._unless_gone(self._admin.get_sessions, resident.subject) or []
        rows = (
            IdSession(
                id=str(one["id"]),
                sids=(str(one["id"]),),
                clients=tuple(sorted(set(one.get("clients", {}).values()) - {settings.OIDC_CLIENT_ID})),
                started_at=datetime.fromtimestamp(one["start"] / 1000, UTC),
                seen_at=datetime.fromtimestamp(one["lastAccess"] / 1000, UTC),
            )
            for one in found
        )
        return tuple(sorted(rows, key=lambda row: row.started_at, reverse=True))

    def end_session(self, resident_id: UUID, session_id: str) -> None:
        """Only one of this resident's own: an id of somebody else's session ends nothing."""
        resident = self._resident(resident_id)
        if resident is None or not session_id:
            return
        portal_sessions.end(iss=resident.issuer, sub=resident.subject, sid=session_id)
        if session_id not in {row.id for row in self.sessions(resident_id)}:
            return
        with said_in_words():
            self._unless_gone(self._delete_session, session_id)

    def _delete_session(self, session_id: str) -> None:
        answer = self._admin.connection.raw_delete(
            f"admin/realms/{settings.KEYCLOAK_REALM}/sessions/{session_id}"
        )
        raise_error_from_response(answer, KeycloakDeleteError)

    def email_of(self, resident_id: UUID) -> str:
        resident = self._resident(resident_id)
        if resident is None:
            return ""
        with said_in_words():
            found = self._unless_gone(self._admin.get_user, resident.subject) or {}
        return str(found.get("email") or "")

    def action_url(self, kind: str, *, next_path: str) -> str:
        """Through the portal's own sign-in, which asks Keycloak for the action and comes back to `next_path`."""
        if kind not in self.capabilities or kind not in ACTIONS:
            return ""
        return f"{reverse('identity:signin')}?{urlencode({'action': ACTIONS[kind], 'next': next_path})}"

    def delete_account(self, resident_id: UUID) -> None:
        """Signs out first: Keycloak tells nobody of a session that goes with its account."""
        resident = self._resident(resident_id)
        if resident is None:
            return
        self.end_everywhere(resident_id)
        with said_in_words():
            self._unless_gone(self._admin.delete_user, resident.subject)

    def health(self) -> bool:
        """Whether discovery answers within a second, past any cache."""
        try:
            with loopback.session() as http:
                answer = http.get(settings.OIDC_DISCOVERY_URL, timeout=tokens.TIMEOUT, allow_redirects=False)
                return answer.status_code == 200 and answer.json().get("issuer") == settings.OIDC_ISSUER
        except (requests.RequestException, ValueError):
            return False
