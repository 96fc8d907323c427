"""What every provider serves: manifest, card, health, privacy page, and sign-in where it has one."""

import hashlib
import json
import logging
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from examples.kit import pages
from examples.kit.card import MEDIA_TYPE, Texts, pick
from examples.kit.config import JST, Config
from examples.kit.errors import (
    BadRequestError,
    IdUnavailableError,
    KeysUnavailableError,
    LogoutTokenError,
    SignInError,
    TokenError,
)
from examples.kit.events import ERASURE, ERASURE_CHECK, SESSION_ENDED, Answer, Event, EventDesk, EventVerifier
from examples.kit.forms import PROBLEM, Filled, FormDesk, FormRefusedError
from examples.kit.forms import read as read_form
from examples.kit.keys import RemoteKeys
from examples.kit.loopback import new_session
from examples.kit.oidc import RelyingParty
from examples.kit.request_token import RequestToken, TokenVerifier
from examples.kit.sessions import Session, SessionStore, same
from examples.kit.web import JSON, Request, Response, Server, Site, redirect

log = logging.getLogger("examples")
FLOW_LIFETIME = 600
CardMaker = Callable[[RequestToken, datetime], dict[str, Any]]
PageMaker = Callable[[Request, str, Session | None], str]

TRY_AGAIN: Texts = {
    "ja": "もう一度サインインする",
    "ja-simple": "もう一度（いちど） やってみる",
    "en": "Sign in again",
}
FAILED: Texts = {
    "ja": "サインインできませんでした",
    "ja-simple": "入る ことが できませんでした",
    "en": "You could not be signed in",
}
FAILED_DETAIL: Texts = {
    "ja": "サインインの途中で問題が起きました。もう一度はじめてください。",
    "ja-simple": "問題（もんだい）が ありました。もう一度（いちど） はじめて ください。",
    "en": "Something went wrong on the way. Please start again.",
}
ID_DOWN: Texts = {
    "ja": "地域IDにつながりません。しばらくしてから、もう一度お試しください。",
    "ja-simple": "今、地域（ちいき）IDが 使えません。少（すこ）し 待（ま）って、もう一度（いちど） やって ください。",
    "en": "The regional ID cannot be reached. Please try again in a while.",
}


@dataclass(frozen=True)
class Profile:
    """One provider as a program: its names, manifest, card and pages."""

    name: str
    gadget: str
    title: Texts
    provider: str
    manifest: Callable[[Config], dict[str, Any]]
    make_card: CardMaker
    home: PageMaker
    privacy: Sequence[Texts]
    private_cards: bool = False
    max_age: int = 300
    on_event: Callable[[Event], Answer] | None = None
    """What to do for the portal's events; its manifest then declares `events` at `/g/events`."""
    on_form: Callable[[str, Filled], None] | None = None
    """What to do with a form of a subject; its manifest then declares `action` at `/g/action`."""


