"""Gives the neighbouring region's realm its addresses and residents, and tells the region's realm where it is."""

import json
import secrets
from typing import Any

from tests.services.realm import Admin

NAME = "neighbour"
PASSWORD = "a-neighbours-sample-password"

KNOWN = "known"
"""Signs in here as often as a test likes; what the first time is like is shown with the others."""

RESIDENTS = {
    KNOWN: "known@neighbour.localhost",
    "visiting": "visiting@neighbour.localhost",
    "leaving": "leaving@neighbour.localhost",
    "ended": "ended@neighbour.localhost",
    # The address of a resident of the region (tests/journeys/people.py), written down by hand over there.
    "twin": "journey-twin@region.localhost",
    "linking": "journey-linking@region.localhost",
}
"""User name → e-mail address; none of the addresses is proven there."""


def arrange(base: str, public: str, *, client_id: str, client_secret: str) -> dict[str, str]:
    """Returns the secret made for this run and its residents' ids over there as JSON by user name."""
    region = Admin(base, client_id, client_secret)
    there = Admin(base, client_id, client_secret, realm=NAME)
    issuer, ours = f"{public}/realms/{NAME}", f"{public}/realms/region"
    secret = secrets.token_urlsafe(32)

    client = there.client("region")
    client["secret"] = secret
    client["consentRequired"] = False  # the journeys are about our side
    client["redirectUris"] = [f"{ours}/broker/{NAME}/endpoint"]
    client["attributes"] |= {
        "post.logout.redirect.uris": f"{ours}/broker/{NAME}/endpoint/logout_response",
        "backchannel.logout.url": f"{ours}/protocol/openid-connect/logout/backchannel-logout",
    }
    there.call("PUT", f"clients/{client['id']}", client)
    people: list[dict[str, Any]] = [
        {
            "username": name,
            "email": address,
            "emailVerified": False,
            "enabled": True,
            "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        }
        for name, address in RESIDENTS.items()
    ]
    done = there.call("POST", "partialImport", {"ifResourceExists": "OVERWRITE", "users": people})

    known = region.call("GET", f"identity-provider/instances/{NAME}")
    known["enabled"] = True
    known["config"] |= {
        "issuer": issuer,
        "authorizationUrl": f"{issuer}/protocol/openid-connect/auth",
        "tokenUrl": f"{issuer}/protocol/openid-connect/token",
        "jwksUrl": f"{issuer}/protocol/openid-connect/certs",
        "logoutUrl": f"{issuer}/protocol/openid-connect/logout",
        "clientId": "region",
        "clientSecret": secret,
    }
    region.call("PUT", f"identity-provider/instances/{NAME}", known)
    return {"NEIGHBOUR_RESIDENTS": json.dumps({one["resourceName"]: one["id"] for one in done["results"]})}


def mail_server(base: str, *, client_id: str, client_secret: str, port: int) -> None:
    """The region's ID sends its mail to the server of `tests.services.mail`."""
    Admin(base, client_id, client_secret).call(
        "PUT",
        "",
        {
            "smtpServer": {
                "host": "127.0.0.1", "port": str(port), "from": "no-reply@id.region.localhost",
                "fromDisplayName": "くらしの窓口", "ssl": "false", "starttls": "false", "auth": "false",
            }
        },
    )  # fmt: skip
