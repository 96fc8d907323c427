"""Starts a throw-away Redis on a loopback port that writes nothing to disk."""

import socket

from demo.supervise import Launcher, wait_until
from tests.services import packages
from tests.services.commands import find
from tests.services.ports import free_ports

DATABASES = 64


def start(launcher: Launcher) -> dict[str, str]:
    """Returns REDIS_URL (database 0; each test worker and each site takes a number of its own)."""
    packages.ensure(packages.REDIS)
    port = free_ports()
    home = launcher.folder / "redis"
    home.mkdir()
    running = launcher.start(
        "redis",
        [
            find("redis-server") or "redis-server", "--bind", "127.0.0.1", "--port", str(port),
            "--save", "", "--appendonly", "no", "--databases", str(DATABASES), "--dir", home,
        ],
    )  # fmt: skip

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    wait_until(running, answers, 15)
    return {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
