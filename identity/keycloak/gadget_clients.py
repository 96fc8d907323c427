"""The clients of gadgets as Keycloak is to keep them: `openid` and a pairwise subject, nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from identity.idp import ClientSpec
from identity.models import GadgetClient
from identity.oidc import clients

MANAGED: Final = "madoguchi.portal"
"""The attribute by which a portal knows its own gadgets' clients; its value is the portal's address."""
POST_LOGOUT: Final = "post.logout.redirect.uris"


def audience() -> dict[str, Any]:
    """The mapper that makes the portal an audience of a gadget's access tokens: the claims endpoint demands it."""
    return {
        "name": "audience of the claims endpoint",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {
            "included.client.audience": settings.OIDC_CLIENT_ID,
            "id.token.claim": "false",
            "access.token.claim": "true",
            "introspection.token.claim": "true",
        },
    }


def representation(spec: ClientSpec, client: GadgetClient) -> dict[str, Any]:
    """The whole client of a gadget."""
    body = of_row(client)
    body["name"] = spec.name
    # Without any, Keycloak would fall back to the redirect URIs.
    body["attributes"][POST_LOGOUT] = "##".join(spec.post_logout_redirect_uris) or "-"
    return body


def of_row(client: GadgetClient) -> dict[str, Any]:
    """As much of it as the portal's own row tells: what drift is measured by."""
    return {
        "clientId": client.client_id,
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
        "redirectUris": list(client.redirect_uris),
        "webOrigins": [],
        # `basic` carries `auth_time`: the same second at two sites would join their pseudonyms. A site that checks
        # a `max_age` asks for the scope; the subject is the pairwise mapper's.
        "defaultClientScopes": ["acr"],
        "optionalClientScopes": ["basic"],
        "attributes": {
            MANAGED: settings.PORTAL_URL,
            "pkce.code.challenge.method": "S256",
            "backchannel.logout.url": f"{settings.PORTAL_URL}/oidc/relay/{client.client_id}",
            "backchannel.logout.session.required": "true",
            "backchannel.logout.revoke.offline.tokens": "false",
            "exclude.session.state.from.auth.response": "true",
            "use.refresh.tokens": "false",
            # Every other way to a token stays shut, whatever a later Keycloak takes for its default.
            "standard.token.exchange.enabled": "false",
            "oauth2.device.authorization.grant.enabled": "false",
            "oidc.ciba.grant.enabled": "false",
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
            },
            audience(),
        ],
    }


def expected() -> dict[str, dict[str, Any]]:
    """Every client of a gadget's site that the portal knows, by its id."""
    return {row.client_id: of_row(row) for row in _with_a_site().order_by("client_id")}


def _with_a_site() -> QuerySet[GadgetClient]:
    """The other rows hold pseudonyms only: Keycloak is to have no client for them."""
    return GadgetClient.objects.exclude(redirect_uris=[])


def strangers(known: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Enabled clients at the ID that carry this portal's mark and that it does not know."""
    mine = set(_with_a_site().values_list("client_id", flat=True))
    for client_id, found in known.items():
        marked = found.get("attributes", {}).get(MANAGED) == settings.PORTAL_URL
        if marked and client_id not in mine and found.get("enabled"):
            yield found
