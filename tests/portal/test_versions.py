"""Numbers that processes compare, and threads that flush: an old read overwrites nothing, and a stop is no end."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections, transaction

from core import versions
from core.models import Version
from gadgets import queries as gadgets
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
        (gadgets.VERSION_KEY, lambda: versions.current(gadgets.VERSION_KEY)),
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


@pytest.mark.django_db
def test_a_change_is_known_after_its_commit_and_not_before(django_capture_on_commit_callbacks: Any) -> None:
    cache.clear()
    with django_capture_on_commit_callbacks(execute=True):
        versions.bump("a")
        assert cache.get("a") is None
    assert cache.get("a") == versions.read("a") == 1
    assert versions.current("b") == 0


def together(work: Callable[[int], Any]) -> list[Any]:
    """Eight threads, each with a connection of its own."""

    def run(number: int) -> Any:
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, range(8)))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_first_changes_at_once_none_is_lost_and_one_claim_wins() -> None:
    assert connection.vendor == "postgresql"
    together(lambda _: versions.bump("new"))
    assert versions.read("new") == 8
    assert sorted(together(lambda _: versions.claim("new", 8))) == [False] * 7 + [True]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_whoever_bumps_waits_for_whoever_holds() -> None:
    order: list[str] = []
    held = threading.Event()

    def one_of_two(number: int) -> None:
        if number == 0:
            with transaction.atomic():
                versions.hold("held")
                held.set()
                time.sleep(0.2)
                order.append("held")
        elif number == 1:
            held.wait(5)
            versions.bump("held")
            order.append("bumped")

    together(one_of_two)
    assert order == ["held", "bumped"]


OLD = {
    ("gadgets", "0009_contact_proof", "0010_version_in_core"): ("RegistryVersion", {"pk": 1}, "gadgets:registry:version"),
    ("recommender", "0003_shares", "0004_version_in_core"): ("RankingVersion", {"key": "ranking:version"}, "ranking:version"),
    ("content", "0007_personas", "0008_version_in_core"): ("ContentVersion", {"key": "content:version"}, "content:version"),
}  # fmt: skip


@pytest.mark.parametrize("step", OLD, ids=[app for app, *_ in OLD])
def test_numbers_of_the_release_before_go_on(step: tuple[str, str, str], migrations: Any) -> None:
    app, before, after = step
    model, row, key = OLD[step]
    old = migrations.to((app, before))
    old.get_model(app, model).objects.update_or_create(defaults={"number": 41}, **row)
    migrations.to((app, after))
    assert Version.objects.get(key=key).number == 41
    with connection.cursor() as cursor:  # the table is there for one more release
        cursor.execute(f"SELECT number FROM {app}_{model.lower()}")  # noqa: S608  names of this test
        assert cursor.fetchall() == [(41,)]


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
