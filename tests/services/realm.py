"""Gives a started realm its secrets, the portal's addresses and the cast, through Keycloak's admin API."""

import json
import secrets
from typing import Any

import requests

from demo.cast import CAST
from identity.keycloak import sync_account
from tests.services.commands import ServiceError

NAME = "region"


class Admin:
    """The few calls that are needed here; the product itself uses python-keycloak."""

    def __init__(self, base: str, client_id: str, client_secret: str, realm: str = NAME) -> None:
        self._base = base
        self._realm = realm
        self._session = requests.Session()
        answer = self._session.post(
            f"{base}/realms/master/protocol/openid-connect/token",
            data={"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret},
            timeout=30,
        )
        if answer.status_code != 200:
            raise ServiceError(
                f"Keycloak: the bootstrap client got no token ({answer.status_code}): {answer.text}"
            )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call below the realm's admin address; `ServiceError` on any refusal."""
        answer = self._session.request(
            method, f"{self._base}/admin/realms/{self._realm}/{path}", json=body, timeout=30
        )
        if not answer.ok:
            raise ServiceError(f"Keycloak: {method} {path} was refused ({answer.status_code}): {answer.text}")
        return answer.json() if answer.content else None

    def client(self, client_id: str) -> dict[str, Any]:
        """A client by the name that it shows to the world."""
        found = self.call("GET", f"clients?clientId={client_id}")
        if not found:
            raise ServiceError(f"Keycloak: the realm {self._realm} has no client {client_id!r}.")
        return dict(found[0])


def one_time_codes(key: str) -> dict[str, str]:
    """A key of one-time codes that a test knows, as Keycloak keeps it."""
    data = {"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1"}
    return {
        "type": "otp",
        "userLabel": "sample",
        "secretData": json.dumps({"value": key}),
        "credentialData": json.dumps(data),
    }


def arrange(base: str, *, client_id: str, client_secret: str, portal_url: str) -> dict[str, str]:
    """Returns the secrets made for this run, and the cast's ids in Keycloak as JSON by user name."""
    admin = Admin(base, client_id, client_secret)
    portal_secret, service_secret, sync_secret = (secrets.token_urlsafe(32) for _ in range(3))

    portal = admin.client("portal")
    portal["secret"] = portal_secret
    portal["rootUrl"] = portal_url
    portal["baseUrl"] = "/"
    portal["redirectUris"] = [f"{portal_url}/sign-in/callback"]
    portal["attributes"] |= {
        "backchannel.logout.url": f"{portal_url}/oidc/backchannel-logout",
        "post.logout.redirect.uris": f"{portal_url}/sign-out/done",
    }
    admin.call("PUT", f"clients/{portal['id']}", portal)

    service = admin.client("portal-admin")
    admin.call("PUT", f"clients/{service['id']}", {**service, "secret": service_secret})
    everywhere = Admin(base, client_id, client_secret, realm=sync_account.REALM)
    sync_account.ensure(everywhere.call, realm=NAME, client_id="portal-sync", secret=sync_secret)

    people = [
        {
            "username": person.username,
            "email": person.email,
            "emailVerified": True,
            "enabled": True,
            "attributes": {"locale": ["en" if person.locale == "en" else "ja"]},
            "credentials": [
                {"type": "password", "value": person.password, "temporary": False},
                *([one_time_codes(person.totp_key)] if person.totp_key else []),
            ],
        }
        for person in CAST.values()
    ]
    done = admin.call("POST", "partialImport", {"ifResourceExists": "OVERWRITE", "users": people})
    subjects = {one["resourceName"]: one["id"] for one in done["results"]}
    return {
        "OIDC_CLIENT_ID": "portal",
        "OIDC_CLIENT_SECRET": portal_secret,
        "KEYCLOAK_ADMIN_CLIENT_ID": "portal-admin",
        "KEYCLOAK_ADMIN_CLIENT_SECRET": service_secret,
        "KEYCLOAK_SYNC_CLIENT_ID": "portal-sync",
        "KEYCLOAK_SYNC_CLIENT_SECRET": sync_secret,
        "KEYCLOAK_CAST": json.dumps(subjects),
    }
