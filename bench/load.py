"""A bounded load on one loopback address: keep-alive connections, each asking again when it has its answer."""

import asyncio
import time
from dataclasses import dataclass, field


class LoadError(Exception):
    """The server answered with something else than 200, or not at all."""


@dataclass
class Measured:
    """What one stretch of load came to; times in seconds."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    size: int = 0

    @property
    def requests(self) -> int:
        return len(self.times)

    def quantile(self, share: float) -> float:
        """The time below which `share` of the answers came."""
        ordered = sorted(self.times)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def request(host: str, path: str, cookies: str = "") -> bytes:
    """The bytes of a GET request as a browser would send it."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept: text/html", "Accept-Language: ja"]
    if cookies:
        lines.append(f"Cookie: {cookies}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class _Connection(asyncio.Protocol):
    """One connection: sends, reads one whole answer, sends again until `until`."""

    def __init__(self, raw: bytes, until: float, into: Measured, done: "asyncio.Future[None]") -> None:
        self._raw, self._until, self._into, self._done = raw, until, into, done
        self._buffer = bytearray()
        self._left = -1
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._ask()

    def _ask(self) -> None:
        self._buffer.clear()
        self._left = -1
        self._asked = time.perf_counter()
        self._transport.write(self._raw)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._left < 0 and not self._head():
            return
        if len(self._buffer) < self._left:
            return
        now = time.perf_counter()
        self._into.times.append(now - self._asked)
        self._into.size = self._left
        if now < self._until:
            self._ask()
        else:
            self._finish()

    def _head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[:end]).lower()
        if not head.startswith(b"http/1.1 200"):
            self._finish(LoadError(head.split(b"\r\n")[0].decode("latin-1")))
            return False
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
        if not length.isdigit():
            self._finish(LoadError("an answer without Content-Length"))
            return False
        self._left = end + 4 + int(length)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(LoadError(f"the connection was closed: {exc}"))

    def _finish(self, error: Exception | None = None) -> None:
        if not self._done.done():
            if error:
                self._done.set_exception(error)
            else:
                self._done.set_result(None)
            self._transport.close()


async def _run(port: int, raw: bytes, connections: int, seconds: float) -> Measured:
    loop = asyncio.get_running_loop()
    measured = Measured()
    started = time.perf_counter()
    waiting = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(
            lambda done=done: _Connection(raw, started + seconds, measured, done), "127.0.0.1", port
        )
        waiting.append(done)
    await asyncio.wait_for(asyncio.gather(*waiting), seconds + 30)
    measured.seconds = time.perf_counter() - started
    return measured


def run(port: int, raw: bytes, *, connections: int, seconds: float) -> Measured:
    """Keeps `connections` busy for `seconds`; LoadError when an answer is not a whole 200."""
    return asyncio.run(_run(port, raw, connections, seconds))
