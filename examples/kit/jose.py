"""Reads a signed JWT: algorithm from a short list, key by `kid` from the issuer, then the claims."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from examples.kit.keys import RemoteKeys

MAX_TOKEN = 8192


class RefusedError(Exception):
    """The token is not good; the message says why without repeating the token."""


def read_signed(raw: str, keys: RemoteKeys, *, algorithms: Sequence[str], typ: str | None) -> dict[str, Any]:
    """The claims of a token whose signature, algorithm and type are right; raises RefusedError."""
    header = _header(raw)
    algorithm = header.get("alg")
    if algorithm not in algorithms:
        raise RefusedError("the algorithm is not accepted")
    if typ is not None and str(header.get("typ", "")).lower().removeprefix("application/") != typ:
        raise RefusedError(f"the token's type is not {typ}")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise RefusedError("the token names no key")
    key = keys.get(kid)
    if key is None:
        raise RefusedError("the key is unknown")
    try:
        claims = jwt.decode(raw, key, algorithms=list(algorithms)).claims
    except (JoseError, ValueError, TypeError) as error:
        raise RefusedError("the signature is wrong") from error
    if not isinstance(claims, dict):
        raise RefusedError("the token holds no claims")
    return claims


def check_times(claims: dict[str, Any], *, now: float, leeway: float) -> None:
    """Refuses a token that is over, not begun, or without times."""
    exp, iat, nbf = _number(claims, "exp"), _number(claims, "iat"), _number(claims, "nbf")
    if exp is None or iat is None:
        raise RefusedError("exp or iat is missing")
    if not now < exp + leeway:
        raise RefusedError("the token has expired")
    if not iat <= now + leeway:
        raise RefusedError("the token is from the future")
    if nbf is not None and nbf > now + leeway:
        raise RefusedError("the token is not valid yet")


def has_audience(claims: dict[str, Any], expected: str) -> bool:
    """Whether `aud`, a string or a list, names the expected recipient."""
    aud = claims.get("aud")
    return aud == expected or (isinstance(aud, list) and expected in aud)


def _number(claims: dict[str, Any], name: str) -> int | float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(f"{name} is not a number")
    return value


def _header(raw: str) -> dict[str, Any]:
    if len(raw) > MAX_TOKEN or raw.count(".") != 2:
        raise RefusedError("the token is not a signed JWT")
    part = raw.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError) as error:
        raise RefusedError("the token is not a signed JWT") from error
    if not isinstance(header, dict):
        raise RefusedError("the token is not a signed JWT")
    return header
