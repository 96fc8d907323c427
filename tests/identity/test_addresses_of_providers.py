"""What is called for a provider: public addresses only, and no longer than a few seconds however slow it talks."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests

from identity import loopback


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


def test_a_server_that_drips_is_cut_off(
    dripping: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOOPBACK_NAMES = True
    monkeypatch.setattr(loopback, "PUBLIC_SECONDS", 0.5)
    begun = time.monotonic()
    with loopback.session(public_only=True) as http, pytest.raises(requests.RequestException):
        http.post(f"http://slow.localhost:{dripping}/logout", timeout=30, stream=True)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "address", ["64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "::127.0.0.1", "10.0.0.1"]
)
def test_a_name_that_leads_inwards_by_a_detour_is_not_called(
    settings: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settings.LOOPBACK_NAMES = False
    called: list[object] = []
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    )
    monkeypatch.setattr(loopback, "create_connection", lambda *args: called.append(args))
    with (
        loopback.session(public_only=True) as http,
        pytest.raises(requests.RequestException, match="no public address"),
    ):
        http.post("https://gadget.example/logout", timeout=1)
    assert called == []