class Provider:
    """A running provider."""

    def __init__(self, config: Config, profile: Profile) -> None:
        self.config = config
        self.profile = profile
        self.sessions = SessionStore()
        self.http = new_session()
        self.keys = RemoteKeys(lambda: config.portal_jwks_url, self.http)
        self.verifier = TokenVerifier(
            keys=self.keys, issuer=config.portal_url, audience=config.gadget_id(profile.gadget)
        )
        self.event_verifier = EventVerifier(
            keys=self.keys, issuer=config.portal_url, audience=config.gadget_id(profile.gadget)
        )
        self.oidc = RelyingParty(config, self.http, self.sessions)
        self.seen = _Seen()
        self.on_close: list[Callable[[], None]] = []
        self._secure = config.public_origin.startswith("https:")
        self.site = Site(form_action=self._form_action())
        self._add_routes()

    def now(self) -> datetime:
        """The time the cards are made for, in Japan."""
        return (self.config.now or datetime.now(JST)).astimezone(JST)

    def session(self, request: Request) -> Session | None:
        """The living session of this browser."""
        return self.sessions.find(request.cookies.get(self._cookie))

    def require_form(self, request: Request) -> Session:
        """The session of a form that this site itself drew; raises BadRequestError."""
        session = self.session(request)
        if session is None or not same(session.csrf, request.field("csrf")):
            raise BadRequestError("this form is too old; open the page again")
        return session

    def serve(self) -> None:
        """Runs until the process is told to stop."""
        server = Server(self.site, self.config.port)
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"{self.profile.name}: {self.config.public_origin} on port {server.port}", flush=True)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()
            self.close()

    def close(self) -> None:
        """Gives back what this provider holds open."""
        self.http.close()
        for close in self.on_close:
            close()

    @property
    def _cookie(self) -> str:
        return f"{self.profile.name}_session"

    def _form_action(self) -> str:
        issuer = urlsplit(self.config.oidc_issuer)
        # Chromium applies form-action to the redirect that follows the sign-out form.
        return f"'self' {issuer.scheme}://{issuer.netloc}" if issuer.netloc else "'self'"

    def _add_routes(self) -> None:
        add = self.site.route
        add("GET", "/.well-known/region-gadget.json", self._well_known)
        add("GET", "/gadget.json", self._manifest)
        add("GET", "/g/card", self._card)
        add("GET", "/g/health", lambda _: _json({"status": "ok"}))
        add("GET", "/privacy", self._privacy)
        add("GET", "/", self._home)
        add("GET", "/static/site.css", _style)
        if self.profile.on_event is not None:
            desk = EventDesk(self._acting(self.profile.on_event))
            add("POST", "/g/events", lambda request: self._event(request, desk))
        if self.profile.on_form is not None:
            take, forms = self.profile.on_form, FormDesk()
            add("POST", "/g/action", lambda request: self._form(request, take, forms))
        if self.config.debug_claims:
            add("GET", "/g/debug/last-claims", lambda _: _json(self.seen.as_json()))
            add("GET", "/g/debug/events", lambda _: _json(self.seen.events_as_json()))
        if "login" in self.profile.manifest(self.config)["endpoints"]:
            add("GET", "/oidc/start", self._oidc_start)
            add("GET", "/oidc/callback", self._oidc_callback)
            add("POST", "/oidc/logout", self._oidc_logout)
            add("POST", "/oidc/backchannel-logout", self._backchannel_logout)

    # The gadget

    def _well_known(self, _: Request) -> Response:
        return _json({"gadgets": [self.config.url("/gadget.json")]})

    def _manifest(self, _: Request) -> Response:
        return _json(self.profile.manifest(self.config))

    def _card(self, request: Request) -> Response:
        faulty = _fault(self.config.fault)
        if faulty is not None:
            return faulty
        try:
            token = self.verifier.verify(
                request.headers.get("authorization"), method="GET", url=self.config.url("/g/card")
            )
        except TokenError as error:
            return self._unauthorized(error)
        except KeysUnavailableError as error:
            return _json({"error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE, [("Retry-After", "5")])
        self.seen.add(token)
        return self._drawn(request, token)

    def _drawn(self, request: Request, token: RequestToken) -> Response:
        now = self.now()
        card = self.profile.make_card(token, now)
        body = json.dumps(card, ensure_ascii=False, sort_keys=True).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        fresh = (datetime.fromisoformat(card["valid_until"]) - now).total_seconds()
        scope = "private" if self.profile.private_cards else "public"
        headers = [
            ("ETag", etag),
            ("Vary", "Authorization"),
            ("Cache-Control", f"{scope}, max-age={max(0, min(self.profile.max_age, int(fresh)))}"),
        ]
        if request.headers.get("if-none-match") == etag:
            return Response("", HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(body, content_type=MEDIA_TYPE, headers=headers)

    def _event(self, request: Request, desk: EventDesk) -> Response:
        """A signed event of the portal: verified, done, answered."""
        if request.raw:
            raise BadRequestError("the body must be a token")
        try:
            event = self.event_verifier.verify(request.token)
        except TokenError as error:
            return self._unauthorized(error)
        except KeysUnavailableError as error:
            return _json({"error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE, [("Retry-After", "5")])
        answer = desk.take(event)
        self.seen.add_event(event)
        if event.kind in {ERASURE, ERASURE_CHECK}:
            return _json(answer.as_json())
        return Response("", HTTPStatus.NO_CONTENT, "text/plain; charset=utf-8")

    def _form(self, request: Request, act: Callable[[str, Filled], None], desk: FormDesk) -> Response:
        """A form that a resident filled in: verified, done once, answered with the card as it is now."""
        try:
            token = self.verifier.verify(
                request.headers.get("authorization"),
                method="POST",
                url=self.config.url("/g/action"),
                body=request.raw,
            )
        except TokenError as error:
            return self._unauthorized(error)
        except KeysUnavailableError as error:
            return _json({"error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE, [("Retry-After", "5")])
        sub, key = token.sub, request.headers.get("idempotency-key", "")
        if sub is None or not key:
            return _json({"error": "a form needs a subject and a key"}, HTTPStatus.BAD_REQUEST)
        filled = read_form(request.raw)
        try:
            desk.take(sub, key, lambda: act(sub, filled))
        except FormRefusedError as refused:
            body = json.dumps({"detail": str(refused)}, ensure_ascii=False)
            return Response(body, HTTPStatus.UNPROCESSABLE_ENTITY, PROBLEM)
        return self._drawn(request, token)

    def _acting(self, on_event: Callable[[Event], Answer]) -> Callable[[Event], Answer]:
        """What every provider does, and then what this one does."""

        def act(event: Event) -> Answer:
            if event.kind in {ERASURE, SESSION_ENDED}:
                self.sessions.end(sub=event.sub, sid=None)
            return on_event(event)

        return act

    def _unauthorized(self, error: TokenError) -> Response:
        challenge = f'Bearer realm="{self.config.gadget_id(self.profile.gadget)}"'
        if error.code is not None:
            challenge += f', error="{error.code}", error_description="{error.description}"'
        body = {"error": error.code or "unauthorized", "error_description": error.description}
        return _json(body, HTTPStatus.UNAUTHORIZED, [("WWW-Authenticate", challenge)])

    # The provider's own pages

    def _home(self, request: Request) -> Response:
        locale = pages.locale_of(request)
        session = self.session(request)
        main = self.profile.home(request, locale, session)
        return Response(self._page(self.profile.title, main, locale, "/"))

    def _privacy(self, request: Request) -> Response:
        locale = pages.locale_of(request)
        main = "".join(f"<p>{escape(pick(part, locale))}</p>" for part in self.profile.privacy)
        return Response(self._page(pages.PRIVACY, main, locale, "/privacy"))

    def _page(self, title: Texts, main: str, locale: str, path: str) -> str:
        return pages.page(
            title=pick(title, locale), main=main, locale=locale, path=path, provider=self.profile.provider
        )

    def _problem(self, request: Request, detail: Texts, status: HTTPStatus) -> Response:
        locale = pages.locale_of(request)
        retry = f'<p><a class="button" href="/oidc/start">{escape(pick(TRY_AGAIN, locale))}</a></p>'
        main = f'<p class="warn" role="alert">{escape(pick(detail, locale))}</p>{retry}'
        return Response(self._page(FAILED, main, locale, "/"), status)

    # Sign-in and sign-out

    def _oidc_start(self, request: Request) -> Response:
        if not self.config.has_sign_in:
            return self._problem(request, pages.NOT_SET_UP, HTTPStatus.SERVICE_UNAVAILABLE)
        if request.query.get("iss", self.config.oidc_issuer) != self.config.oidc_issuer:
            return self._problem(request, FAILED_DETAIL, HTTPStatus.BAD_REQUEST)
        next_path = self._target(request)
        browser = request.cookies.get(self._cookie + "_flow") or secrets.token_urlsafe(24)
        try:
            url = self.oidc.begin(browser=browser, next_path=next_path, locale=pages.locale_of(request))
        except IdUnavailableError as error:
            log.warning("sign-in: %s", error)
            return self._problem(request, ID_DOWN, HTTPStatus.SERVICE_UNAVAILABLE)
        response = redirect(url)
        response.set_cookie(self._cookie + "_flow", browser, secure=self._secure, max_age=FLOW_LIFETIME)
        return response

    def _target(self, request: Request) -> str:
        """Where to go after the sign-in: `next`, or `target_link_uri` when the portal starts it."""
        target = request.query.get("target_link_uri", "")
        if target.startswith(self.config.public_origin + "/"):
            return _local(target.removeprefix(self.config.public_origin))
        return _local(request.query.get("next", "/"))

    def _oidc_callback(self, request: Request) -> Response:
        browser = request.cookies.get(self._cookie + "_flow", "")
        try:
            key, next_path = self.oidc.complete(request.query, browser=browser)
        except IdUnavailableError as error:
            log.warning("sign-in: %s", error)
            return self._problem(request, ID_DOWN, HTTPStatus.SERVICE_UNAVAILABLE)
        except SignInError as error:
            log.warning("sign-in: %s", error)
            return self._problem(request, FAILED_DETAIL, HTTPStatus.BAD_REQUEST)
        self.sessions.close(request.cookies.get(self._cookie))
        response = redirect(next_path)
        response.set_cookie(self._cookie, key, secure=self._secure)
        response.set_cookie(self._cookie + "_flow", "", secure=self._secure, max_age=0)
        return response

    def _oidc_logout(self, request: Request) -> Response:
        if self.session(request) is None:
            return redirect("/")
        session = self.require_form(request)
        self.sessions.close(request.cookies.get(self._cookie))
        response = redirect(self.oidc.logout_url(session.id_token) or "/")
        response.set_cookie(self._cookie, "", secure=self._secure, max_age=0)
        return response

    def _backchannel_logout(self, request: Request) -> Response:
        try:
            event = self.oidc.verify_logout_token(request.field("logout_token"))
        except LogoutTokenError as error:
            log.warning("back-channel logout: %s", error)
            body = {"error": "invalid_request", "error_description": str(error)}
            return _json(body, HTTPStatus.BAD_REQUEST)
        except KeysUnavailableError as error:
            return _json({"error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE)
        self.sessions.end(sub=event.sub, sid=event.sid)
        return Response("", HTTPStatus.OK, "text/plain; charset=utf-8")


class _Seen:
    """Counts the claims and events that arrived, in memory, so that a test can assert that nothing else left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._counts: dict[str, Counter[str]] = {}
        self._last: dict[str, Any] = {}
        self._events: list[dict[str, Any]] = []

    def add_event(self, event: Event) -> None:
        with self._lock:
            self._events.append({"event": event.kind, "items": list(event.items)})
            del self._events[:-100]

    def events_as_json(self) -> Mapping[str, Any]:
        with self._lock:
            return {"events": list(self._events)}

    def add(self, token: RequestToken) -> None:
        with self._lock:
            self._calls += 1
            for name, value in token.claims.items():
                shown = json.dumps(value, ensure_ascii=False)
                self._counts.setdefault(name, Counter())[shown] += 1
            self._last = {
                "granted": list(token.granted),
                "claims": dict(token.claims),
                "has_sub": token.sub is not None,
            }

    def as_json(self) -> Mapping[str, Any]:
        with self._lock:
            counts = {name: dict(values) for name, values in self._counts.items()}
            return {"calls": self._calls, "counts": counts, "last": dict(self._last)}


def _json(
    value: object, status: HTTPStatus = HTTPStatus.OK, headers: Sequence[tuple[str, str]] = ()
) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), status, JSON, list(headers))


def _style(_: Request) -> Response:
    return Response(
        pages.STYLE, content_type="text/css; charset=utf-8", headers=[("Cache-Control", "max-age=3600")]
    )


def _local(path: str) -> str:
    """A path on this site, or the front page: never a way to another site."""
    plain = path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def _fault(kind: str) -> Response | None:
    """The broken answers that tests ask for by FAULT."""
    if kind.startswith("hang:"):
        time.sleep(int(kind.removeprefix("hang:")))
        return None
    if kind == "500":
        return Response("broken on purpose\n", HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8")
    if kind == "not-json":
        return Response("<!doctype html><title>not a card</title>")
    if kind in {"huge", "html"}:
        body = "あ" * 100_000 if kind == "huge" else '<img src=x onerror="alert(1)"><b>bold</b>'
        card = {
            "lang": "ja",
            "summary": "broken on purpose",
            "updated": "2026-01-01T00:00:00+09:00",
            "valid_until": "2099-01-01T00:00:00+09:00",
            "source": {"publisher": "test", "licence": "CC0-1.0"},
            "blocks": [{"type": "text", "text": body}],
        }
        return Response(json.dumps(card, ensure_ascii=False), content_type=MEDIA_TYPE)
    return None
