"""Requests to hosts that the settings name (the regional ID, the context broker): names under .localhost, our CA file.

Python's resolver on Debian does not know `*.localhost`. With `LOOPBACK_NAMES` such names are reached at 127.0.0.1 and
keep their Host header. An address that a provider gave us is never called from here: that is the one outbound client of
`gadgets.outbound.http`, which `identity.oidc.logout_relay.post` hands logout tokens to.
"""

import ssl
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connectionpool import ConnectionPool

LOOPBACK = "127.0.0.1"


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
    """Connects names under .localhost to 127.0.0.1 and leaves everything else to requests.

    Of hosts that the settings name (the ID, the broker) it also takes certificates signed by `CA_FILE`.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        if settings.CA_FILE:
            # requests adds the public authorities to this context.
            kwargs["ssl_context"] = ssl.create_default_context(cafile=settings.CA_FILE)
        super().init_poolmanager(*args, **kwargs)

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


def mount(session: requests.Session) -> requests.Session:
    """Gives a session our way of connecting; proxies of the environment are not used."""
    session.trust_env = False
    session.mount("http://", LoopbackAdapter())
    session.mount("https://", LoopbackAdapter())
    return session


def session() -> requests.Session:
    """A new session, mounted."""
    return mount(requests.Session())
