"""Starts the web processes as a city runs them, and reads what they cost from /proc."""

import base64
import http.client
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from demo.supervise import Launcher, Running, StartError, wait_until
from tests.services.ports import free_ports

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """One running web server with its workers."""

    name: str
    port: int
    running: Running

    def cpu(self) -> float:
        """CPU seconds of the server's processes since they began, user and system."""
        return sum(_cpu(pid) for pid in _family(self.running.process.pid))

    def worker_mb(self) -> float:
        """Resident memory of its largest process, in MB: a worker that has drawn pages."""
        return max(_resident(pid) for pid in _family(self.running.process.pid)) / 1024


def environment(folder: Path) -> tuple[dict[str, str], int]:
    """The settings of a city on this machine, and the portal's port; every secret is of this run only."""
    port = free_ports()
    signing = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEMO": "0",
        "LOOPBACK_NAMES": "1",
        "PORT": str(port),
        "VAR_DIR": str(folder / "var"),
        "PORTAL_URL": f"http://portal.region.localhost:{port}",
        # The home never asks the ID, so none is running.
        "ID_PROVIDER": "keycloak",
        "ID_URL": "http://id.region.localhost:1",
        "OIDC_ISSUER": "http://id.region.localhost:1/realms/region",
        "OIDC_CLIENT_SECRET": secrets.token_hex(16),
        "KEYCLOAK_ADMIN_CLIENT_SECRET": secrets.token_hex(16),
        "SECRET_KEY": secrets.token_hex(32),
        "GADGET_SIGNING_KEY": signing.decode(),
        "CARD_CACHE_KEY": _key(),
        "FIELD_KEY": _key(),
        "DEFAULT_FROM_EMAIL": "no-reply@portal.region.localhost",
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
    }
    (folder / "var").mkdir()
    return env, port


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def seed(env: dict[str, str], items: int) -> dict[str, Any]:
    """Fills the database in a process of its own; returns what it printed."""
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"]
    for command, more in ((collect, {"COLLECT": "1"}), ([sys.executable, "-m", "bench.seed"], {})):
        done = subprocess.run(
            command,
            env={**env, **more, "BENCH_ITEMS": str(items)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StartError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def start(
    launcher: Launcher,
    name: str,
    application: str,
    port: int,
    env: dict[str, str],
    *,
    workers: int = WORKERS,
    threads: int = 1,
) -> Server:
    """Granian with two workers of one thread, as docs/how-to/operate says, unless told otherwise."""
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads)),
        *("--no-ws", "--log-level", "warning", application),
    ]
    running = launcher.start(name, command, env=env, cwd=ROOT)
    server = Server(name, port, running)
    wait_until(running, lambda: _answers(port), 60)
    return server


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("HEAD", "/health/live")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _family(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _resident(pid: int) -> int:
    """Kilobytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
