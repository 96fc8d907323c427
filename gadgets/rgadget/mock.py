"""The mock portal on this machine: its key set for providers, and pages that show a gadget's cards as residents see them."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import ECKey

from gadgets.conformance import Environment
from gadgets.rgadget.drawing import Choice, page
from gadgets.rgadget.out import Exit, ToolError

JWKS = "/.well-known/jwks.json"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def key_set(key: ECKey) -> dict[str, Any]:
    """The public half only."""
    public = key.as_dict(private=False)
    return {"keys": [{**public, "kid": key.thumbprint(), "use": "sig", "alg": "ES256"}]}


@dataclass(slots=True)
class Portal:
    """One mock portal; `asked` counts who came for the keys. `url`: the manifest that its pages show, if any."""

    env: Environment
    url: str = ""
    language: str = "ja"
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, query: Mapping[str, list[str]]) -> tuple[HTTPStatus, str, bytes]:
        """Status, media type, body."""
        if path == JWKS:
            with self.lock:
                self.asked += 1
            body = json.dumps(key_set(self.env.signer.key)).encode()
            return HTTPStatus.OK, "application/json", body
        if path == "/portal.css":
            return HTTPStatus.OK, "text/css; charset=utf-8", self.env.stylesheet.encode()
        if path == "/" and self.url:
            shown = page(self.url, self.env, Choice.of(query), language=self.language)
            return HTTPStatus.OK, "text/html; charset=utf-8", shown.encode()
        return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"not here"


def _handler(portal: Portal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """GET only; nothing is logged, since a query may hold what a developer tries."""

        def do_GET(self) -> None:
            # Another page of this browser must not read cards through a name that it made to lead here.
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            if host not in ("127.0.0.1", "localhost") and not host.endswith(".localhost"):
                self._say(HTTPStatus.FORBIDDEN, "text/plain; charset=utf-8", b"unknown host")
                return
            parts = urlsplit(self.path)
            self._say(*portal.answer(parts.path, parse_qs(parts.query)))

        def _say(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
                ("Content-Security-Policy", POLICY),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Silent."""

    return Handler


def listening(portal: Portal, port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1; raises ToolError when the port is taken."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), _handler(portal))
    except OSError as error:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"ポート {port} は、ほかのプログラムが使っています。", "en": f"Port {port} is in use."},
            {
                "ja": "--port で別の番号を指定し、提供者のプログラムの PORTAL_URL も同じ番号にしてください。",
                "en": "Choose another with --port, and give your program the same number in PORTAL_URL.",
            },
        ) from error


@contextmanager
def answering(portal: Portal, port: int) -> Iterator[bool]:
    """Lets the key set be had while something is checked; True when it is this portal that answers.

    A `rgadget serve` that runs already with the same key is as good: then False.
    """
    if _serves(port) == portal.env.signer.kid:
        yield False
        return
    server = listening(portal, port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield True
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _serves(port: int) -> str:
    """The id of the key that is published on the port; empty when nobody, or somebody else, answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", JWKS)
        found = json.loads(connection.getresponse().read(65536))
        return str(found["keys"][0]["kid"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    finally:
        connection.close()
