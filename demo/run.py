"""Runs the demo on one machine: portal with embedded ID, three providers, a City OS, one process each; no Django.

`bin/demo` makes the virtual environment and calls this module. The first start migrates and seeds a SQLite
database and takes a minute; later starts find everything in `var/demo` and take seconds.
"""

import argparse
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.region import current
from core.region.region_file import RegionFileError, read
from demo import region_data
from demo.supervise import Launcher, Running, StartError, run_to_end, wait_until
from portal.new_secrets import new_secrets

ROOT = Path(__file__).resolve().parent.parent
PROVIDERS = ("waste", "lunch", "river", "cityos", "shelter")
BROKER = "cityos"
"""Which of them is the context broker too."""
DEFAULT_PORT = 8000
CITY = frozenset({
    "BEHIND_PROXY", "CARD_CACHE_KEY", "CELERY_BROKER_URL", "CONTEXT_BROKER_CONTEXT",
    "CONTEXT_BROKER_TOKEN", "CONTEXT_BROKER_URL", "DATABASE_URL", "DEFAULT_FROM_EMAIL",
    "DJANGO_SETTINGS_MODULE", "EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_HOST_PASSWORD", "EMAIL_HOST_USER",
    "EMAIL_PORT", "EMAIL_USE_TLS", "FIELD_KEY", "GADGET_SIGNING_KEY", "ID_PROVIDER", "ID_URL",
    "KEYCLOAK_ADMIN_CLIENT_ID", "KEYCLOAK_ADMIN_CLIENT_SECRET", "KEYCLOAK_BOOTSTRAP_CLIENT_ID",
    "KEYCLOAK_BOOTSTRAP_CLIENT_SECRET", "KEYCLOAK_REALM", "KEYCLOAK_SYNC_CLIENT_ID",
    "KEYCLOAK_SYNC_CLIENT_SECRET", "KEYCLOAK_URL", "LOOPBACK_NAMES", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET",
    "OIDC_ISSUER", "PORT", "PORTAL_URL", "REDIS_URL", "REGION_FILE", "REMEMBERED_DAYS", "REMEMBERED_IDLE_DAYS", "SECRET_KEY",
    "SESSION_HOURS", "SESSION_IDLE_MINUTES", "VAR_DIR",
    "CA_FILE", "NUMBER_KEY", "SECRET_KEY_FALLBACKS",
})  # fmt: skip
"""Settings that a shell without a demo in mind has: with one of them, the demo's are not taken."""
THREADS = 16  # the portal asks its own token endpoint: one thread would wait for itself


class DemoError(StartError):
    """The demo cannot start; the message says why and what to type instead."""


def main(arguments: list[str] | None = None) -> int:
    """Runs until Ctrl-C; returns the exit status."""
    chosen = _options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    if chosen.region:
        os.environ["REGION_FILE"] = str(Path(chosen.region).resolve())
    demo = Demo(port=chosen.port, folder=_folder(chosen.port), with_providers=not chosen.no_providers)
    try:
        demo.settle_region()
        if chosen.reset:
            demo.reset()
        with demo.alone():
            demo.start()
            return demo.watch()
    except StartError as error:
        _say(f"bin/demo: {error}")
        return 1
    except KeyboardInterrupt:
        _say("stopping")
        return 0
    finally:
        # A second Ctrl-C must not leave processes behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.launcher.stop_all()


def command_environment(given: Mapping[str, str], root: Path = ROOT) -> dict[str, str]:
    """The settings of the demo that `bin/demo` has left, for a command that is typed without any settings.

    Empty as soon as the shell sets one of ours: a city sets them all, and nobody's command may end up in another
    database than the one that was meant.
    """
    if set(given) & CITY or given.get("DEMO", "1") != "1":
        return {}
    demo = Demo(port=DEFAULT_PORT, folder=root / "var" / "demo")
    return demo.environment() if demo.kept() else {}


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/demo", description="Runs the portal with sample data on this machine, until Ctrl-C."
    )
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, metavar="N",
        help=f"the portal's port; the providers take the next four (default {DEFAULT_PORT})",
    )  # fmt: skip
    parser.add_argument(
        "--region", metavar="FILE", help="a region file (default: $REGION_FILE, or the sample city)"
    )
    parser.add_argument("--reset", action="store_true", help="forget what was kept from earlier starts")
    parser.add_argument("--no-providers", action="store_true", help="start the portal alone")
    return parser.parse_args(arguments)


def _port(raw: str) -> int:
    highest = 65535 - len(PROVIDERS)
    if not raw.isdecimal() or not 1 <= int(raw) <= highest:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to {highest}, not {raw!r}")
    return int(raw)


def _folder(port: int) -> Path:
    """Registered addresses hold the port, so each port keeps a database of its own."""
    given = os.environ.get("VAR_DIR")
    if given:
        return Path(given).resolve()
    return ROOT / "var" / ("demo" if port == DEFAULT_PORT else f"demo-{port}")


