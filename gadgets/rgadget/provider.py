"""What a provider's own program needs to answer a portal: its manifest, the proof that the portal asks, card, forms, events.

It needs joserfc and nothing else: `pip install madoguchi` runs it without an extra, `Provider` is a WSGI application for
any server. Frames and sign-in are not in it; `examples/` shows them.
"""

import base64
import hashlib
import json
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener
from wsgiref.simple_server import WSGIServer, make_server

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

log = logging.getLogger("provider")

MOCK_PORTAL = "http://portal.localhost:8930"
"""Where `rgadget serve` and `rgadget test` stand."""
LIFETIME, EVENT_LIFETIME = 60, 120
LEEWAY = 5
KEYS_LAST = 60
"""Seconds after which the portal's keys are read again; sooner, but not within LEEWAY, for a key that is not among them."""
KEYS_SECONDS = 3
MOST_KEYS = 256 * 1024
CARD = "application/vnd.region-card+json"
PROBLEM = "application/problem+json"
MOST_BODY = 64 * 1024
REMEMBERED = 10_000
"""Answers to forms and events that are given again when the same comes again."""
ERASURE, ERASURE_CHECK, WITHDRAWN, SESSION_ENDED = (
    "erasure",
    "erasure-check",
    "consent-withdrawn",
    "session-ended",
)
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
LOCALES = ("ja", "en", "ja-simple")

Start = Callable[[str, list[tuple[str, str]]], object]


class RefusedError(Exception):
    """Not the portal, or not for this: answered with 401."""


class NotTakenError(Exception):
    """A form is not taken; the resident reads the sentence. Answered with 422."""


class KeysAwayError(Exception):
    """The portal's keys cannot be read: nobody can be believed now; answered with 503."""


@dataclass(frozen=True)
class Asked:
    """For whom a card is wanted.

    `claims` holds what was granted and is known, by attribute; `subject` is the resident's pseudonym, at level `pairwise` only.
    """

    locale: str = "ja"
    size: str = "M"
    claims: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""

    @property
    def lang(self) -> str:
        """The language of the card: `ja` or `en`."""
        return self.locale[:2]


@dataclass(frozen=True)
class Posted:
    """A form as a resident sent it: its name, the values by field (None where empty), and for whom, as for a card."""

    form: str
    values: Mapping[str, Any]
    asked: Asked

    @property
    def subject(self) -> str:
        return self.asked.subject


@dataclass(frozen=True)
class Event:
    """What happened to one of your pseudonyms: a kind, and the attributes that were taken back."""

    kind: str
    subject: str
    items: tuple[str, ...] = ()


