"""Runs the jobs of all packages: by threads in one process (demo) or by Celery (city)."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from portal.celery import run_job
from portal.jobs import jobs, run

log = logging.getLogger(__name__)


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
        try:
            run_job.apply_async((name,), queue=jobs()[name].queue)
        except (OperationalError, OSError) as error:
            log.warning("job %s not published (%s): beat will sweep", name, type(error).__name__)


@cache
def executor() -> ThreadExecutor | CeleryExecutor:
    """The executor that `settings.EXECUTOR` names."""
    made: ThreadExecutor | CeleryExecutor = import_string(settings.EXECUTOR)()
    return made
