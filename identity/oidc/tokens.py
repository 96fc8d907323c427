"""Reads what the regional ID publishes and verifies what it signs: discovery, key set, logout tokens."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import requests
from django.conf import settings
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from identity import loopback
from identity.errors import InvalidToken, ProviderUnavailable
from identity.idp import LogoutEvent

TIMEOUT = (0.3, 0.6)
"""Seconds to connect, and for each read: together they stay under the second after which we say "not now"."""
ACTIVE_TIMEOUT = (0.3, 2.5)
"""For a question about one token, which a provider's program waits for."""
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SKEW = 60
"""Seconds that the clocks may differ."""


class Published:
    """One JSON document of the ID, kept for five minutes; a failure is remembered for two seconds.

    `renew` asks anew, but not more often than every ten seconds: a sign-in wants to know that the ID is there
    now, and forged key ids must not make us knock all day.
    """

    FRESH, PAUSE, GRUDGE = 300.0, 10.0, 2.0

    def __init__(self, timeout: tuple[float, float] = TIMEOUT) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._kept: tuple[str, float, dict[str, Any]] | None = None
        self._failed: tuple[str, float] | None = None

    def _held(self, url: str, *, renew: bool) -> dict[str, Any] | None:
        kept = self._kept
        if kept and kept[0] == url and time.monotonic() - kept[1] < (self.PAUSE if renew else self.FRESH):
            return kept[2]
        failed = self._failed
        if failed and failed[0] == url and time.monotonic() - failed[1] < self.GRUDGE:
            raise ProviderUnavailable
        return None

    def get(self, url: str, *, renew: bool = False) -> dict[str, Any]:
        """The document; raises `ProviderUnavailable`."""
        held = self._held(url, renew=renew)
        if held is not None:
            return held
        if not self._lock.acquire(timeout=sum(self._timeout)):
            raise ProviderUnavailable
        try:
            held = self._held(url, renew=renew)
            if held is None:
                held = self._fetch(url)
                self._kept, self._failed = (url, time.monotonic(), held), None
        except ProviderUnavailable:
            self._failed = self._failed or (url, time.monotonic())
            raise
        finally:
            self._lock.release()
        return held

    def _fetch(self, url: str) -> dict[str, Any]:
        self._failed = None
        try:
            with loopback.session() as http:
                answer = http.get(url, timeout=self._timeout, allow_redirects=False)
                body = answer.json() if answer.status_code == 200 else None
        except (requests.RequestException, ValueError) as error:
            raise ProviderUnavailable from error
        if not isinstance(body, dict):
            raise ProviderUnavailable
        return body

    def forget(self) -> None:
        """Empties the cache."""
        self._kept = self._failed = None


_discovery = Published()
# Whoever comes back from the ID has just spoken with it: its keys may take longer than the first word.
_keys = Published((0.3, 2.5))


def document(*, renew: bool = False) -> dict[str, Any]:
    """The discovery document; its issuer must be the configured one (else `ProviderUnavailable`)."""
    found = _discovery.get(settings.OIDC_DISCOVERY_URL, renew=renew)
    if found.get("issuer") != settings.OIDC_ISSUER:
        raise ProviderUnavailable
    return found


def key_set(*, renew: bool = False) -> KeySetSerialization:
    """The keys that sign; keys for encryption are left out."""
    found = _keys.get(str(document().get("jwks_uri")), renew=renew).get("keys", [])
    return {"keys": [key for key in found if key.get("use") != "enc"]}


def forget() -> None:
    """Empties both caches."""
    _discovery.forget()
    _keys.forget()


def _decode(raw: str, keys: KeySetSerialization) -> jwt.Token:
    registry = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    return jwt.decode(raw, KeySet.import_key_set(fitting(raw, keys)), registry=registry)


def fitting(raw: str, keys: KeySetSerialization) -> KeySetSerialization:
    """The whole set for a token that names its key; for another the one key of its algorithm, or none.

    OpenID Connect demands a `kid` only where several keys fit. Two that fit are not tried one after the other.
    """
    header = jws.extract_compact(raw.encode()).headers()
    algorithm = str(header.get("alg", ""))
    if "kid" in header or len(keys["keys"]) < 2:
        return keys
    found = [
        key
        for key in keys["keys"]
        if key.get("kty") == _KINDS.get(algorithm[:2]) and key.get("alg", algorithm) == algorithm
    ]
    return {"keys": found if len(found) == 1 else []}


def verify(raw: str) -> jwt.Token:
    """Header and claims of a token signed by the regional ID; raises `InvalidToken`. Checks `iss` only."""
    if len(raw) > 16_384:
        raise InvalidToken("token is too long")
    try:
        token = _decode(raw, key_set())
    except (JoseError, ValueError):
        try:
            token = _decode(raw, key_set(renew=True))
        except (JoseError, ValueError) as error:
            raise InvalidToken("signature does not hold") from error
    if token.claims.get("iss") != settings.OIDC_ISSUER:
        raise InvalidToken("issuer is another")
    return token


def audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """`aud` as a tuple."""
    value = claims.get("aud", ())
    return (value,) if isinstance(value, str) else tuple(str(one) for one in value)


def seconds(claims: Mapping[str, Any], name: str) -> float:
    """A time claim; raises `InvalidToken` when it is missing or no number."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"{name} is missing")
    return float(value)


def require_active(raw: str) -> None:
    """Asks the ID whether an access token still holds (RFC 7662); raises `InvalidToken`, `ProviderUnavailable`."""
    url = str(document().get("introspection_endpoint"))
    try:
        with loopback.session() as http:
            answer = http.post(
                url,
                data={"token": raw, "token_type_hint": "access_token"},
                auth=(settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET),
                timeout=ACTIVE_TIMEOUT,
                allow_redirects=False,
            )
            said = answer.json() if answer.status_code == 200 else None
    except (requests.RequestException, ValueError) as error:
        raise ProviderUnavailable from error
    if not isinstance(said, dict):
        raise ProviderUnavailable
    if said.get("active") is not True:
        raise InvalidToken("ended or revoked")


def verify_logout_token(raw: str, *, audience: str, now: datetime) -> LogoutEvent:
    """OpenID Connect Back-Channel Logout 1.0, section 2.6, but for the replay check; raises `InvalidToken`.

    `typ` must be `logout+jwt`, so that an ID token cannot be used as one.
    """
    token = verify(raw)
    claims = token.claims
    if str(token.header.get("typ", "")).lower() != "logout+jwt":
        raise InvalidToken("typ is not logout+jwt")
    if audiences(claims) != (audience,):
        raise InvalidToken("audience is another")
    if "nonce" in claims:
        raise InvalidToken("nonce is not allowed")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise InvalidToken("event is missing")
    issued, expires = seconds(claims, "iat"), seconds(claims, "exp")
    if issued > now.timestamp() + SKEW:
        raise InvalidToken("issued in the future")
    if expires <= now.timestamp():
        raise InvalidToken("expired")
    sub, sid, jti = (str(claims.get(name) or "") for name in ("sub", "sid", "jti"))
    if not jti or len(jti) > 255:
        raise InvalidToken("jti is missing")
    if not sub and not sid:
        raise InvalidToken("neither sub nor sid")
    return LogoutEvent(settings.OIDC_ISSUER, audience, sub, sid, jti, datetime.fromtimestamp(expires, UTC))
