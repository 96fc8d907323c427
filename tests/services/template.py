"""A migrated database that every test database and every city site is copied from: migrating takes 20 CPU-seconds.

It is kept as a dump for as long as no migration changes. Copies are migrated again, which then finds nothing to
do: a stale dump costs time, never correctness.
"""

import hashlib
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from demo.run import ROOT, migrations_digest
from demo.supervise import StartError, run_to_end
from tests.services.commands import run, say
from tests.services.keycloak import cache_folder

NAME = "madoguchi_template"


class Preparation:
    """Makes the template beside other work; `wait` says whether it is there."""

    def __init__(self, url: str, programs: Path, folder: Path) -> None:
        self._url = urlsplit(url)._replace(path=f"/{NAME}").geturl()
        self._programs = programs
        self._folder = folder
        self._fault: StartError | None = None
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {NAME}")
        self._thread = threading.Thread(target=self._prepare)
        self._thread.start()

    def wait(self) -> dict[str, str]:
        """TEST_DATABASE_TEMPLATE, or nothing when migrating failed: the tests will show why, each for itself."""
        self._thread.join()
        if self._fault:
            say(f"no migrated database was made: {self._fault}")
            return {}
        return {"TEST_DATABASE_TEMPLATE": NAME}

    def _prepare(self) -> None:
        try:
            self._make()
        except StartError as error:
            self._fault = error

    def _make(self) -> None:
        version = run([self._programs / "postgres", "--version"], what="postgres --version")
        settings = (ROOT / "portal" / "settings.py").read_bytes()
        wanted = hashlib.sha256((migrations_digest() + version).encode() + settings).hexdigest()[:16]
        dump = cache_folder() / f"database-{wanted}.dump"
        if dump.is_file():
            restore = [self._programs / "pg_restore", "--exit-on-error", "--no-owner", "-d", self._url, dump]
            run(restore, what="pg_restore")
            return
        say("migrating a database (once for each change of a migration)")
        env = {"DEMO": "1", "DATABASE_URL": self._url, "REDIS_URL": "", "VAR_DIR": str(self._folder)}
        run_to_end(
            [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
            env=env, cwd=ROOT, log=self._folder / "migrate.log",
        )  # fmt: skip
        dump.parent.mkdir(parents=True, exist_ok=True)
        for old in dump.parent.glob("database-*.dump"):
            old.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile(dir=dump.parent, delete=False) as part:
            subprocess.run(
                [self._programs / "pg_dump", "--format=custom", "--no-owner", self._url],
                stdout=part,
                check=True,
            )
        Path(part.name).rename(dump)
