"""Numbers that processes compare, and threads that flush: an old read overwrites nothing, and a stop is no end."""

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection

from gadgets import registry
from gadgets.metrics import call_metrics
from portal import executor
from portal.content import queries as content
from portal.home.feedback import impressions
from recommender import queries as ranking


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("key", "read"),
    [
        (content.VERSION_KEY, content.version),
        (ranking.VERSION_KEY, ranking.version),
        (registry.VERSION_KEY, registry._number),
    ],
)
def test_an_old_read_does_not_overwrite_the_number_of_a_writer(key: str, read: Callable[[], int]) -> None:
    cache.clear()

    def written_meanwhile(execute: Any, *arguments: Any) -> Any:
        """Somebody commits a change right after this process has read the number, and before it keeps it."""
        found = execute(*arguments)
        cache.set(key, 99)
        return found

    with connection.execute_wrapper(written_meanwhile):
        assert read() != 99
    assert read() == cache.get(key) == 99


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("module", [call_metrics, impressions])
def test_a_thread_that_was_stopped_can_be_started_again(module: ModuleType) -> None:
    module.stop()
    module.start()
    try:
        (thread,) = module._started
        thread.join(0.3)
        assert thread.is_alive()
    finally:
        module.stop()
    assert not thread.is_alive()


def test_the_executor_sweeps_again_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    swept = threading.Semaphore(0)
    one = executor.ThreadExecutor()
    monkeypatch.setattr(one, "_tick", lambda: one._stopped.wait() and swept.release())
    for _ in range(2):
        one.start()
        one.start()
        assert not swept.acquire(timeout=0.1)
        one.stop()
        assert swept.acquire(timeout=5)
    assert not swept.acquire(blocking=False)