def _leave(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass
class Demo:
    """The processes of one demo and the folder that outlives them."""

    port: int
    folder: Path
    with_providers: bool = True
    launcher: Launcher = field(init=False)

    def __post_init__(self) -> None:
        self.launcher = Launcher(self.folder / "logs")
        self.portal_url = f"http://portal.region.localhost:{self.port}"
        self.id_url = f"http://id.region.localhost:{self.port}"

    # --- what is kept ---

    def reset(self) -> None:
        """Removes the folder; only one that a demo made."""
        if not self.folder.exists():
            return
        inside = {entry.name for entry in self.folder.iterdir()}
        if inside - {".running", "logs", "static"} and "secrets.env" not in inside:
            raise DemoError(f"{self.folder} holds no demo; --reset removes nothing that it does not know.")
        with self.alone():
            shutil.rmtree(self.folder)
            _say(f"removed {self.folder}")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Two demos in one folder would write into one database."""
        for name in ("logs", "static"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        with (self.folder / ".running").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DemoError(
                    f"a demo with the data in {self.folder} is running already. Stop it with Ctrl-C, "
                    f"or start another one on its own ports: bin/demo --port {self.port + 100}"
                ) from error
            yield

    def secrets(self) -> dict[str, str]:
        """Made once, readable by their owner only; they stay so that sessions and consents stay valid."""
        path = self.folder / "secrets.env"
        if not path.is_file():
            made = new_secrets()
            path.touch(mode=0o600)
            path.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
        return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)

    @property
    def region_file(self) -> Path:
        """The region file of the data that are kept here; of those kept before regions were files, the sample city."""
        path = self.folder / "region"
        return Path(path.read_text().strip()) if path.is_file() else current.DEFAULT

    def settle_region(self) -> None:
        """Refuses a file that cannot be used; the example providers know one region only."""
        try:
            if not region_data.has_providers():
                self.with_providers = False
        except RegionFileError as error:
            raise DemoError(f"REGION_FILE: {error}") from error

    def _keep_region(self) -> None:
        """One folder holds one region: residents of a district that the other does not know would be in its way."""
        asked, new = current.current_region(), not (self.folder / "db.sqlite3").is_file()
        if new:
            (self.folder / "region").write_text(f"{asked.path}\n")
            return
        try:
            kept = read(self.region_file)
        except RegionFileError as error:
            raise DemoError(
                f"the data in {self.folder} are of a region whose file is gone: {error}"
            ) from error
        if kept.id != asked.id:
            raise DemoError(
                f"the data in {self.folder} are of the region {kept.id}, and {asked.path} is {asked.id}. Start it on "
                f"its own ports: bin/demo --region {asked.path} --port {self.port + 100}"
            )

    # --- start ---

    def start(self) -> None:
        """Brings everything up and says `ready`, or raises `StartError`."""
        self._check_ports()
        self._keep_region()
        begun = time.monotonic()
        for old in (self.folder / "logs").glob("*.log"):
            old.unlink()
        new = not (self.folder / "db.sqlite3").is_file()
        _say("first start: making the database" if new else f"using the data kept in {self.folder}")
        env = self.environment()
        self._migrate(env)
        web = self.launcher.start("web", web_command(self.port), env=env, cwd=ROOT)
        wait_until(web, lambda: answers(self.port, "/health/ready"), 120)
        seeded = self.folder / "seeded"
        if not seeded.is_file():
            self._seed(env)
            seeded.touch()
        if self.with_providers:
            self._start_providers(self.clients())
        self._welcome(time.monotonic() - begun)

    def environment(self) -> dict[str, str]:
        """The settings of the web process."""
        return {
            **self.secrets(),
            "DEMO": "1",
            "REGION_FILE": str(self.region_file),
            "PORT": str(self.port),
            "VAR_DIR": str(self.folder),
            "CONTEXT_BROKER_URL": broker_url(self.port),
            "PYTHONUNBUFFERED": "1",
        }

    def kept(self) -> bool:
        """Whether a start has left a folder with secrets."""
        return (self.folder / "secrets.env").is_file()

    def clients(self) -> dict[str, dict[str, str]]:
        """The providers' OIDC clients, as the seed registered them."""
        path = self.folder / "providers.json"
        return dict(json.loads(path.read_text())) if path.is_file() else {}

    def _check_ports(self) -> None:
        wanted = {self.port: "the portal"}
        if self.with_providers:
            wanted |= {self.port + 1 + n: f"the provider {name}" for n, name in enumerate(PROVIDERS)}
        for port, who in wanted.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except PermissionError as error:
                    raise DemoError(
                        f"this account may not open port {port}. Choose one above 1023: bin/demo --port 8000"
                    ) from error
                except OSError as error:
                    raise DemoError(
                        f"port {port} is in use, and {who} needs it. Choose others with the flag --port, "
                        f"for example: bin/demo --port {self.port + 100}"
                    ) from error

    def _migrate(self, env: Mapping[str, str]) -> None:
        stamp, wanted = self.folder / "migrated", migrations_digest()
        if stamp.is_file() and stamp.read_text() == wanted and (self.folder / "db.sqlite3").is_file():
            return
        self._manage("migrate", "--no-input", env=env)
        stamp.write_text(wanted)

    def _seed(self, env: Mapping[str, str]) -> None:
        """The gadgets' checks call the providers, and these check our tokens: all of them must be up."""
        _say("first start: sample people, pages, events and gadgets")
        has = region_data.has_providers()
        providers = self._start_providers({}) if has else []
        self._manage("seed_demo", *([] if has else ["--no-gadgets"]), env=env)
        for provider in providers:
            provider.stop()
            self.launcher.started.remove(provider)

    def _manage(self, *command: str, env: Mapping[str, str]) -> None:
        try:
            run_to_end(
                [sys.executable, "manage.py", *command],
                env=env,
                cwd=ROOT,
                log=self.folder / "logs" / "setup.log",
            )
        except StartError as error:
            raise DemoError(f"{error}\nTo start from nothing: bin/demo --reset --port {self.port}") from error

    def _start_providers(self, clients: Mapping[str, Mapping[str, str]]) -> list[Running]:
        started = []
        for number, name in enumerate(PROVIDERS):
            env = provider_environment(
                name, port=self.port + 1 + number, portal_url=self.portal_url, issuer=f"{self.id_url}/o",
                client=clients.get(name, {}), folder=self.folder / name,
            )  # fmt: skip
            started.append(self.launcher.start(name, provider_command(name), env=env, cwd=ROOT))
        for number, running in enumerate(started):
            port = self.port + 1 + number
            wait_until(running, lambda port=port: answers(port, "/g/health"), 60)  # type: ignore[misc]
        return started

    def _welcome(self, seconds: float) -> None:
        # The cast lives in the region, which is settled only now.
        from demo.cast import CAST

        _say("")
        _say(f"  portal      {self.portal_url}/")
        _say(f"  editors     {self.portal_url}/admin/")
        if self.with_providers:
            for number, name in enumerate(PROVIDERS):
                _say(f"  {name:<10}  http://{name}.localhost:{self.port + 1 + number}/")
        _say("")
        _say("  Sample people (user name, password):")
        for person in CAST.values():
            _say(f"  {person.username:<10}  {person.password:<26}  {person.story}")
        _say("  Staff are asked for a code too; the page that asks shows it, in the demo only.")
        _say("")
        _say(f"  A sample, not the site of a city. Logs: {self.folder / 'logs'}. Ctrl-C stops everything.")
        _say(f"  ({seconds:.0f} s)")
        _say("ready")

    # --- while it runs ---

    def watch(self) -> int:
        """Waits for Ctrl-C; says which provider ended; ends when the portal itself does."""
        while True:
            for running in list(self.launcher.started):
                if running.alive():
                    continue
                self.launcher.started.remove(running)
                status = running.process.returncode
                if running.name == "web":
                    _say(f"the portal ended (status {status}). The end of its log:\n{running.tail()}")
                    return 1
                _say(
                    f"the provider {running.name} ended (status {status}); its cards now come from the cache "
                    f"or say that they are not available. Its log: {running.log}"
                )
            time.sleep(0.3)


# --- the programs, for the demo and for the tests ------------------------------------------------------------


def web_command(port: int, *, workers: int = 1, threads: int = THREADS) -> list[str]:
    """The web server of the portal, on loopback."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(threads), "--no-ws", "--log-level", "warning",
        "portal.wsgi:application",
    ]  # fmt: skip


def provider_command(name: str) -> list[str]:
    """One example provider."""
    return [sys.executable, "-m", f"examples.{name}"]


def provider_environment(
    name: str,
    *,
    port: int,
    portal_url: str,
    issuer: str,
    client: Mapping[str, str],
    folder: Path,
    discovery_url: str = "",
) -> dict[str, str]:
    """What examples/README.md lists; without a client the provider has no sign-in."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "PORT": str(port),
        "PUBLIC_ORIGIN": f"http://{name}.localhost:{port}",
        "PORTAL_URL": portal_url,
        "PORTAL_JWKS_URL": f"{portal_url}/.well-known/jwks.json",
        "OIDC_ISSUER": issuer,
        "OIDC_DISCOVERY_URL": discovery_url or issuer,
        "OIDC_CLIENT_ID": client.get("client_id", ""),
        "OIDC_CLIENT_SECRET": client.get("client_secret", ""),
        "CLAIMS_URL": f"{portal_url}/api/claims",
        "VAR_DIR": str(folder),
        "PYTHONUNBUFFERED": "1",
    }


def broker_url(port: int) -> str:
    """Where the context broker listens, by the portal's port: inside, so by its address and not by a public name."""
    return f"http://127.0.0.1:{port + 1 + PROVIDERS.index(BROKER)}"


def answers(port: int, path: str) -> bool:
    """True when 127.0.0.1:`port` answers 200 there."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        line.request("GET", path)
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def migrations_digest() -> str:
    """Changes when a migration or a locked package does; the demo and the tests keep what they migrated by it."""
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for path in sorted(ROOT.glob("*/migrations/*.py")) + sorted(ROOT.glob("*/*/migrations/*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
