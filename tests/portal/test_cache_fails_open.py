"""Redis killed or hung is a cache that holds nothing, and costs next to no time."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from portal.web.cache import FailOpenRedisCache, dumps, loads

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
    )
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield process, f"redis://127.0.0.1:{port}/0"
    process.send_signal(signal.SIGCONT)
    process.terminate()
    process.wait(10)


def cache_at(url: str, pause: float = 5.0) -> FailOpenRedisCache:
    return FailOpenRedisCache(url, {"OPTIONS": {"pause": pause}, "TIMEOUT": 60})


def nobody() -> FailOpenRedisCache:
    return cache_at(f"redis://127.0.0.1:{free_port()}/0")


@given(
    value=JSON | st.binary() | st.tuples(st.integers(), st.text()) | st.dictionaries(st.integers(), st.text())
)
def test_every_value_comes_back_as_it_was(value):
    raw = dumps(value)
    again = loads(raw if isinstance(raw, bytes) else str(raw).encode())
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize("value", [b"x", "y", 1, 1.5, True, None, [1, "a"], {"a": {"b": []}}])
def test_plain_values_travel_without_pickle(value):
    assert isinstance(dumps(value), int) or dumps(value)[:1] != b"p"


def test_without_redis_each_operation_is_a_miss():
    cache = nobody()
    cache.set("a", b"1")
    cache.set_many({"a": 1, "b": 2})
    cache.delete_many(["a"])
    cache.clear()
    assert cache.get("a", "nothing") == "nothing"
    assert cache.get_many(["a", "b"]) == {}
    assert cache.add("a", 1) is True
    assert cache.has_key("a") is False
    assert cache.touch("a") is False
    assert cache.touch("a", None) is False
    assert cache.delete("a") is False
    with pytest.raises(ValueError, match="not found"):
        cache.incr("a")


@pytest.mark.postgres
def test_operations_with_redis(server):
    cache = cache_at(server[1])
    cache.set("a", b"1")
    cache.set("gone", 1, timeout=0)
    cache.set_many({"b": {"x": [1]}, "c": (1, 2)}, timeout=None)
    assert cache.get_many(["a", "b", "c", "gone", "d"]) == {"a": b"1", "b": {"x": [1]}, "c": (1, 2)}
    assert cache.get_many([]) == {}
    assert cache.add("a", 2) is False
    assert cache.add("n", 2) is True
    assert cache.incr("n", 3) == 5
    assert cache.decr("n") == 4
    assert cache.touch("a", None) is True
    assert cache.touch("a", 5) is True
    assert cache.touch("d", 5) is False
    assert cache.add("none", 1, timeout=0) is True
    assert cache.has_key("none") is False
    cache.set_many({"a": 1}, timeout=0)
    cache.delete_many(["b"])
    assert cache.delete("c") is True
    assert cache.get_many(["a", "b", "c"]) == {}
    cache.clear()
    assert cache.get("n") is None


@pytest.mark.postgres
def test_a_hung_redis_costs_one_timeout_then_nothing_and_comes_back(server):
    process, url = server
    cache = cache_at(url, pause=0.6)
    cache.set("a", b"1")
    process.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    assert cache.get("a") is None
    assert time.monotonic() - started < 0.5
    started = time.monotonic()
    assert [cache.get("a") for _ in range(50)] == [None] * 50
    assert time.monotonic() - started < 0.1
    process.send_signal(signal.SIGCONT)
    time.sleep(0.7)
    assert cache.get("a") == b"1"


@pytest.mark.postgres
def test_a_killed_redis_is_a_miss_and_its_breaker_is_shared(server):
    process, url = server
    cache = cache_at(url)
    cache.set("a", b"1")
    process.kill()
    process.wait(10)
    assert cache.get("a") is None
    started = time.monotonic()
    assert cache_at(url).get("a") is None
    assert time.monotonic() - started < 0.05


@pytest.mark.django_db
def test_sessions_go_on_without_redis():
    caches = {"default": {"BACKEND": "portal.web.cache.FailOpenRedisCache", "LOCATION": nobody_url()}}
    with override_settings(CACHES=caches):
        from django.contrib.sessions.backends.cached_db import SessionStore

        session = SessionStore()
        session["_resident"] = "somebody"
        session.save()
        again = SessionStore(session.session_key)
        assert again["_resident"] == "somebody"
        assert again.exists(session.session_key)
        again.flush()
        assert "_resident" not in SessionStore(session.session_key)


def nobody_url() -> str:
    return f"redis://127.0.0.1:{free_port()}/0"


def test_a_key_is_deleted_only_while_it_holds_the_value(server: tuple[subprocess.Popen[bytes], str]) -> None:
    """A lock is given back by its owner alone."""
    cache = cache_at(server[1])
    assert cache.add("lock", "mine", 60)
    assert not cache.delete_if("lock", "yours")
    assert cache.get("lock") == "mine"
    assert cache.delete_if("lock", "mine")
    assert cache.get("lock") is None
    assert not nobody().delete_if("lock", "mine")
