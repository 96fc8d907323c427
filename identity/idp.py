"""The seam to the regional ID: what the portal needs of a provider beyond plain OpenID Connect.

Sign-in and sign-out themselves are the standard protocol and the same for every provider (`identity.oidc.relying_party`).
Two drivers ship: Keycloak for a city, the embedded provider for one machine. What only one of them can do is a
named capability.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from identity.domain.roles import SYSTEM, Actor

SIGN_IN = "sign_in"
SILENT = "silent_reentry"
PAIRWISE = "pairwise"
BACKCHANNEL_LOGOUT = "backchannel_logout"
PER_CLIENT_SID = "per_client_sid"
"""Each client sees a `sid` of its own (Keycloak: the same for all clients)."""
ACCOUNT_SELF_SERVICE = "account_self_service"
"""The ID has pages of its own for password, second factor and sessions."""
SESSIONS = "sessions"
"""Lists and ends a resident's sign-ins."""
PASSWORD = "password"  # noqa: S105  the name of a thing, not one
"""A resident can change the password."""
TOTP = "totp"
PASSKEYS = "passkeys"
EMAIL_PROOF = "email_proof"
"""Registration proves the e-mail address before the account is of use."""
REMEMBER_ME = "remember_me"
BROKERING = "brokering"
"""Residents of a neighbouring region sign in with their own ID."""


class Acr(StrEnum):
    """Values of `acr`, in what is asked for and in the ID token: how the person proved who they are."""

    PASSWORD = "1"  # noqa: S105  a level, not a password
    SECOND_FACTOR = "2"


class Amr(StrEnum):
    """The methods of a sign-in (`amr`, RFC 8176) that count as a second factor."""

    CODE = "otp"


@dataclass(frozen=True, slots=True)
class Login:
    """A verified sign-in: `sid` may be empty, `id_token` is the hint for signing out."""

    iss: str
    sub: str
    sid: str
    id_token: str
    locale: str
    auth_time: datetime | None
    home_region: str = ""
    """The alias of the neighbouring region's ID that vouched for the person; "" for an account of this ID."""
    remember: bool = False
    """The person asked for this device to be remembered, and the ID says so."""
    second_factor: bool = False
    """The ID token says, by its `acr`, that a second factor was asked for."""


@dataclass(frozen=True, slots=True)
class LogoutEvent:
    """A verified logout token; at least one of `sub` and `sid` is not empty."""

    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Bearer:
    """A verified access token of a registered gadget that is not suspended."""

    client_id: str
    sub: str
    sid: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class ClientSpec:
    """What a gadget's site registers: `sector_host` must never change, or all its pseudonyms do."""

    gadget_id: str
    client_id: str
    name: str
    sector_host: str
    identity_level: str
    claims: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    logout_uri: str = ""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Shown once; the portal keeps no copy."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdSession:
    """One sign-in at the ID: `id` is opaque, `sids` are the `sid`s by which its clients know it."""

    id: str
    sids: tuple[str, ...]
    clients: tuple[str, ...]
    started_at: datetime
    seen_at: datetime | None


class IdentityProvider(Protocol):
    """A regional ID. Every method may raise `ProviderUnavailable`.

    Each change of a client stands in the audit chain; `by` is the one who asked for it.
    """

    capabilities: frozenset[str]

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens."""

    def upsert_client(
        self, spec: ClientSpec, *, secret: str = "", by: Actor = SYSTEM
    ) -> ClientCredentials | None:
        """Registers or updates a gadget's client; credentials only when it is new or `secret` is given."""

    def disable_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        """Nobody can sign in there any more and its tokens stop working."""

    def enable_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        """Takes back `disable_client`."""

    def rotate_client(self, client_id: str, *, by: Actor = SYSTEM) -> ClientCredentials:
        """A new secret; the old one stops working at once."""

    def resolve_access_token(self, raw: str) -> Bearer:
        """Whom an access token stands for, by what it says; raises `InvalidToken`. Call `require_live` before use."""

    def require_live(self, raw: str) -> None:
        """Raises `InvalidToken` where its session was ended or it was revoked since. May be HTTP."""

    def end_everywhere(self, resident_id: UUID) -> None:
        """Ends every session of this resident at the ID, and so at all its clients."""

    def remove_client(self, client_id: str, *, by: Actor = SYSTEM) -> None:
        """Takes the client away at the ID and its row and pseudonyms here; one that is gone already is fine."""

    def sessions(self, resident_id: UUID) -> tuple[IdSession, ...]:
        """The resident's sign-ins that are open now, the latest first."""

    def end_session(self, resident_id: UUID, session_id: str) -> None:
        """Ends one of `sessions`, at the portal and at every client; one that is gone already is fine."""

    def email_of(self, resident_id: UUID) -> str:
        """The address to write to, asked for when it is needed; "" when there is none."""

    def action_url(self, kind: str, *, next_path: str) -> str:
        """Where a resident does `PASSWORD`, `TOTP` or `PASSKEYS` and comes back from; "" where it cannot be."""

    def delete_account(self, resident_id: UUID) -> None:
        """Ends every session, then takes the account away at the ID; one that is gone already is fine.

        The portal's own row is not touched: that is the work of erasure.
        """

    def health(self) -> bool:
        """Whether it answers within a second."""


DRIVERS = {
    "keycloak": "identity.keycloak.driver.KeycloakProvider",
    "embedded": "identity.embedded.driver.EmbeddedProvider",
}
"""By the value of `ID_PROVIDER`. By name, as Django's own backends: a driver imports this seam, never the other way."""


@cache
def provider() -> IdentityProvider:
    """The driver that `settings.ID_PROVIDER` names."""
    made: IdentityProvider = import_string(DRIVERS[settings.ID_PROVIDER])()
    return made
