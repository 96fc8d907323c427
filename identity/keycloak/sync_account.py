"""Makes the account that may change the region's realm, in Keycloak's own realm `master`.

It must not stand in the region's realm: whoever may manage clients there (as the portal's everyday account does)
can read the secret of each of them.
"""

from collections.abc import Callable
from typing import Any, Final

REALM: Final = "master"
ROLES: Final = (
    "manage-realm", "view-realm", "manage-clients", "view-clients", "query-clients", "manage-users", "view-users",
    "query-users", "view-events", "manage-identity-providers", "view-identity-providers",
)  # fmt: skip
"""Over the region's realm only. `view-events` because nobody can give a role that they do not have."""

Call = Callable[[str, str, Any], Any]
"""(method, path below /admin/realms/master/, JSON body) → JSON answer."""


def ensure(call: Call, *, realm: str, client_id: str, secret: str) -> None:
    """Makes the account, or sets its secret and exactly its roles; `call` has an administrator's rights."""
    body = {
        "clientId": client_id,
        "name": f"keycloak_sync of {realm}",
        "enabled": True,
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "fullScopeAllowed": True,
        "redirectUris": [],
        "secret": secret,
    }
    known = call("GET", f"clients?clientId={client_id}", None)
    if known:
        call("PUT", f"clients/{known[0]['id']}", {**known[0], **body})
    else:
        call("POST", "clients", body)
        known = call("GET", f"clients?clientId={client_id}", None)
    account = call("GET", f"clients/{known[0]['id']}/service-account-user", None)["id"]
    manager = call("GET", f"clients?clientId={realm}-realm", None)[0]["id"]
    at = f"users/{account}/role-mappings/clients/{manager}"
    held = call("GET", at, None)
    roles = call("GET", f"clients/{manager}/roles", None)
    has = {role["name"] for role in held}
    call("DELETE", at, [role for role in held if role["name"] not in ROLES])
    call("POST", at, [role for role in roles if role["name"] in ROLES and role["name"] not in has])
