"""Runs the jobs of all packages: by threads in one process (demo) or by Celery (city).

A job is an idempotent sweep over a table: it claims its rows by a conditional UPDATE, so running it twice,
or not at all for a while, loses nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.db import close_old_connections, connections
from django.utils.module_loading import import_string

from core import sweeps

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """`run` is called at least every `seconds`."""

    name: str
    seconds: float
    run: Callable[[], object]
    queue: str = "gadgets"


@cache
def jobs() -> dict[str, Job]:
    """All jobs by name; a package adds one by listing it in its `tasks.DUE_JOBS`."""
    from core.sweeps import DUE_JOBS as CORE_JOBS
    from gadgets.tasks import DUE_JOBS as GADGET_JOBS
    from identity.tasks import DUE_JOBS as IDENTITY_JOBS
    from portal.content.tasks import DUE_JOBS as CONTENT_JOBS
    from portal.figures.tasks import DUE_JOBS as FIGURE_JOBS
    from portal.home.tasks import DUE_JOBS as HOME_JOBS
    from portal.mydata.erasing import DUE_JOBS as MY_DATA_JOBS
    from recommender.tasks import DUE_JOBS as LEARNING_JOBS

    swept = {
        name: Job(name, seconds, function)
        for name, seconds, function in (
            *CORE_JOBS,
            *IDENTITY_JOBS,
            *GADGET_JOBS,
            *CONTENT_JOBS,
            *HOME_JOBS,
            *MY_DATA_JOBS,
            *FIGURE_JOBS,
        )
    }
    learning = {
        name: Job(name, seconds, function, queue="learning") for name, seconds, function in LEARNING_JOBS
    }
    return {**swept, **learning}


def run(name: str) -> None:
    """Runs one job here and now; a fault is logged by its class, listed for operators, and the next sweep tries again."""
    close_old_connections()
    try:
        sweeps.whole(name, jobs()[name].run)
    finally:
        close_old_connections()


class ThreadExecutor:
    """Four threads and a timer, inside the one web process of the demo."""

    TICK = 0.5

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Starts the threads; before that a kick only waits for the first sweep. A second call does nothing."""
        if self._pool is not None:
            return
        self._stopped.clear()
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="job")
        threading.Thread(target=self._tick, name="sweeps", daemon=True).start()

    def stop(self) -> None:
        """Ends the sweeps; a job that runs goes on to its end."""
        self._stopped.set()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def kick(self, name: str) -> None:
        """Runs a job soon; a kick during its run makes it run once more."""
        pool = self._pool
        if pool is None:
            return
        with self._lock:
            if name in self._running:
                self._again.add(name)
                return
            self._running.add(name)
        try:
            pool.submit(self._run, name)
        except RuntimeError:
            log.info("job %s left for the next start: this process is stopping", name)

    def _run(self, name: str) -> None:
        try:
            run(name)
        finally:
            connections.close_all()  # an idle thread keeps none open
            with self._lock:
                self._running.discard(name)
                again = name in self._again
                self._again.discard(name)
        if again:
            self.kick(name)

    def _tick(self) -> None:
        table = jobs()
        due = {name: time.monotonic() + job.seconds for name, job in table.items()}
        while not self._stopped.wait(self.TICK):
            for name, job in table.items():
                if time.monotonic() >= due[name]:
                    due[name] = time.monotonic() + job.seconds
                    self.kick(name)


class CeleryExecutor:
    """Hands jobs to Celery; a broker that is away is no fault, because beat sweeps the same tables."""

    def start(self) -> None:
        """Nothing to start here: workers are processes of their own."""

    def kick(self, name: str) -> None:
        """Publishes the job's name; gives up within a second."""
        from kombu.exceptions import OperationalError

        from portal.celery import run_job

        try:
            run_job.apply_async((name,), queue=jobs()[name].queue)
        except (OperationalError, OSError) as error:
            log.warning("job %s not published (%s): beat will sweep", name, type(error).__name__)


@cache
def executor() -> ThreadExecutor | CeleryExecutor:
    """The executor that `settings.EXECUTOR` names."""
    made: ThreadExecutor | CeleryExecutor = import_string(settings.EXECUTOR)()
    return made
