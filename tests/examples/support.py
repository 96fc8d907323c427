"""A portal and a regional ID on free ports, as far as a provider sees them: key sets, tokens, the code flow."""

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from examples.kit.config import Config, read
from examples.kit.loopback import new_session
from examples.kit.provider import Provider
from examples.kit.web import JSON, Request, Response, Server, Site

CLIENT_ID = "localhost.waste.calendar"
CLIENT_SECRET = "a-client-secret-for-tests"
ID_KEY = RSAKey.generate_key(2048, {"kid": "id-1"})
BACKCHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, JSON)


def _without_none(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


class World:
    """What stands around a provider; `jwks_reads` and `answers` let a test look and disturb."""

    def __init__(self) -> None:
        self.portal_key = ECKey.generate_key("P-256", {"kid": "portal-1"})
        self.id_key = ID_KEY
        self.published = [self.portal_key]
        self.jwks_reads = 0
        self.alerts: list[dict[str, Any]] | None = []
        self.jwks_body = ""
        self.codes: dict[str, dict[str, Any]] = {}
        self.claims: Mapping[str, Any] = {}
        self.claims_status = 200
        self.claims_override: Mapping[str, Any] = {}
        self.claims_type = "rclaims+jwt"
        self.claims_bearers: list[str] = []
        self.id_token_override: dict[str, Any] = {}
        site = Site()
        site.route("GET", "/.well-known/jwks.json", self._portal_keys)
        site.route("GET", "/api/claims", self._claims)
        site.route("GET", "/alerts.json", self._alerts)
        site.route("GET", "/o/.well-known/openid-configuration", self._discovery)
        site.route("GET", "/o/jwks", lambda _: _json({"keys": [self.id_key.as_dict(private=False)]}))
        site.route("POST", "/o/token", self._token)
        self.server = Server(site, 0)
        self.portal = f"http://portal.region.localhost:{self.server.port}"
        self.issuer = f"http://id.region.localhost:{self.server.port}/o"

    def request_token(
        self, *, aud: str, htu: str, header: Mapping[str, Any] | None = None, key: Any = None, **over: Any
    ) -> str:
        """A good token of the portal, unless `over` or `header` spoils it; a value of None drops a claim."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.portal,
            "aud": aud,
            "iat": now,
            "exp": now + 60,
            "jti": uuid.uuid4().hex,
            "htm": "GET",
            "htu": htu,
            "ver": "1.0.0",
            "granted": [],
            "claims": {},
            "ctx": {"locale": "ja", "size": "M", "settings": {}},
        }
        claims = _without_none(claims | over)
        head = _without_none({"alg": "ES256", "typ": "rgadget+jwt", "kid": "portal-1"} | dict(header or {}))
        return jwt.encode(head, claims, key or self.portal_key, algorithms=[head["alg"]])

    def logout_token(self, *, header: Mapping[str, Any] | None = None, key: Any = None, **over: Any) -> str:
        """A good back-channel logout token, unless spoilt."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": uuid.uuid4().hex,
            "sub": "pairwise-hanako",
            "sid": "sid-1",
            "events": {BACKCHANNEL_EVENT: {}},
        }
        claims = _without_none(claims | over)
        head = _without_none({"alg": "RS256", "typ": "logout+jwt", "kid": "id-1"} | dict(header or {}))
        return jwt.encode(head, claims, key or self.id_key, algorithms=[head["alg"]])

    def authorize(
        self, url: str, *, sub: str = "pairwise-hanako", sid: str | None = "sid-1"
    ) -> dict[str, str]:
        """What the ID's screens do with a resident who is signed in: the query of the redirect back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["scope"] == "openid"
        assert query["code_challenge_method"] == "S256"
        code = uuid.uuid4().hex
        self.codes[code] = query | {"sub": sub, "sid": sid}
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def _portal_keys(self, _: Request) -> Response:
        self.jwks_reads += 1
        if self.jwks_body:
            return Response(self.jwks_body, 200, JSON)
        return _json({"keys": [key.as_dict(private=False) for key in self.published]})

    def _alerts(self, _: Request) -> Response:
        return _json({"alerts": self.alerts}, 200 if self.alerts is not None else 503)

    def _discovery(self, request: Request) -> Response:
        assert request.headers["host"] == urlsplit(self.issuer).netloc
        return _json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": self.issuer + "/authorize",
                "token_endpoint": self.issuer + "/token",
                "jwks_uri": self.issuer + "/jwks",
                "end_session_endpoint": self.issuer + "/logout",
                "authorization_response_iss_parameter_supported": True,
            }
        )

    def _token(self, request: Request) -> Response:
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.codes.pop(request.field("code"), None)
        digest = hashlib.sha256(request.field("code_verifier").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        good = (
            asked is not None
            and request.headers.get("authorization") == f"Basic {basic}"
            and request.field("redirect_uri") == asked["redirect_uri"]
            and challenge == asked["code_challenge"]
        )
        if not good or asked is None:
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": asked["sub"],
            "sid": asked["sid"],
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 120,
        } | self.id_token_override
        claims = _without_none(claims)
        id_token = jwt.encode({"alg": "RS256", "kid": "id-1"}, claims, self.id_key, algorithms=["RS256"])
        return _json(
            {
                "access_token": f"access-{asked['sub']}",
                "token_type": "Bearer",
                "expires_in": 120,
                "id_token": id_token,
            }
        )

    def _claims(self, request: Request) -> Response:
        self.claims_bearers.append(request.headers.get("authorization", ""))
        if self.claims_status != 200:
            return _json({"error": "test"}, self.claims_status)
        now = int(time.time())
        answer = {
            "iss": self.portal,
            "aud": CLIENT_ID,
            "sub": request.headers["authorization"].removeprefix("Bearer access-"),
            "iat": now,
            "exp": now + 60,
            "claims": self.claims,
        } | dict(self.claims_override)
        raw = jwt.encode(
            {"alg": "ES256", "kid": "portal-1", "typ": self.claims_type},
            answer,
            self.portal_key,
            algorithms=["ES256"],
        )
        return Response(raw, 200, "application/jwt")


class Running:
    """A provider that answers on a free port, and a browser-like client with its cookies."""

    def __init__(self, provider: Provider, world: World, port: int) -> None:
        self.provider = provider
        self.world = world
        self.port = port
        self.origin = provider.config.public_origin
        self.gadget_id = provider.config.gadget_id(provider.profile.gadget)
        self.card_url = f"{self.origin}/g/card"

    def browser(self) -> requests.Session:
        """A client with a cookie jar of its own."""
        return new_session()

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        """One request without cookies."""
        with new_session() as session:
            return session.get(self.origin + path, timeout=5, allow_redirects=False, **kwargs)

    def post(self, path: str, data: Mapping[str, str], **kwargs: Any) -> requests.Response:
        """One posted form without cookies."""
        with new_session() as session:
            return session.post(self.origin + path, data=data, timeout=5, allow_redirects=False, **kwargs)

    def card(
        self, path: str = "/g/card", headers: Mapping[str, str] | None = None, **over: Any
    ) -> requests.Response:
        """The card for a good token, unless spoilt."""
        token = self.world.request_token(**({"aud": self.gadget_id, "htu": self.card_url} | over))
        return self.get(path, headers={"Authorization": f"Bearer {token}"} | dict(headers or {}))

    def sign_in(
        self, browser: requests.Session, *, start: str = "/oidc/start", **who: Any
    ) -> requests.Response:
        """The whole code flow in one browser; the answer is the callback's."""
        begun = browser.get(self.origin + start, timeout=5, allow_redirects=False)
        assert begun.status_code == 303, begun.text
        query = self.world.authorize(begun.headers["Location"], **who)
        return self.callback(browser, query)

    def callback(self, browser: requests.Session, query: Mapping[str, str]) -> requests.Response:
        """The way back from the ID."""
        return browser.get(f"{self.origin}/oidc/callback", params=query, timeout=5, allow_redirects=False)

    def page(self, browser: requests.Session, path: str = "/") -> str:
        """The HTML that this browser sees."""
        answer = browser.get(self.origin + path, timeout=5, allow_redirects=False)
        assert answer.status_code == 200
        return answer.text

    def post_as(self, browser: requests.Session, path: str, data: Any) -> requests.Response:
        """A form posted by this browser."""
        return browser.post(self.origin + path, data=data, timeout=5, allow_redirects=False)


def csrf(page: str) -> str:
    """The hidden field of a page's first form."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, "the page draws no form"
    return found[1]


@contextmanager
def running(build: Any, name: str, world: World, **env: str) -> Iterator[Running]:
    """A provider on a free port; it must know its own port before it is built."""
    probe = Server(Site(), 0)
    port = probe.port
    probe.server_close()
    config: Config = read(
        {
            "PORT": str(port),
            "PORTAL_URL": world.portal,
            "OIDC_ISSUER": world.issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "CLAIMS_URL": world.portal + "/api/claims",
            "NOW": "2026-11-23T12:40:00+09:00",
            "DEBUG_CLAIMS": "1",
        }
        | env,
        default_port=8001,
        name=name,
    )
    provider = build(config)
    server = Server(provider.site, port)
    thread = server.start()
    try:
        yield Running(provider, world, port)
    finally:
        server.shutdown()
        server.server_close()
        provider.close()
        thread.join(5)
