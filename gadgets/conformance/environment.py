"""What a run of the checks is handed: the portal that signs, the door, where a browser is; it reads no settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from gadgets.outbound.http import Door

ALGORITHM = "ES256"
BUDGET = 60.0
"""Seconds for a whole run."""
CALL_SECONDS = 5.0
"""Seconds for a single call."""
LOCALES = ("ja", "en", "ja-simple")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs test requests as the portal does, with a key on P-256 whose id is its RFC 7638 thumbprint."""

    key: ECKey

    @property
    def kid(self) -> str:
        return self.key.thumbprint()

    def sign(self, claims: Mapping[str, Any], *, token_type: str) -> str:
        header = {"alg": ALGORITHM, "typ": token_type, "kid": self.kid}
        return jwt.encode(header, dict(claims), self.key, algorithms=[ALGORITHM])


@dataclass(frozen=True, slots=True)
class Environment:
    """One portal as the checks see it. The provider verifies `signer` by the key set of that portal.

    `portal` is the issuer of every token and the only one who may frame. `others`: where the region's other gadgets
    live, as origins. `chromium`: path of the browser, empty where there is none. `stylesheet`: the CSS under which a
    card is drawn. `seconds`: the longest a run may take.
    """

    portal: str
    signer: Signer
    door: Door
    locales: tuple[str, ...] = LOCALES
    chromium: str = ""
    stylesheet: str = ""
    others: frozenset[str] = frozenset()
    seconds: float = BUDGET

    @property
    def issuer(self) -> str:
        return self.portal.rstrip("/")
