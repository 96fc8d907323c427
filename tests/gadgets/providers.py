"""A provider on a real port of this machine, that answers as a test says and remembers what it was asked."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from joserfc import jwt
from joserfc.jwk import KeySet

from gadgets.protocol.card import MEDIA_TYPE


@dataclass
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes = b""

    def token(self, keys: dict[str, Any]) -> jwt.Token:
        """The request token, its signature checked against a key set."""
        scheme, _, raw = self.headers["authorization"].partition(" ")
        assert scheme == "Bearer"
        return jwt.decode(raw, KeySet.import_key_set(keys), algorithms=["ES256"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        provider = self.server.provider
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        provider.seen.append(Seen(self.path, headers, body))
        provider.answer(self)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: "Provider"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client went away in the middle, which is what many of these tests are about."""


Answer = Callable[[Handler], None]


def reply(
    body: bytes, *, status: int = 200, content_type: str = MEDIA_TYPE, headers: dict[str, str] | None = None
) -> Answer:
    """A complete answer."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@dataclass
class Provider:
    """`answer` may be replaced at any time."""

    answer: Answer
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"
    host: str = "waste.localhost"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def card_url(self) -> str:
        return f"{self.origin}/g/card"

    @classmethod
    @contextmanager
    def running(
        cls, answer: Answer, *, tls: ssl.SSLContext | None = None, host: str = "waste.localhost"
    ) -> Iterator[Self]:
        server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        provider = cls(answer, port=server.server_address[1], scheme="https" if tls else "http", host=host)
        server.provider = provider
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def card_document(**changes: Any) -> dict[str, Any]:
    """A small valid card."""
    return {
        "lang": "ja",
        "summary": "次の収集は、あす（燃えるごみ）です。",
        "updated": "2026-04-01T00:00:00+09:00",
        "valid_until": "2099-04-02T00:00:00+09:00",
        "source": {"publisher": "高松市", "licence": "CC BY 4.0"},
        "blocks": [{"type": "text", "text": "あすは燃えるごみの日です。"}],
        **changes,
    }


def card_bytes(**changes: Any) -> bytes:
    return json.dumps(card_document(**changes), ensure_ascii=False).encode()
