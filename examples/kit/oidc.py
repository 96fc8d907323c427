"""OpenID Connect relying party: code flow with PKCE, nonce and state; logout both ways."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import requests

from examples.kit import jose
from examples.kit.config import Config
from examples.kit.errors import IdUnavailableError, KeysUnavailableError, LogoutTokenError, SignInError
from examples.kit.keys import RemoteKeys
from examples.kit.loopback import TIMEOUT
from examples.kit.replay import ReplayGuard
from examples.kit.sessions import SessionStore, same

ALGORITHMS = ("RS256", "PS256", "ES256")
LEEWAY = 10
DISCOVERY_MAX_AGE = 600.0
BACKCHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout"
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class LogoutEvent:
    """Whom a good logout token signs out."""

    sub: str | None
    sid: str | None


class RelyingParty:
    """This provider as a client of the regional ID; the subject it sees is pairwise."""

    def __init__(
        self,
        config: Config,
        session: requests.Session,
        sessions: SessionStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._http = session
        self._sessions = sessions
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._read_at = float("-inf")
        self._replays = ReplayGuard()
        self.keys = RemoteKeys(lambda: str(self._discover()["jwks_uri"]), session)

    @property
    def redirect_uri(self) -> str:
        """The one registered redirect URI."""
        return self._config.url("/oidc/callback")

    def begin(self, *, browser: str, next_path: str, locale: str) -> str:
        """The URL of the regional ID's sign-in for this browser; raises IdUnavailableError."""
        endpoint = str(self._discover()["authorization_endpoint"])
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        state = self._sessions.begin(browser=browser, nonce=nonce, verifier=verifier, next_path=next_path)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self._config.oidc_client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            "ui_locales": "en" if locale == "en" else "ja",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def complete(self, query: Mapping[str, str], *, browser: str) -> tuple[str, str]:
        """Finishes the sign-in: the new session's cookie value and the page to go to."""
        flow = self._sessions.take(query.get("state", ""), browser)
        if flow is None:
            raise SignInError("this sign-in was not begun in this browser, or is too old")
        self._check_response(query)
        tokens = self._redeem(query["code"], flow.verifier)
        claims = self._id_claims(str(tokens["id_token"]), flow.nonce)
        sid = claims.get("sid")
        lifetime = tokens.get("expires_in", 0)
        key = self._sessions.open(
            sub=str(claims["sub"]),
            sid=sid if isinstance(sid, str) else None,
            id_token=str(tokens["id_token"]),
            access_token=str(tokens.get("access_token", "")),
            access_expires=self._clock() + (lifetime if isinstance(lifetime, int | float) else 0),
        )
        return key, flow.next

    def logout_url(self, id_token: str) -> str | None:
        """Where the browser goes to end the session at the regional ID too (None: not offered)."""
        try:
            endpoint = self._discover().get("end_session_endpoint")
        except IdUnavailableError:
            return None
        if not endpoint:
            return None
        query = {
            "id_token_hint": id_token,
            "client_id": self._config.oidc_client_id,
            "post_logout_redirect_uri": self._config.url("/"),
        }
        return f"{endpoint}?{urlencode(query)}"

    def verify_logout_token(self, raw: str) -> LogoutEvent:
        """Reads a back-channel logout token; raises LogoutTokenError or KeysUnavailableError."""
        now = self._clock()
        try:
            claims = jose.read_signed(raw, self.keys, algorithms=ALGORITHMS, typ="logout+jwt")
            self._check_claims(claims, now)
            if "nonce" in claims:
                raise jose.RefusedError("a logout token must not hold a nonce")
            events = claims.get("events")
            if not isinstance(events, dict) or not isinstance(events.get(BACKCHANNEL_EVENT), dict):
                raise jose.RefusedError("the logout event is missing")
            sub, sid, jti = claims.get("sub"), claims.get("sid"), claims.get("jti")
            if not isinstance(jti, str) or not jti:
                raise jose.RefusedError("jti is missing")
            if not (isinstance(sub, str) and sub) and not (isinstance(sid, str) and sid):
                raise jose.RefusedError("sub and sid are missing")
        except jose.RefusedError as refused:
            raise LogoutTokenError(str(refused)) from refused
        except IdUnavailableError as error:
            raise KeysUnavailableError(str(error)) from error
        if not self._replays.first_use(jti, until=claims["exp"] + LEEWAY, now=now):
            raise LogoutTokenError("the token was used before")
        return LogoutEvent(
            sub if isinstance(sub, str) and sub else None, sid if isinstance(sid, str) and sid else None
        )

    def _check_response(self, query: Mapping[str, str]) -> None:
        published = self._discover().get("authorization_response_iss_parameter_supported") is True
        issuer = query.get("iss")
        if (published or issuer is not None) and issuer != self._config.oidc_issuer:
            raise SignInError("the answer is not from the regional ID")
        if query.get("error"):
            raise SignInError("the regional ID did not sign you in")
        if not query.get("code"):
            raise SignInError("the answer holds no code")

    def _redeem(self, code: str, verifier: str) -> dict[str, Any]:
        pair = (
            f"{quote(self._config.oidc_client_id, safe='')}:{quote(self._config.oidc_client_secret, safe='')}"
        )
        try:
            response = self._http.post(
                str(self._discover()["token_endpoint"]),
                data={
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": self.redirect_uri,
                    "code_verifier": verifier,
                },
                headers={"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            body = response.json() if response.status_code == requests.codes.ok else None
        except (requests.RequestException, ValueError) as error:
            raise IdUnavailableError("the regional ID did not answer") from error
        if response.status_code >= requests.codes.internal_server_error:
            raise IdUnavailableError("the regional ID did not answer")
        if not isinstance(body, dict) or not isinstance(body.get("id_token"), str):
            raise SignInError("the regional ID did not accept the code")
        return body

    def _id_claims(self, raw: str, nonce: str) -> dict[str, Any]:
        try:
            claims = jose.read_signed(raw, self.keys, algorithms=ALGORITHMS, typ=None)
            self._check_claims(claims, self._clock())
            if not same(str(claims.get("nonce", "")), nonce):
                raise jose.RefusedError("the nonce is another one")
            if not isinstance(claims.get("sub"), str) or not claims["sub"]:
                raise jose.RefusedError("sub is missing")
        except jose.RefusedError as refused:
            raise SignInError(f"the ID token is not good: {refused}") from refused
        except KeysUnavailableError as error:
            raise IdUnavailableError(str(error)) from error
        return claims

    def _check_claims(self, claims: dict[str, Any], now: float) -> None:
        if claims.get("iss") != self._config.oidc_issuer:
            raise jose.RefusedError("the issuer is another one")
        client_id = self._config.oidc_client_id
        if not jose.has_audience(claims, client_id):
            raise jose.RefusedError("the token is for another client")
        if claims.get("azp", client_id) != client_id:
            raise jose.RefusedError("the token was issued to another client")
        jose.check_times(claims, now=now, leeway=LEEWAY)

    def _discover(self) -> dict[str, Any]:
        with self._lock:
            now = self._clock()
            if now - self._read_at > DISCOVERY_MAX_AGE:
                self._metadata = self._read_metadata()
                self._read_at = now
            return self._metadata

    def _read_metadata(self) -> dict[str, Any]:
        url = self._config.oidc_discovery_url.rstrip("/")
        url = url if url.endswith(WELL_KNOWN) else url + WELL_KNOWN
        try:
            response = self._http.get(url, timeout=TIMEOUT, allow_redirects=False)
            metadata = response.json() if response.status_code == requests.codes.ok else None
        except (requests.RequestException, ValueError) as error:
            raise IdUnavailableError("the regional ID cannot be reached") from error
        if not isinstance(metadata, dict):
            raise IdUnavailableError("the regional ID cannot be reached")
        if metadata.get("issuer") != self._config.oidc_issuer:
            raise IdUnavailableError("the regional ID names another issuer")
        if not all(metadata.get(k) for k in ("authorization_endpoint", "token_endpoint", "jwks_uri")):
            raise IdUnavailableError("the regional ID does not publish its endpoints")
        return metadata
