"""What tests arrange in the real Keycloak by the portal's own service account: people, and a portal client."""

from typing import Any

from keycloak import KeycloakAdmin

from identity.keycloak.admin_api import Connection
from tests.services.realm import one_time_codes


def admin() -> KeycloakAdmin:
    """With the rights of the service account, no more."""
    return KeycloakAdmin(connection=Connection())


def make_person(username: str, password: str) -> str:
    """A resident's account; returns its id in Keycloak."""
    made: str = admin().create_user(
        {
            "username": username,
            "email": f"{username}@example.jp",
            "emailVerified": True,
            "enabled": True,
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
    )
    return made


def portal_client(settings: Any) -> None:
    """A copy of the realm's own `portal` client for the port of this test."""
    keycloak = admin()
    known = keycloak.get_client(str(keycloak.get_client_id("portal")))
    for name in ("id", "access", "authenticationFlowBindingOverrides"):
        known.pop(name, None)
    for mapper in known.get("protocolMappers", []):
        mapper.pop("id", None)
    portal = settings.PORTAL_URL
    known.update(
        clientId=settings.OIDC_CLIENT_ID,
        secret=settings.OIDC_CLIENT_SECRET,
        redirectUris=[f"{portal}/sign-in/callback"],
    )
    known["attributes"] |= {
        "backchannel.logout.url": f"{portal}/oidc/backchannel-logout",
        "post.logout.redirect.uris": f"{portal}/sign-out/done",
    }
    old = keycloak.get_client_id(settings.OIDC_CLIENT_ID)
    if old is not None:
        keycloak.delete_client(old)
    keycloak.create_client(known)


def give_codes(username: str, key: str) -> None:
    """One-time codes whose key the test knows, as if they had been set up before."""
    keycloak = admin()
    user = str(keycloak.get_user_id(username))
    keycloak.update_user(user, {**keycloak.get_user(user), "credentials": [one_time_codes(key)]})
