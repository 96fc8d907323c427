"""The driver for Keycloak: clients of gadgets and sessions, by a service account with the least rights."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import requests
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from keycloak import KeycloakAdmin, KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from identity import clients, idp, loopback, sessions, tokens
from identity.errors import InvalidToken, NoSuchClient, NoSuchResident, ProviderProblem, ProviderUnavailable
from identity.idp import Bearer, ClientCredentials, ClientSpec
from identity.models import GadgetClient, Resident

TIMEOUT = 3
"""Seconds for a call of the admin interface: registering a client writes, unlike everything in a sign-in."""


class _Connection(KeycloakOpenIDConnection):
    """Reaches names under .localhost like everything else here."""

    def __init__(self) -> None:
        super().__init__(
            server_url=settings.KEYCLOAK_URL,
            realm_name=settings.KEYCLOAK_REALM,
            client_id=settings.KEYCLOAK_ADMIN_CLIENT_ID,
            client_secret_key=settings.KEYCLOAK_ADMIN_CLIENT_SECRET,
            timeout=TIMEOUT,
        )
        loopback.mount(self._s)
        loopback.mount(self.keycloak_openid.connection._s)


@contextmanager
def _said_in_words() -> Iterator[None]:
    """Keycloak's errors as ours."""
    try:
        yield
    except KeycloakConnectionError as error:
        raise ProviderUnavailable from error
    except KeycloakError as error:
        if error.response_code is None or error.response_code >= 500:
            raise ProviderUnavailable from error
        raise ProviderProblem from error


def representation(spec: ClientSpec, client: GadgetClient) -> dict[str, Any]:
    """The client as Keycloak is to keep it: `openid` and a pairwise subject, nothing else."""
    return {
        "clientId": spec.client_id,
        "name": spec.name,
        "enabled": not client.suspended,
        "protocol": "openid-connect",
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "consentRequired": False,
        "fullScopeAllowed": False,
        "frontchannelLogout": False,
        "redirectUris": list(spec.redirect_uris),
        "webOrigins": [],
        "defaultClientScopes": ["basic", "acr"],
        "optionalClientScopes": [],
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "backchannel.logout.url": f"{settings.PORTAL_URL}/oidc/relay/{spec.client_id}",
            "backchannel.logout.session.required": "true",
            "backchannel.logout.revoke.offline.tokens": "false",
            # Without any, Keycloak would fall back to the redirect URIs.
            "post.logout.redirect.uris": "##".join(spec.post_logout_redirect_uris) or "-",
            "exclude.session.state.from.auth.response": "true",
            "use.refresh.tokens": "false",
        },
        "protocolMappers": [
            {
                "name": "pairwise subject",
                "protocol": "openid-connect",
                "protocolMapper": "oidc-sha256-pairwise-sub-mapper",
                "config": {
                    "sectorIdentifierUri": "",
                    "pairwiseSubAlgorithmSalt": clients.salt(client).decode(),
                },
            }
        ],
    }


class KeycloakProvider:
    """One realm of Keycloak 26."""

    capabilities = frozenset(
        {idp.SIGN_IN, idp.SILENT, idp.PAIRWISE, idp.BACKCHANNEL_LOGOUT, idp.ACCOUNT_SELF_SERVICE}
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
            self._kept.admin = KeycloakAdmin(connection=_Connection())
        return self._kept.admin

    def _key(self, client_id: str) -> str:
        key = self._admin.get_client_id(client_id)
        if key is None:
            raise NoSuchClient
        return str(key)

    def upsert_client(self, spec: ClientSpec, *, secret: str = "") -> ClientCredentials | None:
        """The row first and committed: no HTTP happens inside a transaction. Trying again is harmless."""
        with transaction.atomic():
            row = clients.save(spec)
        body = representation(spec, row)
        with _said_in_words():
            key = self._admin.get_client_id(spec.client_id)
            if key is None:
                made = secret or secrets.token_urlsafe(32)
                self._admin.create_client({**body, "secret": made})
                return ClientCredentials(spec.client_id, made)
            known = self._admin.get_client(key)
            attributes = {**known.get("attributes", {}), **body["attributes"]}
            del body["protocolMappers"]  # salt and sector never change
            changed = {**known, **body, "attributes": attributes}
            self._admin.update_client(key, {**changed, "secret": secret} if secret else changed)
        return ClientCredentials(spec.client_id, secret) if secret else None

    def _enable(self, client_id: str, *, enabled: bool) -> None:
        GadgetClient.objects.filter(client_id=client_id).update(suspended=not enabled)
        with _said_in_words():
            key = self._key(client_id)
            self._admin.update_client(key, {**self._admin.get_client(key), "enabled": enabled})

    def disable_client(self, client_id: str) -> None:
        """Its tokens are refused by the portal at once; Keycloak itself sends no logout for this."""
        self._enable(client_id, enabled=False)

    def enable_client(self, client_id: str) -> None:
        self._enable(client_id, enabled=True)

    def rotate_client(self, client_id: str) -> ClientCredentials:
        with _said_in_words():
            made = self._admin.generate_client_secrets(self._key(client_id))
        return ClientCredentials(client_id, str(made["value"]))

    def resolve_access_token(self, raw: str) -> Bearer:
        """By the realm's key set. `aud` is not demanded: a gadget's token has none for the portal."""
        claims = tokens.verify(raw).claims
        expires = tokens.seconds(claims, "exp")
        if claims.get("typ") != "Bearer":
            raise InvalidToken("not an access token")
        if expires <= timezone.now().timestamp():
            raise InvalidToken("expired")
        client_id = str(claims.get("azp") or "")
        if not GadgetClient.objects.filter(client_id=client_id, suspended=False).exists():
            raise InvalidToken("not a registered gadget's token")
        sub, sid = str(claims.get("sub") or ""), str(claims.get("sid") or "")
        if not sub:
            raise InvalidToken("no subject")
        return Bearer(client_id, sub, sid, datetime.fromtimestamp(expires, UTC))

    def end_everywhere(self, resident_id: UUID) -> None:
        """At the portal at once, then at Keycloak, which tells the gadgets through the relay."""
        resident = Resident.objects.filter(pk=resident_id).first()
        if resident is None:
            raise NoSuchResident
        sessions.end_resident(resident_id)
        with _said_in_words():
            self._admin.user_logout(resident.subject)

    def health(self) -> bool:
        """Whether discovery answers within a second, past any cache."""
        try:
            with loopback.session() as http:
                answer = http.get(settings.OIDC_DISCOVERY_URL, timeout=tokens.TIMEOUT, allow_redirects=False)
                return answer.status_code == 200 and answer.json().get("issuer") == settings.OIDC_ISSUER
        except (requests.RequestException, ValueError):
            return False
