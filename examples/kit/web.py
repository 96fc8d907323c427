"""A small web server: routes, forms, cookies, and a strict policy on every page."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from examples.kit.errors import BadRequestError

log = logging.getLogger("examples")
MAX_BODY = 64 * 1024
HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"
JWT = "application/jwt"


@dataclass(frozen=True)
class Request:
    """One request; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    form: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    token: str = ""
    """The body of a request that is one signed token (`application/jwt`)."""
    raw: bytes = b""
    """The body of a request that is JSON."""

    def field(self, name: str) -> str:
        """The first value of a form field, or an empty string."""
        return next((value for key, value in self.form if key == name), "")

    def fields(self, name: str) -> tuple[str, ...]:
        """All values of a form field."""
        return tuple(value for key, value in self.form if key == name)


@dataclass
class Response:
    """One answer."""

    body: str | bytes = ""
    status: int = HTTPStatus.OK
    content_type: str = HTML
    headers: list[tuple[str, str]] = field(default_factory=list)

    def set_cookie(self, name: str, value: str, *, secure: bool, max_age: int | None = None) -> None:
        """Adds a cookie that no script reads and no foreign page sends."""
        parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        if secure:
            parts.append("Secure")
        self.headers.append(("Set-Cookie", "; ".join(parts)))


def redirect(url: str) -> Response:
    """303: the browser goes on with GET."""
    return Response(status=HTTPStatus.SEE_OTHER, headers=[("Location", url)])


Handler = Callable[[Request], Response]


class Site:
    """The routes of one provider, and the headers that each of its answers carries."""

    def __init__(self, *, form_action: str = "'self'") -> None:
        self._routes: dict[tuple[str, str], Handler] = {}
        self._policy = (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            f"form-action {form_action}; frame-ancestors 'none'"
        )

    def route(self, method: str, path: str, handler: Handler) -> None:
        """Adds one route; HEAD is answered by GET."""
        self._routes[method, path] = handler

    def answer(self, request: Request) -> Response:
        """The answer to one request, whatever happens inside."""
        method = "GET" if request.method == "HEAD" else request.method
        handler = self._routes.get((method, request.path))
        if handler is None:
            allowed = sorted(known for known, path in self._routes if path == request.path)
            if not allowed:
                return Response("not found\n", HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8")
            headers = [("Allow", ", ".join(allowed))]
            return Response("", HTTPStatus.METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", headers)
        return self._bulkhead(handler, request)

    def headers(self) -> list[tuple[str, str]]:
        """What every answer carries."""
        return [
            ("Content-Security-Policy", self._policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
        ]

    @staticmethod
    def _bulkhead(handler: Handler, request: Request) -> Response:
        try:
            return handler(request)
        except BadRequestError as error:
            return Response(f"{error}\n", HTTPStatus.BAD_REQUEST, "text/plain; charset=utf-8")
        except Exception:  # the bulkhead: one broken page must not end the server
            log.exception("error in %s %s", request.method, request.path)
            return Response("internal error\n", HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8")


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1 only; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, site: Site, port: int) -> None:
        self.site = site
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def port(self) -> int:
        """The port it really listens on."""
        return int(self.server_address[1])

    def start(self) -> threading.Thread:
        """Serves in a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        return thread


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "provider"
    sys_version = ""
    timeout = 15

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *args: Any) -> None:
        """Silences the built-in line, which would hold the query."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        try:
            response = self.server.site.answer(self._read(parts.path, parts.query))
        except BadRequestError as error:
            self.close_connection = True
            response = Response(f"{error}\n", HTTPStatus.BAD_REQUEST, "text/plain; charset=utf-8")
        self._write(response)
        log.info("%s %s %s", self.command, parts.path, int(response.status))

    def _read(self, path: str, query: str) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except CookieError as error:
            raise BadRequestError("the cookies cannot be read") from error
        form, token, raw = self._body(headers)
        return Request(
            method=self.command,
            path=path,
            query=dict(parse_qsl(query)),
            form=form,
            headers=headers,
            cookies={name: morsel.value for name, morsel in cookies.items()},
            token=token,
            raw=raw,
        )

    def _body(self, headers: Mapping[str, str]) -> tuple[tuple[tuple[str, str], ...], str, bytes]:
        """The fields of a form, or the token or the JSON that the body is."""
        if "transfer-encoding" in headers:
            raise BadRequestError("a body needs its length")
        raw_length = headers.get("content-length", "0")
        if not raw_length.isdecimal() or int(raw_length) > MAX_BODY:
            raise BadRequestError("the body is too long")
        body = self.rfile.read(int(raw_length))
        if self.command != "POST":
            return (), "", b""
        content_type = headers.get("content-type", "").partition(";")[0].strip()
        if content_type == JWT:
            return (), body.decode("ascii", "replace"), b""
        if content_type == "application/json":
            return (), "", body
        if content_type != "application/x-www-form-urlencoded":
            raise BadRequestError("the body must be a form")
        try:
            return tuple(parse_qsl(body.decode("utf-8"), max_num_fields=200)), "", b""
        except ValueError as error:
            raise BadRequestError("the form cannot be read") from error

    def _write(self, response: Response) -> None:
        body = response.body.encode("utf-8") if isinstance(response.body, str) else response.body
        self.send_response(int(response.status))
        given = {name.lower() for name, _ in response.headers}
        bodiless = int(response.status) in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        if not bodiless:
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(body)))
        if "cache-control" not in given:
            self.send_header("Cache-Control", "no-store")
        usual = [one for one in self.server.site.headers() if one[0].lower() not in given]
        for name, value in [*usual, *response.headers]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and not bodiless:
            self.wfile.write(body)
