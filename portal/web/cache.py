"""A Redis cache that fails open: a Redis that is killed or hangs is a cache that holds nothing.

An operation waits at most a fifth of a second; after a failure nobody asks Redis again for five seconds, then
one caller tries. Bytes, text, numbers and JSON travel without pickle. A lock in the cache saves work twice done;
nothing may depend on it being there.
"""

import json
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_SECONDS = 0.2
BREAKER_SECONDS = 5.0

_DELETE_IF: Final = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
)
_PLAIN: Final = (str, bool, float, type(None))
_links: dict[tuple[str, float, float], "Link"] = {}
_links_lock = threading.Lock()


class Link:
    """One Redis as this process sees it: its connections, and the breaker that all threads share."""

    def __init__(self, url: str, timeout: float, pause: float) -> None:
        self.client: redis.Redis = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self._pause = pause
        self._closed_until = 0.0
        self._lock = threading.Lock()

    def call(self, operation: Callable[[redis.Redis], T], default: T) -> T:
        """The answer of Redis, or `default` when it cannot be had now."""
        if self._closed_until and not self._may_try():
            return default
        try:
            answer = operation(self.client)
        except (redis.RedisError, OSError) as error:
            log.warning("Redis is away (%s): going on without it", type(error).__name__)
            self._closed_until = time.monotonic() + self._pause
            return default
        self._closed_until = 0.0
        return answer

    def _may_try(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._closed_until:
                return False
            self._closed_until = now + self._pause
            return True


def link(url: str, timeout: float = TIMEOUT_SECONDS, pause: float = BREAKER_SECONDS) -> Link:
    """The process-wide link to a Redis; Django makes a cache object for each thread."""
    with _links_lock:
        name = (url, timeout, pause)
        if name not in _links:
            _links[name] = Link(url, timeout, pause)
        return _links[name]


def _is_json(value: object) -> bool:
    """Whether JSON gives back exactly this value (tuples, dates and numbers as keys would change)."""
    if type(value) in _PLAIN or type(value) is int:
        return True
    if type(value) is list:
        return all(_is_json(part) for part in value)
    if type(value) is dict:
        return all(type(key) is str and _is_json(part) for key, part in value.items())
    return False


def dumps(value: object) -> bytes | int:
    """The stored form: a whole number as itself (so that Redis can count), else one letter and the bytes."""
    if type(value) is int:
        return value
    if isinstance(value, bytes):
        return b"b" + value
    if type(value) is str:
        return b"s" + value.encode()
    if _is_json(value):
        return b"j" + json.dumps(value, separators=(",", ":")).encode()
    return b"p" + pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def loads(raw: bytes) -> Any:
    """The value of a stored form."""
    kind = raw[:1]
    if kind == b"b":
        return raw[1:]
    if kind == b"s":
        return raw[1:].decode()
    if kind == b"j":
        return json.loads(raw[1:])
    if kind == b"p":
        return pickle.loads(raw[1:])  # noqa: S301 - our own Redis, as in Django's backend
    return int(raw)


class FailOpenRedisCache(BaseCache):
    """Django cache backend; LOCATION is the URL, OPTIONS may hold `timeout` and `pause` in seconds."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = params.get("OPTIONS", {})
        self._link = link(
            server,
            float(options.get("timeout", TIMEOUT_SECONDS)),
            float(options.get("pause", BREAKER_SECONDS)),
        )

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        name = self.make_key(key, version)
        raw: Any = self._link.call(lambda client: client.get(name), None)
        return default if raw is None else loads(raw)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        names = {self.make_key(key, version): key for key in keys}
        if not names:
            return {}
        nothing: list[Any] = [None] * len(names)
        found = self._link.call(lambda client: client.mget(names), nothing)
        return {key: loads(raw) for key, raw in zip(names.values(), found, strict=True) if raw is not None}

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        name, raw, life = self.make_key(key, version), dumps(value), self._life(timeout)
        if life == 0:
            self._link.call(lambda client: client.delete(name), None)
        else:
            self._link.call(lambda client: client.set(name, raw, px=life), None)

    def add(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """True when Redis is away, like the dummy cache: nobody else can be seen to hold the key."""
        name, raw, life = self.make_key(key, version), dumps(value), self._life(timeout)
        if life == 0:
            return not self.has_key(key, version)
        away: Any = True
        return bool(self._link.call(lambda client: client.set(name, raw, px=life, nx=True), away))

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name, life = self.make_key(key, version), self._life(timeout)
        if life is None:
            return bool(
                self._link.call(lambda client: client.exists(name) and (client.persist(name) or 1), 0)
            )
        return bool(self._link.call(lambda client: client.pexpire(name, life), False))

    def delete(self, key: str, version: int | None = None) -> bool:
        name = self.make_key(key, version)
        return bool(self._link.call(lambda client: client.delete(name), 0))

    def delete_if(self, key: str, value: object, version: int | None = None) -> bool:
        """Deletes the key in one step if it holds exactly this value: the owner of a lock gives it back."""
        name, raw = self.make_key(key, version), dumps(value)
        return bool(self._link.call(lambda client: client.eval(_DELETE_IF, 1, name, raw), 0))

    def has_key(self, key: str, version: int | None = None) -> bool:
        name = self.make_key(key, version)
        return bool(self._link.call(lambda client: client.exists(name), 0))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """ValueError for a key that is not there, as Django wants it, and while Redis is away."""
        name = self.make_key(key, version)
        if not self._link.call(lambda client: client.exists(name), 0):
            raise ValueError(f"Key '{key}' not found")
        value = self._link.call(lambda client: client.incrby(name, delta), None)
        if value is None:
            raise ValueError(f"Key '{key}' not found")
        return int(value)

    def set_many(
        self,
        data: Mapping[str, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[str]:
        life = self._life(timeout)
        if life == 0:
            self.delete_many(data, version)
            return []
        rows = {self.make_key(key, version): dumps(value) for key, value in data.items()}

        def store(client: redis.Redis) -> None:
            pipeline = client.pipeline(transaction=False)
            for name, raw in rows.items():
                pipeline.set(name, raw, px=life)
            pipeline.execute()

        self._link.call(store, None)
        return []

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        names = [self.make_key(key, version) for key in keys]
        if names:
            self._link.call(lambda client: client.delete(*names), None)

    def clear(self) -> None:
        self._link.call(lambda client: client.flushdb(), None)

    def _life(self, timeout: float | None) -> int | None:
        """Milliseconds to live: None for ever, 0 for a value that is not to be kept."""
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None else max(0, round(seconds * 1000))
