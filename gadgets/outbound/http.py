"""The only door to untrusted URLs: https to public addresses, under a deadline and byte caps, no redirects.

A name is resolved once; every address it has must be public, and the socket is opened to an address that
was checked, while TLS verifies the name. Nothing of the environment (proxies, netrc) is used and no cookie
is kept. With `loopback_names` (demo and tests) names under `.localhost`, and only they, lead to 127.0.0.1,
with http and any port.
"""

import contextvars
import io
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from http.client import HTTPMessage, HTTPResponse
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from gadgets.errors import (
    AddressRefusedError,
    AnswerBrokenError,
    AnswerTooLargeError,
    ConnectError,
    ContentTypeError,
    DeadlineError,
    DoorError,
    HeaderRefusedError,
    NameLookupError,
    NameNotFoundError,
    RedirectError,
    StatusError,
    TlsError,
    UrlRefusedError,
)
from gadgets.outbound import lookup
from identity.addresses import refusal

CONNECT_SECONDS = 0.3
HEADER_BYTES = 64 * 1024
JSON_TYPES = frozenset({"application/json", "application/vnd.region-gadget+json"})

Resolver = Callable[[str, float], Sequence[str]]
"""(host, seconds) to addresses; raises what `lookup.NameServers.addresses` raises."""

_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC_END = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\Z")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names in lower case; a cookie is never among them."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    sets_cookie: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A URL whose form was checked; its addresses are checked when the socket opens."""

    url: str
    host: str
    loopback: bool


@dataclass(slots=True)
class _Trip:
    """One request on its way: what its connection may do, and until when (monotonic)."""

    target: Target
    resolver: Resolver
    until: float
    max_bytes: int
    before_sending: Callable[[], None] | None = None

    def remaining(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise DeadlineError(
                self.target.url,
                "the whole answer was not there in time",
                "制限時間の内に応答が終わりませんでした。",
            )
        return left


_trip: contextvars.ContextVar[_Trip] = contextvars.ContextVar("door_trip")
_name_servers = lookup.NameServers()


class _DeadlineReader(io.RawIOBase):
    """Reads a socket so that every single wait ends at the trip's deadline, and counts the bytes."""

    def __init__(self, sock: socket.socket, source: io.RawIOBase, trip: _Trip) -> None:
        super().__init__()
        self._sock, self._source, self._trip = sock, source, trip
        self._left = trip.max_bytes + HEADER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._trip.remaining())
        count = self._source.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise _too_large(self._trip.target.url, self._trip.max_bytes)
        return count

    def close(self) -> None:
        self._source.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: io.BufferedReader = io.BufferedReader(_DeadlineReader(sock, self.fp.detach(), _trip.get()))


def _open_socket(host: str, port: int) -> socket.socket:
    """A socket to a checked address of the host; refuses the host when one of its addresses is not public."""
    trip = _trip.get()
    url = trip.target.url
    if host != trip.target.host:
        raise UrlRefusedError(url, f"the host was read as {host!r}", f"ホスト名が {host!r} と読まれました。")
    addresses = ["127.0.0.1"] if trip.target.loopback else _checked_addresses(trip)
    failure: OSError | None = None
    for address in addresses[:3]:
        try:
            sock = socket.create_connection((address, port), min(CONNECT_SECONDS, trip.remaining()))
        except OSError as error:
            failure = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(trip.remaining())
        return sock
    raise ConnectError(
        url, f"nobody answers on port {port}", f"ポート {port} に接続できません。"
    ) from failure


def _checked_addresses(trip: _Trip) -> list[str]:
    url, host = trip.target.url, trip.target.host
    if f".{host}".endswith(".localhost"):  # always this machine, whatever a name server says (RFC 6761)
        raise _not_public(url, host)
    try:
        addresses = list(trip.resolver(host, min(lookup.SECONDS, trip.remaining())))
    except lookup.NoSuchNameError as error:
        raise NameNotFoundError(
            url, f"the name {host} does not exist", f"ホスト名 {host} が見つかりません。"
        ) from error
    except lookup.LookupFailedError as error:
        raise NameLookupError(
            url,
            f"no name server answered for {host}",
            f"ホスト名 {host} を調べられませんでした（ネームサーバーが応答しません）。",
        ) from error
    if any(refusal(address) for address in addresses):
        raise _not_public(url, host)
    if not addresses:
        raise NameNotFoundError(
            url, f"the name {host} has no address", f"ホスト名 {host} にアドレスがありません。"
        )
    return addresses


