"""Requests session that reaches names under `.localhost` at 127.0.0.1 and keeps the Host header.

Browsers know that `*.localhost` is this machine (RFC 6761); Python's resolver often does not.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

TIMEOUT = (1.0, 3.0)


def loopback_url(url: str) -> tuple[str, str | None]:
    """The URL to connect to, and the Host header to send (None: the URL's own)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "http" or not host.endswith(".localhost"):
        return url, None
    netloc = "127.0.0.1" if parts.port is None else f"127.0.0.1:{parts.port}"
    return urlunsplit(parts._replace(netloc=netloc)), parts.netloc


class LoopbackAdapter(HTTPAdapter):
    """Sends requests for `http://*.localhost` to 127.0.0.1."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url, host = loopback_url(request.url or "")
        sent = request
        if host is not None:
            # A copy: the session goes on to know the request by its public name, cookies included.
            sent = request.copy()
            sent.url = url
            sent.headers["Host"] = host
        response = super().send(
            sent, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )
        response.url, response.request = request.url or "", request
        return response


def new_session() -> requests.Session:
    """A session without proxies from the environment, for requests from server to server."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", LoopbackAdapter())
    return session
