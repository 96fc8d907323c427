"""Verifies a frame's token (`rgadget-frame+jwt`): for this gadget, for this page at this origin, once."""

import time
from collections.abc import Callable

from examples.kit import jose
from examples.kit.errors import TokenError
from examples.kit.keys import RemoteKeys
from examples.kit.replay import ReplayGuard
from examples.kit.request_token import LEEWAY, LIFETIME, RequestToken, token_of


class FrameVerifier:
    """Checks signature, issuer, audience, times, page, origin and single use."""

    def __init__(
        self,
        *,
        keys: RemoteKeys,
        issuer: str,
        audience: str,
        page: str,
        origin: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._expected = {"iss": issuer, "aud": audience, "htu": page, "origin": origin}
        self._clock = clock
        self._replays = ReplayGuard()

    def verify(self, authorization: str | None) -> RequestToken:
        """Reads the Authorization header that the frame's script sends; raises TokenError."""
        scheme, _, raw = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not raw.strip():
            raise TokenError("a frame's token is needed", code=None)
        now = self._clock()
        try:
            claims = jose.read_signed(raw.strip(), self._keys, algorithms=["ES256"], typ="rgadget-frame+jwt")
            jose.check_times(claims, now=now, leeway=LEEWAY)
            for name, value in self._expected.items():
                if claims.get(name) != value:
                    raise jose.RefusedError(f"{name} is not ours")
            if claims["exp"] - claims["iat"] > LIFETIME:
                raise jose.RefusedError("the token lives too long")
            jti = claims.get("jti")
            if not isinstance(jti, str) or not jti:
                raise jose.RefusedError("jti is missing")
            token = token_of(claims)
        except jose.RefusedError as refused:
            raise TokenError(str(refused)) from refused
        if not self._replays.first_use(jti, until=claims["exp"] + LEEWAY, now=now):
            raise TokenError("the token was used before")
        return token
