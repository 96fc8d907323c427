"""Memories of a provider: bounded, and forgetting what is over."""

from examples.kit.replay import ReplayGuard
from examples.kit.sessions import ABSOLUTE, IDLE, SessionStore


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_identifier_counts_once_until_its_end() -> None:
    guard = ReplayGuard()
    assert guard.first_use("a", until=10, now=0)
    assert not guard.first_use("a", until=10, now=5)
    assert guard.first_use("a", until=20, now=11)


def test_a_full_memory_refuses_until_something_ends() -> None:
    guard = ReplayGuard(limit=2)
    assert guard.first_use("a", until=10, now=0)
    assert guard.first_use("b", until=10, now=0)
    assert not guard.first_use("c", until=10, now=1)
    assert guard.first_use("c", until=20, now=11)


def opened(store: SessionStore, sub: str, sid: str | None) -> str:
    return store.open(sub=sub, sid=sid, id_token="i", access_token="a", access_expires=0)


def test_a_session_ends_when_idle_and_at_its_limit() -> None:
    clock = Clock()
    store = SessionStore(clock)
    idle, used = opened(store, "hanako", "1"), opened(store, "taro", "2")
    clock.now += IDLE - 1
    assert store.find(used)
    clock.now += 2
    assert store.find(idle) is None
    while clock.now < 1000 + ABSOLUTE:
        assert store.find(used)
        clock.now += IDLE - 1
    assert store.find(used) is None
    assert store.find(None) is None


def test_a_logout_ends_by_session_by_subject_and_by_both() -> None:
    store = SessionStore()
    phone, desk = opened(store, "hanako", "phone"), opened(store, "hanako", "desk")
    old, taro = opened(store, "hanako", None), opened(store, "taro", "taro")
    assert store.end(sub="taro", sid="desk") == 0
    assert store.end(sub=None, sid="phone") == 1
    assert store.find(phone) is None
    assert store.end(sub="hanako", sid="desk") == 2
    assert store.find(desk) is None
    assert store.find(old) is None
    assert store.find(taro)
    again = opened(store, "taro", None)
    assert store.end(sub="taro", sid=None) == 2
    assert store.find(again) is None
    assert store.end(sub=None, sid=None) == 0


def test_a_begun_sign_in_belongs_to_one_browser_and_ends() -> None:
    clock = Clock()
    store = SessionStore(clock)
    state = store.begin(browser="mine", nonce="n", verifier="v", next_path="/")
    assert store.take(state, "other") is None
    assert store.take(state, "mine")
    assert store.take(state, "mine") is None
    late = store.begin(browser="mine", nonce="n", verifier="v", next_path="/")
    clock.now += 601
    assert store.take(late, "mine") is None
