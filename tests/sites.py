"""Starts whole sites for journeys: the demo by its own command, and a city on PostgreSQL, Redis and Keycloak."""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import requests

from demo import run as demo
from demo.cast import CAST
from demo.supervise import Launcher, Running, StartError, run_to_end, wait_until
from portal.new_secrets import new_secrets
from tests.early import FIRST_SITE_NUMBER, redis_number, worker_number
from tests.services.ports import free_ports, is_free

ROOT = demo.ROOT
PROVIDERS = (*demo.PROVIDERS, "fourth")
Starter = Callable[[], "Site"]
CITY_ONLY = "This test needs the real parts: run it with bin/test (not bin/test --fast)."


@dataclass
class Site:
    """A running site. Ports: the portal's, then one each for waste, lunch, river, cityos and fourth."""

    mode: str
    portal_url: str
    id_url: str
    issuer: str
    discovery_url: str
    folder: Path
    launcher: Launcher
    port: int
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The settings of its web process, for commands and for a second process beside it."""
    _own: dict[str, Running] = field(default_factory=dict)

    @property
    def providers(self) -> dict[str, str]:
        """Name → origin; `fourth` is not started until a test does so."""
        return {name: f"http://{name}.localhost:{self.provider_port(name)}" for name in PROVIDERS}

    @property
    def logs(self) -> Path:
        """The folder with a log for each process; providers that a test started log in `started` beside it."""
        return self.folder / "logs"

    def provider_port(self, name: str) -> int:
        """The port of a provider."""
        return self.port + 1 + PROVIDERS.index(name)

    def password(self, name: str) -> str:
        """The password of one of the cast, the same in both modes."""
        return CAST[name].password

    def get(self, url: str, **more: Any) -> requests.Response:
        """A plain GET from outside of a browser; names under .localhost are reached at 127.0.0.1."""
        parts = urlsplit(url)
        headers = {"Host": parts.netloc, **more.pop("headers", {})}
        at = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
        return requests.get(
            at, headers=headers, timeout=more.pop("timeout", 10), allow_redirects=False, **more
        )

    def kill(self, name: str) -> None:
        """Ends a provider at once, as a crash would."""
        if name in self._own:
            self._own.pop(name).stop()
        else:
            _end_listener(self.provider_port(name))

    def start(self, name: str, *, fault: str = "", debug_claims: bool = False, now: str = "") -> None:
        """Starts a provider, or starts it anew; `fault` is one of those in examples/README.md."""
        if not is_free(self.provider_port(name)):
            self.kill(name)
        port = self.provider_port(name)
        env = demo.provider_environment(
            name, port=port, portal_url=self.portal_url, issuer=self.issuer, client=self._clients().get(name, {}),
            folder=self.folder / name, discovery_url=self.discovery_url,
        )  # fmt: skip
        env |= {"FAULT": fault, "DEBUG_CLAIMS": "1" if debug_claims else "", "NOW": now}
        running = self.launcher.start(name, demo.provider_command(name), env=env, cwd=ROOT)
        self._own[name] = running
        wait_until(running, lambda: demo.answers(port, "/g/health"), 60)

    def stop(self) -> None:
        """Ends every process of the site."""
        self.launcher.stop_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clients(self) -> dict[str, dict[str, str]]:
        path = self.folder / "providers.json"
        return dict(json.loads(path.read_text())) if path.is_file() else {}


def start_demo() -> Site:
    """Runs the real `bin/demo` in a folder of its own and waits for its line `ready`."""
    return ready_demo(launch_demo(demo_ports()))


def launch_demo(port: int, region: Path | None = None) -> Site:
    """Starts `bin/demo` and waits for nothing; without a region file it is the sample city."""
    folder = _folder("demo")
    id_url = f"http://id.region.localhost:{port}"
    site = Site(
        mode="demo",
        portal_url=f"http://portal.region.localhost:{port}",
        id_url=id_url,
        issuer=f"{id_url}/o",
        discovery_url="",
        folder=folder,
        launcher=Launcher(_made(folder / "started")),
        port=port,
    )
    site._own["bin-demo"] = site.launcher.start(
        "bin-demo",
        [ROOT / "bin" / "demo", "--port", str(port), *(["--region", str(region)] if region else [])],
        env={"VAR_DIR": str(folder)},
        cwd=ROOT,
    )
    return site


def ready_demo(site: Site) -> Site:
    """Waits for the line `ready`; a demo that does not come to it is stopped."""
    running = site._own.pop("bin-demo")
    try:
        wait_until(running, lambda: "ready" in running.log.read_text().splitlines(), 300)
        # bin/demo forgets what the shell points at; a command beside it has to as well.
        site.environment = {
            **demo.Demo(port=site.port, folder=site.folder).environment(),
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
    except BaseException:
        site.stop()
        raise
    return site


def demo_ports(avoid: frozenset[int] = frozenset()) -> int:
    """The first of as many free ports as a demo takes."""
    return free_ports(len(PROVIDERS) + 1, avoid=_taken() | avoid)


def start_city() -> Site:
    """Runs the web process, a worker with beat and the three providers as a city would."""
    given = os.environ
    missing = [
        name
        for name in ("DATABASE_URL", "REDIS_URL", "KEYCLOAK_PORTAL_URL", "MAIL_FOLDER")
        if not given.get(name)
    ]
    if missing:
        raise StartError(f"{', '.join(missing)} not set. {CITY_ONLY}")
    folder = _folder("city")
    (folder / "static").mkdir()
    portal_url = given["KEYCLOAK_PORTAL_URL"]
    port = urlsplit(portal_url).port or 80
    site = Site(
        mode="city",
        portal_url=portal_url,
        id_url=given["KEYCLOAK_PUBLIC_URL"],
        issuer=given["KEYCLOAK_ISSUER"],
        discovery_url=given["KEYCLOAK_DISCOVERY_URL"],
        folder=folder,
        launcher=Launcher(_made(folder / "logs")),
        port=port,
    )
    try:
        site.environment = env = city_environment(folder)
        setup = site.logs / "setup.log"
        run_to_end([sys.executable, "manage.py", "migrate", "--no-input"], env=env, cwd=ROOT, log=setup)
        web = site.launcher.start("web", demo.web_command(port), env=env, cwd=ROOT)
        wait_until(web, lambda: demo.answers(port, "/health/ready"), 120)
        site.launcher.start("worker", worker_command(folder), env=env, cwd=ROOT)
        for name in demo.PROVIDERS:
            site.start(name)
        run_to_end([sys.executable, "manage.py", "seed_demo"], env=env, cwd=ROOT, log=setup)
        for name in demo.PROVIDERS:
            site.start(name)  # anew, with the client that the seed registered
    except BaseException:
        site.stop()
        raise
    return site


def city_environment(folder: Path) -> dict[str, str]:
    """The settings of a city's processes, with a database and a Redis number of their own."""
    given = os.environ
    number = FIRST_SITE_NUMBER + worker_number()
    keys = {
        name: value
        for name, value in new_secrets().items()
        if name in {"SECRET_KEY", "GADGET_SIGNING_KEY", "CARD_CACHE_KEY", "FIELD_KEY"}
    }
    return {
        **keys,
        "DEMO": "0",
        "LOOPBACK_NAMES": "1",
        "VAR_DIR": str(folder),
        "DATABASE_URL": _new_database(given["DATABASE_URL"], f"city_{worker_number()}"),
        "REDIS_URL": redis_number(given["REDIS_URL"], number),
        "CONTEXT_BROKER_URL": demo.broker_url(urlsplit(given["KEYCLOAK_PORTAL_URL"]).port or 80),
        "ID_PROVIDER": "keycloak",
        "PORTAL_URL": given["KEYCLOAK_PORTAL_URL"],
        "ID_URL": given["KEYCLOAK_PUBLIC_URL"],
        "OIDC_ISSUER": given["KEYCLOAK_ISSUER"],
        "OIDC_DISCOVERY_URL": given["KEYCLOAK_DISCOVERY_URL"],
        "OIDC_CLIENT_ID": given["OIDC_CLIENT_ID"],
        "OIDC_CLIENT_SECRET": given["OIDC_CLIENT_SECRET"],
        "DEFAULT_FROM_EMAIL": "no-reply@portal.region.localhost",
        "KEYCLOAK_SYNC_CLIENT_SECRET": "",  # web processes go without
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": given["MAIL_PORT"],
        "PYTHONUNBUFFERED": "1",
    }


