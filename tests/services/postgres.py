"""Starts a throw-away PostgreSQL on a loopback port, as a user that is not root."""

import os
import pwd
import signal
from pathlib import Path

from demo.supervise import Launcher, wait_until
from tests.services import packages
from tests.services.commands import ServiceError, run
from tests.services.ports import free_ports

OWNER = "madoguchi"


def programs() -> Path:
    """The folder of the newest PostgreSQL here."""
    packages.ensure(packages.POSTGRES)
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int("".join(filter(str.isdigit, path.parts[-3])) or 0),
    )
    return found[-1].parent


def _account() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as Debian's postgres, or as nobody."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise ServiceError("PostgreSQL: root may not run it, and there is no account 'postgres' or 'nobody'.")


def start(launcher: Launcher) -> dict[str, str]:
    """Returns DATABASE_URL; data is for tests only: no fsync, no password, loopback only."""
    binaries, user, port = programs(), _account(), free_ports()
    home = launcher.folder / "postgres"
    home.mkdir()
    if user:
        account = pwd.getpwnam(user)
        os.chown(home, account.pw_uid, account.pw_gid)
    data = home / "data"
    run(
        [binaries / "initdb", "--no-sync", "--auth=trust", f"--username={OWNER}", "--encoding=UTF8",
         "--locale=C.UTF-8", "-D", data],
        what="PostgreSQL's initdb",
        cwd=home,
        user=user,
        **({"group": account.pw_gid, "extra_groups": []} if user else {}),
    )  # fmt: skip
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(home),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "200",
        "timezone": "UTC",
        # As docs/how-to/run-in-a-city.md says: neither the values of a failed statement nor the statement itself.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
    running = launcher.start(
        "postgres",
        [binaries / "postgres", "-D", data, *(x for k, v in options.items() for x in ("-c", f"{k}={v}"))],
        user=user,
        cwd=home,
        stop_signal=signal.SIGINT,  # "fast": ends open connections instead of waiting for them
    )

    def answers() -> bool:
        """A socket that accepts is not enough: the server may still be starting up."""
        try:
            run(
                [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", OWNER],
                what="pg_isready",
            )
        except ServiceError:
            return False
        return True

    wait_until(running, answers, 30)
    run(
        [binaries / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", OWNER, OWNER],
        what="PostgreSQL's createdb",
    )
    return {"DATABASE_URL": f"postgres://{OWNER}@127.0.0.1:{port}/{OWNER}"}
