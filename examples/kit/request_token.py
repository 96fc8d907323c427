"""Verifies the portal's request token (`rgadget+jwt`): who asks, for which gadget, for which URL, once."""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from examples.kit import jose
from examples.kit.errors import TokenError
from examples.kit.keys import RemoteKeys
from examples.kit.replay import ReplayGuard

LIFETIME = 60
LEEWAY = 5
LOCALES = ("ja", "en", "ja-simple")


@dataclass(frozen=True)
class RequestToken:
    """What the portal says in one request; `sub` only at the level `pairwise`."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    granted: tuple[str, ...] = ()
    locale: str = "ja"
    size: str = "M"
    settings: Mapping[str, Any] = field(default_factory=dict)
    sub: str | None = None


def digest(body: bytes) -> str:
    """SHA-256, base64url without padding, as the claim `digest` holds it."""
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


class TokenVerifier:
    """Checks signature, issuer, audience, times, method, URL and single use."""

    def __init__(
        self,
        *,
        keys: RemoteKeys,
        issuer: str,
        audience: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._replays = ReplayGuard()

    def verify(
        self, authorization: str | None, *, method: str, url: str, body: bytes | None = None
    ) -> RequestToken:
        """Reads the Authorization header; raises TokenError or KeysUnavailableError.

        `body`: what was posted, which the token must be bound to.
        """
        scheme, _, raw = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not raw.strip():
            raise TokenError("a request token is needed", code=None)
        now = self._clock()
        try:
            claims = jose.read_signed(raw.strip(), self._keys, algorithms=["ES256"], typ="rgadget+jwt")
            jose.check_times(claims, now=now, leeway=LEEWAY)
            self._check(claims, method=method, url=url)
            if body is not None and claims.get("digest") != digest(body):
                raise jose.RefusedError("the token is for another body")
            token = token_of(claims)
            jti = claims.get("jti")
            if not isinstance(jti, str) or not jti:
                raise jose.RefusedError("jti is missing")
        except jose.RefusedError as refused:
            raise TokenError(str(refused)) from refused
        if not self._replays.first_use(jti, until=claims["exp"] + LEEWAY, now=now):
            raise TokenError("the token was used before")
        return token

    def _check(self, claims: dict[str, Any], *, method: str, url: str) -> None:
        if claims.get("iss") != self._issuer:
            raise jose.RefusedError("the issuer is not the portal")
        if claims.get("aud") != self._audience:
            raise jose.RefusedError("the token is for another gadget")
        if claims["exp"] - claims["iat"] > LIFETIME:
            raise jose.RefusedError("the token lives too long")
        if claims.get("htm") != method:
            raise jose.RefusedError("the token is for another method")
        if claims.get("htu") != url:
            raise jose.RefusedError("the token is for another URL")


def token_of(claims: dict[str, Any]) -> RequestToken:
    released, granted, ctx = claims.get("claims", {}), claims.get("granted", []), claims.get("ctx", {})
    sub = claims.get("sub")
    settings = ctx.get("settings") or {} if isinstance(ctx, dict) else None
    if not isinstance(released, dict) or not isinstance(granted, list) or not isinstance(settings, dict):
        raise jose.RefusedError("claims, granted or ctx has the wrong form")
    if sub is not None and (not isinstance(sub, str) or not sub):
        raise jose.RefusedError("sub has the wrong form")
    locale = ctx.get("locale")
    return RequestToken(
        claims=released,
        granted=tuple(str(name) for name in granted),
        locale=locale if locale in LOCALES else "ja",
        size=str(ctx.get("size") or "M"),
        settings=settings,
        sub=sub,
    )