def worker_command(folder: Path) -> list[str]:
    """One Celery worker for all queues, with beat inside."""
    return [
        sys.executable, "-m", "celery", "-A", "portal.celery", "worker", "--beat", "--pool", "threads",
        "--concurrency", "4", "--queues", "celery,notices,gadgets,learning", "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle", "--schedule", str(folder / "beat"),
    ]  # fmt: skip


def _new_database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[call-overload]
        template = os.environ.get("TEST_DATABASE_TEMPLATE") or "template1"
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')  # type: ignore[call-overload]
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _folder(kind: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"madoguchi-{kind}-"))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _taken() -> frozenset[int]:
    """The city's ports are promised to Keycloak as redirect addresses, and may not be open yet."""
    url = os.environ.get("KEYCLOAK_PORTAL_URL")
    first = urlsplit(url).port if url else None
    return frozenset(range(first, first + 10)) if first else frozenset()


def _end_listener(port: int) -> None:
    """Ends the program that listens on the port and that somebody else started; it must be a provider of ours."""
    for pid in _listeners(port):
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 5
    while not is_free(port):
        if time.monotonic() > until:
            raise StartError(f"port {port} is still in use")
        time.sleep(0.05)


def _listeners(port: int) -> Mapping[int, str]:
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        parts = line.split()
        if parts[3] == "0A" and int(parts[1].rpartition(":")[2], 16) == port:
            inodes.add(f"socket:[{parts[9]}]")
    found = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            links = (
                {str(fd.readlink()) for fd in (process / "fd").iterdir()} if "examples." in command else set()
            )
        except OSError:
            continue
        if links & inodes:
            found[int(process.name)] = command
    return found
