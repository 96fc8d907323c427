"""What is called for a provider: public addresses only, and no longer than a few seconds however slow it talks."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gadgets.outbound.http import Door
from gadgets.webhooks import logout
from identity import hooks

ROOT = Path(__file__).resolve().parents[2]
WAYS_OUT = {
    "gadgets/outbound/http.py", "gadgets/cityos/ngsi_ld.py", "identity/loopback.py", "identity/oidc/tokens.py",
    "identity/keycloak/driver.py", "identity/oidc/relying_party.py",
}  # fmt: skip
OUTSIDE = re.compile(
    r"^\s*(?:import|from) (requests|urllib3|httpx|http\.client|urllib\.request|socket)\b", re.M
)


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that never comes to the end of its first line; its port."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        with suppress(OSError):
            held, _ = listener.accept()
            with held:
                held.sendall(b"HTTP")
                while not stop.wait(0.05):
                    held.sendall(b"a")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    stop.set()
    listener.close()
    thread.join(5)


def test_a_server_that_drips_is_cut_off(dripping: int, settings: Any) -> None:
    settings.LOOPBACK_NAMES = True
    assert hooks.registered().post_logout_token is logout.post
    begun = time.monotonic()
    assert not hooks.registered().post_logout_token(
        f"http://slow.localhost:{dripping}/logout", b"logout_token=x", 0.5
    )
    assert time.monotonic() - begun < 5


@pytest.fixture
def answering() -> Iterator[tuple[int, list[tuple[str, bytes]], dict[str, Any]]]:
    """A server that answers as the test says; its port, what it heard, and its answer."""
    heard: list[tuple[str, bytes]] = []
    answer: dict[str, Any] = {"status": 204, "headers": {}, "body": b""}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answer["status"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer["body"])))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(answer["body"])

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_port, heard, answer
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({"status": 204}, True),
        ({"status": 200, "headers": {"Content-Type": "text/html"}, "body": b"<p>ok</p>"}, True),
        ({"status": 302, "headers": {"Location": "/again"}}, False),
        ({"status": 500}, False),
        ({"status": 200, "body": b"x" * 100_000}, False),
    ],
)
def test_a_logout_token_is_posted_once_and_leads_nowhere_else(
    answering: tuple[int, list[tuple[str, bytes]], dict[str, Any]],
    settings: Any,
    said: dict[str, Any],
    taken: bool,
) -> None:
    settings.LOOPBACK_NAMES = True
    port, heard, answer = answering
    answer.update(said)
    assert (
        hooks.registered().post_logout_token(f"http://lunch.localhost:{port}/logout", b"logout_token=x", 3.0)
        is taken
    )
    assert heard == [("/logout", b"logout_token=x")]


@pytest.mark.parametrize(
    "address", ["64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "::127.0.0.1", "10.0.0.1", "192.0.0.8"]
)
def test_a_name_that_leads_inwards_by_a_detour_is_not_called(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    called: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *args, **_: called.append(args))
    monkeypatch.setattr(
        logout, "door", lambda: Door(resolver=lambda _host, _seconds: ["93.184.216.34", address])
    )
    assert not logout.post("https://gadget.example/logout", b"", 1.0)
    assert called == []


@pytest.mark.parametrize(
    "url",
    [
        "http://gadget.example/",
        "https://gadget.example:8443/",
        "https://u@gadget.example/",
        "https://10.0.0.1/",
        "ftp://x/",
        "",
    ],
)
def test_an_address_of_another_form_is_not_called(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    called: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *args, **_: called.append(args))
    assert not logout.post(url, b"", 1.0)
    assert called == []


def test_nothing_else_opens_a_way_out() -> None:
    """A module that speaks to the network is one of these; an address that a provider gave goes through the first."""
    packages = ("core", "identity", "gadgets", "recommender", "portal")
    found = {
        str(path.relative_to(ROOT))
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if OUTSIDE.search(path.read_text(encoding="utf-8"))
    }
    tools = {path for path in found if path.startswith(("gadgets/rgadget/", "gadgets/conformance/"))}
    assert found - tools == WAYS_OUT