class Portal:
    """The one portal that is answered, by its origin; believes only tokens of its own keys, each once."""

    def __init__(self, origin: str) -> None:
        """ValueError for what is no origin, and for one without https that is not this machine."""
        parts = urlsplit(origin.rstrip("/"))
        # Names under .localhost are this machine, whatever its resolver says.
        self._local = (parts.hostname or "").endswith(".localhost")
        if parts.scheme != "https" and not (parts.scheme == "http" and self._local):
            raise ValueError(
                f"{origin!r} is no origin of a portal: https://…, or http://….localhost on this machine"
            )
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port = parts.netloc, parts.port or 80
        self._keys: KeySet | None = None
        self._read = 0.0
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def asks(
        self, authorization: str, *, audience: str, url: str, method: str = "GET", body: bytes | None = None
    ) -> Asked:
        """What the request token says; of a form, of exactly this `body`. Raises RefusedError or KeysAwayError."""
        scheme, _, raw = authorization.partition(" ")
        if scheme.lower() != "bearer" or not raw.strip():
            raise RefusedError("a request token is needed")
        said = self._signed(raw.strip(), "rgadget+jwt")
        right = {"iss": self.origin, "aud": audience, "htm": method, "htu": url}
        if body is not None:
            right["digest"] = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
        self._is_right(said, right)
        self._once(said, LIFETIME)
        return _asked(said)

    def tells(self, raw: str, *, audience: str) -> tuple[str, Event]:
        """The event of a request's body, and its `txn`. Raises RefusedError or KeysAwayError."""
        said = self._signed(raw.strip(), "rgadget-event+jwt")
        self._is_right(said, {"iss": self.origin, "aud": audience})
        kind, subject, txn, items = (said.get(name) for name in ("event", "sub", "txn", "items"))
        if not all(isinstance(one, str) and one for one in (kind, subject, txn)):
            raise RefusedError("event, sub or txn is missing")
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise RefusedError("items has another form")
        self._once(said, EVENT_LIFETIME)
        return str(txn), Event(str(kind), str(subject), tuple(items))

    def _signed(self, raw: str, kind: str) -> dict[str, Any]:
        try:
            token = jwt.decode(raw, self._known, algorithms=["ES256"])
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            raise RefusedError("the token is not of the portal's keys") from error
        if token.header.get("typ") != kind:
            raise RefusedError("the token is of another type")
        return token.claims

    @staticmethod
    def _is_right(said: Mapping[str, Any], right: Mapping[str, str]) -> None:
        for name, value in right.items():
            if said.get(name) != value:
                raise RefusedError(f"{name} is not {value}")

    def _once(self, said: Mapping[str, Any], lifetime: int) -> None:
        now, issued, expires, jti = time.time(), said.get("iat"), said.get("exp"), said.get("jti")
        if type(issued) is not int or type(expires) is not int or not isinstance(jti, str) or not jti:
            raise RefusedError("iat, exp or jti is missing")
        if not issued - LEEWAY <= now < expires + LEEWAY or not 0 < expires - issued <= lifetime:
            raise RefusedError("the token is too old, too new, or lives too long")
        with self._lock:
            for old in [one for one, until in self._used.items() if until <= now]:
                del self._used[old]
            if jti in self._used:
                raise RefusedError("the token was used before")
            self._used[jti] = expires + LEEWAY

    def _known(self, signed: Any) -> Any:
        """The key that signed, by its `kid`."""
        kid, keys = signed.headers().get("kid"), self._fresh(KEYS_LAST)
        if all(key.kid != kid for key in keys):
            keys = self._fresh(LEEWAY)
        return keys.get_by_kid(kid)

    def _fresh(self, lasts: float) -> KeySet:
        with self._lock:
            now = time.monotonic()
            if self._keys is None or now - self._read >= lasts:
                self._keys, self._read = self._fetch(), now
            return self._keys

    def _fetch(self) -> KeySet:
        at = f"http://127.0.0.1:{self._port}" if self._local else self.origin
        request = Request(f"{at}/.well-known/jwks.json", headers={"Host": self._host})  # noqa: S310 (an own setting)
        opener = build_opener(_NoRedirects, ProxyHandler({})) if self._local else build_opener(_NoRedirects)
        try:
            with opener.open(request, timeout=KEYS_SECONDS) as answer:
                return KeySet.import_key_set(json.loads(answer.read(MOST_KEYS)))
        except (OSError, HTTPException, JoseError, ValueError, TypeError, KeyError) as error:
            raise KeysAwayError(f"the keys of {self.origin} cannot be read") from error


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Keys come from the portal's own address, or not at all."""


def _asked(said: Mapping[str, Any]) -> Asked:
    ctx, claims, subject = said.get("ctx"), said.get("claims", {}), said.get("sub", "")
    settings = (ctx.get("settings") or {}) if isinstance(ctx, dict) else None
    shapes = isinstance(claims, dict) and isinstance(settings, dict) and isinstance(subject, str)
    if not isinstance(ctx, dict) or not shapes:
        raise RefusedError("ctx, claims or sub has another form")
    locale = ctx.get("locale")
    return Asked(
        locale if locale in LOCALES else "ja", str(ctx.get("size") or "M"), claims, settings or {}, subject
    )


