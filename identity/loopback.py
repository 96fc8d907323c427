"""Requests to the regional ID and to logout addresses: names under .localhost, short timeouts, no detours.

Python's resolver on Debian does not know `*.localhost`. With `LOOPBACK_NAMES` such names are reached at
127.0.0.1 and keep their Host header. `session(public_only=True)` is for addresses that a provider gave us: it
speaks only https to public addresses, looks at the address that is really connected, and cuts every connection
after `PUBLIC_SECONDS`, however slowly the other side talks.
"""

import socket
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from identity.addresses import refusal

LOOPBACK = "127.0.0.1"
PUBLIC_SECONDS = 3.0
"""The longest life of a connection to an address that a provider gave us; a timeout alone holds for each byte."""


class RefusedAddress(requests.RequestException):
    """The address may not be called: plain http, or a host inside the city's own network."""


def is_loopback_name(host: str | None) -> bool:
    """True for names under .localhost; case and a final dot do not matter."""
    return bool(host) and str(host).rstrip(".").lower().endswith(".localhost")


def dial(url: str, *, enabled: bool) -> tuple[str, int, str] | None:
    """Where to connect for `url`: (address, port, Host header), or None to resolve the name as usual."""
    parts = urlsplit(url)
    if not enabled or not is_loopback_name(parts.hostname):
        return None
    return LOOPBACK, parts.port or (443 if parts.scheme == "https" else 80), parts.netloc


class LoopbackAdapter(HTTPAdapter):
    """Connects names under .localhost to 127.0.0.1 and leaves everything else to requests."""

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: Any,
        proxies: Any = None,
        cert: Any = None,
    ) -> ConnectionPool:
        """The pool for 127.0.0.1 when the name is one of ours."""
        target = dial(request.url or "", enabled=settings.LOOPBACK_NAMES)
        if target is None:
            return super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
        manager: PoolManager = self.poolmanager
        return manager.connection_from_host(target[0], target[1], scheme=urlsplit(str(request.url)).scheme)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Keeps the Host header that the name stands for."""
        target = dial(request.url or "", enabled=settings.LOOPBACK_NAMES)
        if target is not None:
            request.headers["Host"] = target[2]
        return super().send(request, *args, **kwargs)


class _Mortal(HTTPConnection):
    """A connection that ends after `PUBLIC_SECONDS`, also in the middle of a handshake or a header."""

    _clock: threading.Timer | None = None
    _held: socket.socket

    def _new_conn(self) -> socket.socket:
        sock = self._open()
        self._held = sock.dup()
        self._clock = threading.Timer(PUBLIC_SECONDS, _cut, (self._held,))
        self._clock.daemon = True
        self._clock.start()
        return sock

    def _open(self) -> socket.socket:
        return super()._new_conn()

    def close(self) -> None:
        """Also stops the clock."""
        if self._clock is not None:
            self._clock.cancel()
            self._held.close()
            self._clock = None
        super().close()


def _cut(sock: socket.socket) -> None:
    """Ends the conversation for whoever holds it; TLS has its own object for the same connection."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


class MortalPool(HTTPConnectionPool):
    ConnectionCls = _Mortal


class PublicConnection(_Mortal, HTTPSConnection):
    """Opens its socket only to an address of the public internet."""

    def _open(self) -> socket.socket:
        for _, _, _, _, address in socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM):
            if not refusal(str(address[0])):
                return create_connection((str(address[0]), self.port), self.timeout)
        raise NewConnectionError(self, "no public address")


class PublicPool(HTTPSConnectionPool):
    ConnectionCls = PublicConnection


class PublicAdapter(LoopbackAdapter):
    """As above, but whatever is not a loopback name must be https at a public address."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": MortalPool, "https": PublicPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Refuses plain http before a socket is opened."""
        url = request.url or ""
        if dial(url, enabled=settings.LOOPBACK_NAMES) is None and not url.startswith("https://"):
            raise RefusedAddress("only https is called", request=request)
        return super().send(request, *args, **kwargs)


def mount(session: requests.Session, *, public_only: bool = False) -> requests.Session:
    """Gives a session our way of connecting; proxies of the environment are not used."""
    session.trust_env = False
    adapter = PublicAdapter() if public_only else LoopbackAdapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def session(*, public_only: bool = False) -> requests.Session:
    """A new session, mounted."""
    return mount(requests.Session(), public_only=public_only)