def _not_public(url: str, host: str) -> AddressRefusedError:
    return AddressRefusedError(
        url,
        f"{host} leads to an address that is not public",
        f"{host} は公開されていない（内部の）アドレスにつながるため、接続しません。",
    )


def _before_sending() -> None:
    """The other side is there (and, over TLS, is who it says); nothing was sent yet."""
    note = _trip.get().before_sending
    if note is not None:
        note()


class _PlainConnection(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _open_socket(self._dns_host, self.port)

    def connect(self) -> None:
        super().connect()
        _before_sending()


class _TlsConnection(HTTPSConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _open_socket(self._dns_host, self.port)

    def connect(self) -> None:
        super().connect()
        _before_sending()


class _OneUse(HTTPConnectionPool):
    """Every request opens its own checked socket: a server that closes without saying so breaks no later one."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.close()
        super()._put_conn(conn)


class _PlainPool(_OneUse):
    ConnectionCls = _PlainConnection


class _TlsPool(_OneUse, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Opens sockets by our rules; the trust store is loaded once and not for each connection."""

    def __init__(self, ca_file: str | None) -> None:
        self._context = ssl.create_default_context(cafile=ca_file or requests.utils.DEFAULT_CA_BUNDLE_PATH)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        super().__init__(max_retries=0, pool_maxsize=32)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """The context given above already verifies chain and name."""


class Door:
    """Fetches from untrusted URLs. Thread-safe; keeps no cookie, follows no redirect, tries once."""

    def __init__(
        self, *, loopback_names: bool = False, resolver: Resolver | None = None, ca_file: str | None = None
    ) -> None:
        self._loopback_names = loopback_names
        self._resolver = resolver or _name_servers.addresses
        self._adapter = _Adapter(ca_file)

    def check(self, url: str) -> Target:
        """The form of a URL: https, port 443, a host name; raises UrlRefusedError. Asks no name server."""
        if _PRINTABLE.fullmatch(url) is None or "\\" in url:
            raise UrlRefusedError(
                url, "characters that do not belong into a URL", "アドレスに使えない文字が含まれています。"
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise UrlRefusedError(url, str(error), "アドレスとして読めません。") from error
        host = parts.hostname or ""
        if "@" in parts.netloc:
            raise UrlRefusedError(
                url, "user name in the URL", "アドレスにユーザー名やパスワードを含めることはできません。"
            )
        if parts.netloc.startswith("[") or _NUMERIC_END.search(host):
            raise UrlRefusedError(
                url, "an IP address in place of a name", "IP アドレスは使えません。ホスト名を書いてください。"
            )
        if _HOST.fullmatch(host) is None:
            raise UrlRefusedError(url, "no valid host name", "ホスト名が正しくありません。")
        loopback = self._loopback_names and host.endswith(".localhost")
        if parts.scheme != "https" and not (loopback and parts.scheme == "http"):
            raise UrlRefusedError(url, "only https is called", "https:// で始まるアドレスだけが使えます。")
        if not loopback and port not in (None, 443):
            raise UrlRefusedError(
                url, f"port {port} is not 443", f"ポート {port} は使えません（443 だけです）。"
            )
        return Target(url, host, loopback)

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline: float,
        max_bytes: int,
        content_types: Collection[str] | None = None,
        accept: Collection[int] = (200,),
        before_sending: Callable[[], None] | None = None,
    ) -> Answer:
        """One request that is over after `deadline` seconds, whatever the other side does.

        `content_types` holds for answers of 200; `max_bytes` for the body, on the wire and unpacked.
        `before_sending` is called once the connection stands and before the first byte of the request leaves;
        what it raises ends the request unsent. Raises a DoorError that names the place.
        """
        started = time.monotonic()
        target = self.check(url)
        trip = _Trip(target, self._resolver, started + deadline, max_bytes, before_sending)
        try:
            request = requests.Request(method, url, headers=dict(headers or {}), data=body).prepare()
        except requests.RequestException as error:
            raise UrlRefusedError(url, str(error), "アドレスとして読めません。") from error
        request.headers.update({"Accept-Encoding": "gzip", "Connection": "close"})
        request.headers.setdefault("User-Agent", "Madoguchi-Gadget/1.0")
        token = _trip.set(trip)
        try:
            response = self._adapter.send(
                request, stream=True, timeout=(CONNECT_SECONDS, deadline), verify=True
            )
            with closing(response):
                _check_head(response, url, content_types, accept)
                content = _read(response, trip)
        except DoorError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _translated(error, url) from error
        finally:
            _trip.reset(token)
        kept = {
            name.lower(): value
            for name, value in response.headers.items()
            if name.lower() not in ("set-cookie", "set-cookie2")
        }
        return Answer(
            url,
            response.status_code,
            MappingProxyType(kept),
            content,
            time.monotonic() - started,
            sets_cookie=bool({"set-cookie", "set-cookie2"} & {name.lower() for name in response.headers}),
        )


def _translated(error: Exception, url: str) -> DoorError:
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError | ssl.SSLError):
        return TlsError(url, f"TLS failed: {error}", "証明書を確認できません（名前・期限・発行元）。")
    timeouts = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
    if isinstance(error, timeouts) or "timed out" in str(error):
        return DeadlineError(url, "the answer did not come in time", "制限時間の内に応答がありませんでした。")
    return AnswerBrokenError(
        url, f"the connection broke: {error}", "応答の途中で接続が切れたか、HTTP ではありません。"
    )


def _too_large(url: str, max_bytes: int) -> AnswerTooLargeError:
    return AnswerTooLargeError(
        url,
        f"the answer is larger than {max_bytes} bytes",
        f"応答が上限の {max_bytes} バイトを超えています。",
    )


def _check_head(
    response: requests.Response, url: str, content_types: Collection[str] | None, accept: Collection[int]
) -> None:
    status = response.status_code
    for name, value in response.headers.items():
        if _CONTROL.search(name + value):
            raise HeaderRefusedError(
                url,
                f"the header {name[:40]!r} holds a control character",
                "応答のヘッダーに、改行か制御文字が含まれています。その文字を除いてください。",
            )
    if status not in accept:
        if status in (301, 302, 303, 307, 308):
            raise RedirectError(
                url,
                f"redirects (status {status}), and redirects are not followed",
                f"別のアドレスへ転送されました（状態コード {status}）。転送には従いません。",
            )
        raise StatusError(url, status)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        raise ContentTypeError(
            url,
            f"content encoding {encoding!r}",
            f"Content-Encoding「{encoding}」には対応していません（gzip だけです）。",
        )
    if content_types is None or status != 200:
        return
    given = HTTPMessage()
    given["Content-Type"] = response.headers.get("Content-Type", "application/octet-stream")
    if given.get_content_type() not in content_types:
        wanted = ", ".join(sorted(content_types))
        raise ContentTypeError(
            url,
            f"content type {given.get_content_type()} in place of {wanted}",
            f"Content-Type が {given.get_content_type()} です（{wanted} にしてください）。",
        )


class _Gunzip:
    """Unpacks a gzip body: one member after another (RFC 1952), and zeros as padding behind the last."""

    def __init__(self) -> None:
        self._member: Any = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.whole = False
        """Whether what came so far ends with the end of a member."""

    def unpack(self, chunk: bytes, most: int) -> bytes:
        """At most `most` bytes of the body; raises zlib.error when something else follows a member."""
        found = bytearray()
        while chunk and len(found) < most:
            if self.whole:
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    break
                self._member, self.whole = zlib.decompressobj(16 + zlib.MAX_WBITS), False
            found += self._member.decompress(chunk, most - len(found))
            self.whole = self._member.eof
            chunk = self._member.unused_data
        return bytes(found)


def _read(response: requests.Response, trip: _Trip) -> bytes:
    """The body, unpacked; stops as soon as it is too large, packed or unpacked."""
    packed = response.headers.get("Content-Encoding", "").strip().lower() == "gzip"
    unpacker = _Gunzip() if packed else None
    body, on_wire = bytearray(), 0
    while True:
        trip.remaining()
        chunk = response.raw.read1(16384)
        if not chunk:
            break
        on_wire += len(chunk)
        try:
            body += unpacker.unpack(chunk, trip.max_bytes + 1 - len(body)) if unpacker else chunk
        except zlib.error as error:
            raise AnswerBrokenError(trip.target.url, "broken gzip", "gzip として読めません。") from error
        if max(on_wire, len(body)) > trip.max_bytes:
            raise _too_large(trip.target.url, trip.max_bytes)
    if unpacker is not None and on_wire and not unpacker.whole:
        raise AnswerBrokenError(trip.target.url, "gzip ends too early", "gzip が途中で終わっています。")
    return bytes(body)


@cache
def _door(loopback_names: bool) -> Door:
    return Door(loopback_names=loopback_names)


def door() -> Door:
    """The door as the settings say."""
    from django.conf import settings  # the provider's command-line tool uses this module without settings

    return _door(settings.LOOPBACK_NAMES)
