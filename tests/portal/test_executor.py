"""Jobs run by name, one at a time for each, and one job's fault ends nothing."""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.jobs import Job
from portal import executor
from portal import jobs as table
from portal.executor import ThreadExecutor
from portal.jobs import jobs, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def one_job(monkeypatch: pytest.MonkeyPatch):
    """Registers a single job and returns the list of its runs."""

    def register(work, seconds: float = 3600.0):
        for module in (executor, table):
            monkeypatch.setattr(module, "jobs", lambda: {"t.job": Job("t.job", seconds, work)})

    return register


@pytest.fixture
def threads():
    """An executor whose threads end with the test."""
    made = ThreadExecutor()
    yield made
    made.stop()


def until(condition, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_every_package_lists_its_jobs_by_a_unique_name() -> None:
    assert jobs()
    assert all("." in name and job.seconds > 0 for name, job in jobs().items())


@pytest.mark.django_db
def test_a_faulty_job_is_logged_by_its_class_only(one_job, caplog: pytest.LogCaptureFixture) -> None:
    def work() -> None:
        raise ValueError("hanako@example.test")

    one_job(work)
    with caplog.at_level(logging.ERROR):
        run("t.job")
    assert "sweep t.job: the job failed: ValueError" in caplog.text
    assert "hanako" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_kick_during_a_run_makes_it_run_once_more(one_job, threads: ThreadExecutor) -> None:
    runs: list[int] = []
    gate = threading.Event()

    def work() -> None:
        runs.append(1)
        gate.wait(5)

    one_job(work)
    threads.start()
    threads.kick("t.job")
    assert until(lambda: len(runs) == 1)
    for _ in range(5):
        threads.kick("t.job")
    gate.set()
    assert until(lambda: len(runs) == 2)
    time.sleep(0.1)
    assert len(runs) == 2


@pytest.mark.django_db(transaction=True)
def test_a_due_job_is_swept_without_a_kick(one_job, threads: ThreadExecutor) -> None:
    runs: list[int] = []
    one_job(lambda: runs.append(1), seconds=0.1)
    threads.start()
    assert until(lambda: len(runs) >= 1)


def test_a_kick_before_the_start_waits_for_the_sweep(one_job) -> None:
    runs: list[int] = []
    one_job(lambda: runs.append(1))
    ThreadExecutor().kick("t.job")
    assert runs == []


def test_a_broker_that_is_away_costs_a_second_at_most() -> None:
    program = (
        "import time, django; django.setup(); from portal.executor import CeleryExecutor; from portal.jobs import jobs; name = next(iter(jobs()));"
        " begin = time.monotonic(); CeleryExecutor().kick(name); print(time.monotonic() - begin)"
    )
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    environment.pop("CELERY_BROKER_URL", None)
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert float(result.stdout) < 3
    assert "not published" in result.stderr
