"""A server on this machine that answers as a broken provider would; check 9 puts it in a provider's place."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from core.texts import Texts
from gadgets.protocol.card import MAX_BYTES, MEDIA_TYPE

MARK = "fault-7d1c"
"""Stands in every body: nothing of a broken answer may reach a page."""
HOST = "fault.localhost"
DRIP_SECONDS = 0.05

FAULTS: Mapping[str, Texts] = {
    "404": {"ja": "404", "en": "404"},
    "500": {"ja": "500", "en": "500"},
    "slow": {"ja": "遅い応答", "en": "a slow answer"},
    "huge": {"ja": "大きすぎる応答", "en": "a huge answer"},
    "html": {"ja": "HTML のエラー画面", "en": "an error page in HTML"},
    "no-json": {"ja": "JSON でない応答", "en": "an answer that is no JSON"},
    "no-card": {"ja": "仕様に合わないカード", "en": "a card against the schema"},
    "cut": {"ja": "途中で切れた応答", "en": "an answer that breaks off"},
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        _ANSWERS[self.path.strip("/")](self)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The door went away in the middle, which is what it should do."""


def _whole(
    status: int, body: bytes, content_type: str = MEDIA_TYPE, length: int = 0
) -> Callable[[_Handler], None]:
    def answer(handler: _Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(length or len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def _drip(handler: _Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", MEDIA_TYPE)
    handler.end_headers()
    for byte in f'{{"{MARK}": ' * 100:
        handler.wfile.write(byte.encode())
        handler.wfile.flush()
        time.sleep(DRIP_SECONDS)


_ERROR_PAGE = f"<!doctype html><h1>Traceback {MARK}</h1><script>alert('{MARK}')</script>".encode()
_ANSWERS: Mapping[str, Callable[[_Handler], None]] = {
    "404": _whole(404, _ERROR_PAGE, "text/html"),
    "500": _whole(500, _ERROR_PAGE, "text/html"),
    "slow": _drip,
    "huge": _whole(200, json.dumps({MARK: MARK * MAX_BYTES}).encode()),
    "html": _whole(200, _ERROR_PAGE, "text/html"),
    "no-json": _whole(200, f"{{{MARK}".encode()),
    "no-card": _whole(200, json.dumps({"lang": "ja", "summary": MARK, "blocks": [{"type": MARK}]}).encode()),
    "cut": _whole(200, f'{{"lang": "{MARK}'.encode(), length=5000),
}


@contextmanager
def running() -> Iterator[str]:
    """Yields the address below which each fault is to be had by its name."""
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
