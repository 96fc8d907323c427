"""The portal's signing key: its public half as a key set, and request tokens of 60 seconds for gadgets."""

import base64
import hashlib
import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from joserfc import jwt
from joserfc.jwk import ECKey

from gadgets.types import Wanted, plain

ALGORITHM = "ES256"
TOKEN_TYPE = "rgadget+jwt"  # noqa: S105  (a media type, not a secret)
TOKEN_SECONDS = 60


@cache
def _key(pem: str) -> ECKey:
    key = ECKey.import_key(pem)
    if key.curve_name != "P-256":
        raise ValueError("GADGET_SIGNING_KEY must be an EC key on P-256")
    return key


def signing_key() -> ECKey:
    """The private key; its id is the RFC 7638 thumbprint, so a new key has a new id by itself."""
    return _key(settings.GADGET_SIGNING_KEY)


def jwks() -> dict[str, Any]:
    """The key set at `/.well-known/jwks.json`: public halves only."""
    key = signing_key()
    public = key.as_dict(private=False)
    return {"keys": [{**public, "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM}]}


def sign(claims: Mapping[str, Any], *, token_type: str) -> str:
    """A JWS of the portal with a type of its own, so that one kind of token never passes for another."""
    key = signing_key()
    header = {"alg": ALGORITHM, "typ": token_type, "kid": key.thumbprint()}
    return jwt.encode(header, dict(claims), key, algorithms=[ALGORITHM])


def htu(url: str) -> str:
    """The URL as the token names it: without query and fragment (as in RFC 9449)."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", "", ""))


def digest(body: bytes) -> str:
    """SHA-256 of a request's body, base64url without padding: what binds a token to what is posted with it."""
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def mint(
    wanted: Wanted,
    *,
    method: str,
    url: str,
    now: datetime,
    sub: str | None = None,
    body: bytes | None = None,
) -> str:
    """The token for one request; `sub` only at level pairwise. Mint just before sending, never earlier."""
    if (sub is not None) != (wanted.level == "pairwise"):
        raise ValueError("a subject belongs to the level pairwise, and only there")
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": settings.PORTAL_URL.rstrip("/"),
        "aud": wanted.gadget.id,
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
        "htm": method,
        "htu": htu(url),
        "ver": wanted.gadget.version,
        "granted": list(wanted.granted),
        "claims": {name: plain(value) for name, value in wanted.claims.items()},
        "ctx": {"locale": wanted.locale, "size": wanted.size, "settings": dict(wanted.settings)},
    }
    if sub is not None:
        claims["sub"] = sub
    if body is not None:
        claims["digest"] = digest(body)
    return sign(claims, token_type=TOKEN_TYPE)