class Provider:
    """A WSGI application: the manifest and where it is listed, health, pages, and the card that `card` makes.

    `file` is the program's own path: the manifest is the `gadget.json` beside it. `card` takes an Asked and returns the card
    as a dict (`docs/reference/card.md`). `pages` are texts by path. `action` takes a Posted and returns the card that
    answers, or raises NotTakenError; `event` takes an Event and returns how many records it concerns. Each is called once,
    however often the same comes; with several processes keep the answers where all of them see them. `portal` is an origin; without it `PORTAL_URL` of the
    environment counts, then the mock portal of `rgadget`.
    """

    def __init__(
        self,
        file: str | Path,
        card: Callable[[Asked], Mapping[str, Any]],
        *,
        pages: Mapping[str, str] | None = None,
        action: Callable[[Posted], Mapping[str, Any]] | None = None,
        event: Callable[[Event], int] | None = None,
        portal: str = "",
    ) -> None:
        self.manifest: dict[str, Any] = json.loads(
            Path(file).with_name("gadget.json").read_text(encoding="utf-8")
        )
        self.portal = Portal(portal or os.environ.get("PORTAL_URL") or MOCK_PORTAL)
        self._card, self._pages = card, dict(pages or {})
        endpoints = self.manifest["endpoints"]
        self._card_url: str = endpoints["card"]
        self._posts: dict[str, Callable[[Mapping[str, Any], bytes], _Answer]] = {}
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._acting = threading.Lock()
        if action is not None:
            self._action, self._action_url = action, str(endpoints["action"])
            self._posts[urlsplit(self._action_url).path] = self._action_answer
        if event is not None:
            self._event = event
            self._posts[urlsplit(endpoints["events"]).path] = self._event_answer
        self._documents = {
            "/gadget.json": self.manifest,
            "/.well-known/region-gadget.json": {"gadgets": [f"{self.home}/gadget.json"]},
            urlsplit(endpoints.get("health", "/g/health")).path: {"status": "ok"},
        }

    @property
    def home(self) -> str:
        """The provider's own origin."""
        return str(self.manifest["link_origins"][0])

    def text(self, name: str, locale: str) -> str:
        """A text of the manifest, such as `title`, in a language; in Japanese where it has no other."""
        texts = self.manifest[name]
        return str(texts.get(locale) or texts["ja"])

    def __call__(self, environ: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        """WSGI."""
        status, kind, body, headers = self._answer(environ)
        start(
            status,
            [
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
                ("Content-Security-Policy", POLICY),
                ("X-Content-Type-Options", "nosniff"),
                *headers,
            ],
        )
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: Mapping[str, Any]) -> "_Answer":
        path = environ.get("PATH_INFO") or "/"
        if path in self._posts:
            return self._posted(environ, self._posts[path])
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _json("405 Method Not Allowed", {"error": "GET only"}, ("Allow", "GET, HEAD"))
        if path == urlsplit(self._card_url).path:
            return self._card_answer(environ)
        if path in self._documents:
            return _json("200 OK", self._documents[path])
        if path in self._pages:
            title = self.text("title", "ja")
            page = f"<!doctype html><html lang=ja><title>{_plain(title)}</title><p>{_plain(self._pages[path])}</p>"
            return "200 OK", "text/html; charset=utf-8", page.encode(), []
        return _json("404 Not Found", {"error": "there is nothing here"})

    def _posted(
        self, environ: Mapping[str, Any], answer: Callable[[Mapping[str, Any], bytes], "_Answer"]
    ) -> "_Answer":
        if environ["REQUEST_METHOD"] != "POST":
            return _json("405 Method Not Allowed", {"error": "POST only"}, ("Allow", "POST"))
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isascii() or not length.isdigit() or int(length) > MOST_BODY:
            return _json("413 Content Too Large", {"error": f"at most {MOST_BODY} bytes"})
        try:
            return answer(environ, environ["wsgi.input"].read(int(length)))
        except RefusedError as error:
            return _json("401 Unauthorized", {"error": str(error)}, ("WWW-Authenticate", "Bearer"))
        except KeysAwayError as error:
            log.warning("%s", error)
            return _json("503 Service Unavailable", {"error": str(error)})
        except Exception:  # bulkhead: one form or event must not end the server
            log.exception("a post could not be answered")
            return _json("500 Internal Server Error", {"error": "it could not be done"})

    def _once(self, key: str, act: "Callable[[], _Answer]") -> "_Answer":
        """One at a time; what comes again gets the first answer. What `act` raises is not remembered."""
        with self._acting:
            if key not in self._answers:
                self._answers[key] = act()
                while len(self._answers) > REMEMBERED:
                    self._answers.popitem(last=False)
            return self._answers[key]

    def _action_answer(self, environ: Mapping[str, Any], body: bytes) -> "_Answer":
        asked = self.portal.asks(
            environ.get("HTTP_AUTHORIZATION", ""),
            audience=self.manifest["id"],
            url=self._action_url,
            method="POST",
            body=body,
        )
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        posted = _form(body, asked)
        if posted is None or not asked.subject or not key:
            return _json("400 Bad Request", {"error": "form, values, a subject and a key are needed"})
        try:
            return self._once(
                f"form {asked.subject} {key}", lambda: _json("200 OK", self._action(posted), kind=CARD)
            )
        except NotTakenError as refused:
            return _json("422 Unprocessable Content", {"status": 422, "detail": str(refused)}, kind=PROBLEM)

    def _event_answer(self, environ: Mapping[str, Any], body: bytes) -> "_Answer":
        del environ  # everything is in the body
        txn, event = self.portal.tells(body.decode("ascii", "replace"), audience=self.manifest["id"])

        def act() -> _Answer:
            records = self._event(event)
            if event.kind in (ERASURE, ERASURE_CHECK):
                return _json("200 OK", {"records": records, "kept": []})
            return "204 No Content", "text/plain; charset=utf-8", b"", []

        return self._once(f"event {txn}", act)

    def _card_answer(self, environ: Mapping[str, Any]) -> "_Answer":
        try:
            asked = self.portal.asks(
                environ.get("HTTP_AUTHORIZATION", ""), audience=self.manifest["id"], url=self._card_url
            )
        except RefusedError as error:
            return _json("401 Unauthorized", {"error": str(error)}, ("WWW-Authenticate", "Bearer"))
        except KeysAwayError as error:
            log.warning("%s", error)
            return _json("503 Service Unavailable", {"error": str(error)})
        try:
            status, kind, body, _ = _json("200 OK", self._card(asked), kind=CARD)
        except Exception:  # bulkhead: one broken card must not end the server
            log.exception("no card could be made")
            return _json("500 Internal Server Error", {"error": "no card could be made"})
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = [("ETag", etag), ("Cache-Control", "private")]
        if etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            return "304 Not Modified", kind, b"", headers
        return status, kind, body, headers

    def run(self) -> None:
        """Serves on this machine, at the port of the provider's origin, until the program ends."""
        make_server("127.0.0.1", urlsplit(self.home).port or 80, self, _Server).serve_forever()


_Answer = tuple[str, str, bytes, list[tuple[str, str]]]
"""Status, content type, body, further headers."""


def _form(body: bytes, asked: Asked) -> Posted | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    name, values = (found.get("form"), found.get("values")) if isinstance(found, dict) else (None, None)
    return Posted(name, values, asked) if isinstance(name, str) and isinstance(values, dict) else None


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def _json(
    status: str, body: Mapping[str, Any], *headers: tuple[str, str], kind: str = "application/json"
) -> _Answer:
    return status, f"{kind}; charset=utf-8", json.dumps(body, ensure_ascii=False).encode(), list(headers)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
