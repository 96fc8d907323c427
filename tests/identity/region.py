"""A browser without a screen and a gadget's own site, for tests that go through real HTTP on loopback."""

import base64
import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests
from django.conf import settings

from identity import loopback
from identity.domain import attributes
from identity.idp import ClientSpec

PASSWORD = "kurashi-no-madoguchi"


class _Forms(HTMLParser):
    """Collects the forms of a page with their named inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag in {"input", "button"} and self.forms and values.get("name"):
            self.forms[-1][1][values["name"]] = values.get("value", "")


_sessions: list[requests.Session] = []


def _session() -> requests.Session:
    _sessions.append(loopback.session())
    return _sessions[-1]


def close_browsers() -> None:
    """Closes the connections of every browser that a test opened."""
    while _sessions:
        _sessions.pop().close()


@dataclass
class Browser:
    """Cookies for each host, redirects followed by hand, forms filled in by name."""

    http: requests.Session = field(default_factory=_session)
    trail: list[str] = field(default_factory=list)
    forms: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def get(self, url: str, *, follow: bool = True, **kwargs: Any) -> requests.Response:
        return self._go("GET", url, follow=follow, **kwargs)

    def post(
        self, url: str, data: dict[str, str], *, follow: bool = True, **kwargs: Any
    ) -> requests.Response:
        return self._go("POST", url, data=data, follow=follow, **kwargs)

    def _go(self, method: str, url: str, *, follow: bool, **kwargs: Any) -> requests.Response:
        self.trail = []
        for _ in range(20):
            self.trail.append(url)
            answer = self.http.request(method, url, allow_redirects=False, timeout=30, **kwargs)
            for cookie in self.http.cookies:
                cookie.secure = False  # browsers send Secure cookies to names under .localhost over http too
            if not answer.is_redirect or not follow:
                reader = _Forms()
                reader.feed(answer.text if "html" in answer.headers.get("Content-Type", "") else "")
                self.forms = reader.forms
                return answer
            method, kwargs, url = "GET", {}, urljoin(url, answer.headers["Location"])
        raise AssertionError(f"redirects without end: {self.trail[-4:]}")

    def submit(self, contains: str, *, follow: bool = True, **values: str) -> requests.Response:
        """Sends the form whose action contains `contains`, with its hidden fields and `values`."""
        action, fields = next(form for form in self.forms if contains in form[0])
        here = self.trail[-1]
        origin = f"{urlsplit(here).scheme}://{urlsplit(here).netloc}"
        return self.post(
            urljoin(here, action),
            {**fields, **values},
            follow=follow,
            headers={"Referer": here, "Origin": origin},
        )

    def sign_in(self, username: str, *, next_path: str = "/", password: str = PASSWORD) -> requests.Response:
        """Through the portal's sign-in and the ID's form, back to `next_path`."""
        self.get(f"{settings.PORTAL_URL}/sign-in/?{urlencode({'next': next_path})}")
        if settings.ID_PROVIDER == "keycloak":
            return self.submit("login-actions/authenticate", username=username, password=password)
        return self.submit("/login/", login=username, password=password)

    def sign_out(self, *, follow: bool = True) -> requests.Response:
        """The portal's sign-out, as its form posts it."""
        token = secrets.token_hex(16)
        host = urlsplit(settings.PORTAL_URL).hostname or ""
        self.http.cookies.set(settings.CSRF_COOKIE_NAME, token, domain=host, path="/")
        return self.post(
            f"{settings.PORTAL_URL}/sign-out/",
            {"csrfmiddlewaretoken": token},
            follow=follow,
            headers={"Origin": settings.PORTAL_URL},
        )


def challenge() -> tuple[str, str]:
    """(verifier, S256 challenge)."""
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class GadgetSite:
    """A provider's own site: an address that hears logout tokens, and a client that signs people in."""

    def __init__(self, name: str, suffix: str = "") -> None:
        self.name = name
        self.heard: list[str] = []
        self.status = 200
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                site.heard.extend(parse_qs(body).get("logout_token", []))
                self.send_response(site.status)
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.host = f"{name}.localhost"
        self.origin = f"http://{self.host}:{self._server.server_port}"
        self.client_id = f"localhost.{name}{suffix}"
        self.gadget_id = f"localhost.{name}.gadget"
        self.secret = ""
        self.verifier = ""

    @property
    def redirect_uri(self) -> str:
        return f"{self.origin}/callback"

    @property
    def logout_uri(self) -> str:
        return f"{self.origin}/logout"

    def spec(
        self, *, level: str = "pairwise", logout: bool = True, claims: tuple[str, ...] = attributes.CLAIMS
    ) -> ClientSpec:
        """What this site registers; its manifest declares every claim unless the test says otherwise."""
        return ClientSpec(
            gadget_id=self.gadget_id,
            client_id=self.client_id,
            name=self.name,
            sector_host=self.host,
            identity_level=level,
            claims=claims,
            redirect_uris=(self.redirect_uri,),
            post_logout_redirect_uris=(f"{self.origin}/bye",),
            logout_uri=self.logout_uri if logout else "",
        )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def document(self) -> dict[str, Any]:
        with loopback.session() as http:
            found: dict[str, Any] = http.get(settings.OIDC_DISCOVERY_URL, timeout=10).json()
            return found

    def authorize_url(self, **overrides: str | None) -> str:
        """The address that this site sends a browser to; `None` leaves a parameter out."""
        self.verifier, s256 = challenge()
        query: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": "state-of-site",
            "nonce": "nonce-of-site",
            "code_challenge": s256,
            "code_challenge_method": "S256",
            **overrides,
        }
        given = {key: value for key, value in query.items() if value is not None}
        return f"{self.document()['authorization_endpoint']}?{urlencode(given)}"

    def answer(self, browser: Browser, **overrides: str | None) -> dict[str, str]:
        """What comes back to the redirect URI when `browser` is sent to the ID."""
        answer = browser.get(self.authorize_url(**overrides))
        assert browser.trail[-1].startswith(self.redirect_uri), (browser.trail, answer.text[:500])
        return {key: values[0] for key, values in parse_qs(urlsplit(browser.trail[-1]).query).items()}

    def exchange(self, code: str, **overrides: str) -> requests.Response:
        """The token request for a code."""
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **overrides,
        }
        with loopback.session() as http:
            return http.post(
                self.document()["token_endpoint"], data=body, auth=(self.client_id, self.secret), timeout=10
            )

    def tokens(self, browser: Browser, **overrides: str | None) -> dict[str, Any]:
        """A whole sign-in at this site with the session that the browser has at the ID."""
        got = self.answer(browser, **overrides)
        answer = self.exchange(got["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def userinfo(self, access_token: str) -> requests.Response:
        with loopback.session() as http:
            return http.get(
                self.document()["userinfo_endpoint"],
                headers={"Authorization": f"Bearer {access_token}"},
                timeout=10,
            )


def store(key: str | None) -> Any:
    """A session of the server, in whichever engine it uses."""
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def unverified(token: str, part: int = 1) -> dict[str, Any]:
    """A part of a JWT, without a look at its signature."""
    import json

    raw = token.split(".")[part]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    return found
