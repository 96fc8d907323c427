"""`python -m tests.services run|start|stop`: PostgreSQL, Redis and Keycloak for tests, benchmarks and people.

python -m tests.services run [--keycloak] -- COMMAND …              start, run COMMAND with their addresses, stop
python -m tests.services start --env-file F [--keycloak]   start and leave running; `. F` sets the addresses
python -m tests.services stop --env-file F                 stop what that start started
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from demo.supervise import Launcher, StartError, end_group
from tests import logs
from tests.services import keycloak, mail, packages, postgres, redis_server, template
from tests.services.commands import say
from tests.services.ports import free_ports


def start_all(launcher: Launcher, *, with_keycloak: bool, with_browser: bool = False) -> dict[str, str]:
    """Starts the parts that the environment does not name already; returns their addresses."""
    packages.ensure(*_needed(with_keycloak=with_keycloak, with_browser=with_browser))
    made: dict[str, str] = {"MADOGUCHI_SERVICES": "1"}
    begun = time.monotonic()

    def part(name: str, variable: str, start: Callable[[], dict[str, str]]) -> None:
        if os.environ.get(variable):
            say(f"{name}: using {variable} from the environment")
            return
        made.update(start())
        say(f"{name} is up ({time.monotonic() - begun:.1f} s)")

    part("PostgreSQL", "DATABASE_URL", lambda: postgres.start(launcher))
    preparation = None
    if "DATABASE_URL" in made:
        preparation = template.Preparation(made["DATABASE_URL"], postgres.programs(), launcher.folder)
    part("Redis", "REDIS_URL", lambda: redis_server.start(launcher))
    part("Mail", "MAIL_FOLDER", lambda: mail.start(launcher))
    if with_keycloak:
        part(
            "Keycloak",
            "KEYCLOAK_ADMIN_CLIENT_SECRET",
            # Ten in a row: the portal's, its providers', and some for what a test starts.
            lambda: keycloak.start(
                launcher,
                portal_port=free_ports(10),
                mail_port=int(made.get("MAIL_PORT") or os.environ["MAIL_PORT"]),
            ),
        )
    if preparation:
        made.update(preparation.wait())
    return made


def _needed(*, with_keycloak: bool, with_browser: bool) -> Iterator[packages.Part]:
    """Everything in one call of apt-get, which is slow to start."""
    if not os.environ.get("DATABASE_URL"):
        yield packages.POSTGRES
    if not os.environ.get("REDIS_URL"):
        yield packages.REDIS
    if with_keycloak and not os.environ.get("KEYCLOAK_ADMIN_CLIENT_SECRET"):
        yield packages.JAVA
        if not os.environ.get("KEYCLOAK_HOME") and not keycloak.archive_path().is_file():
            yield packages.MAVEN
    if with_browser:
        yield packages.CHROMIUM
        yield packages.JAPANESE_FONT
    yield packages.NGINX
    yield packages.NODE


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user and must reach its own folder below
    return folder


def run_with(command: list[str], *, with_keycloak: bool, with_browser: bool) -> int:
    """Starts everything, runs the command to its end, stops everything; returns the command's status."""
    launcher = Launcher(_folder())

    def leave(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    # SIGINT too: a shell that starts us in the background ignores it for us, and so for the command below.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    try:
        env = {**os.environ, **start_all(launcher, with_keycloak=with_keycloak, with_browser=with_browser)}
        child = subprocess.Popen(command, env=env)
        try:
            return child.wait() or _discretion(launcher.folder)
        except KeyboardInterrupt:
            # A terminal's Ctrl-C has reached the child as well; a plain SIGTERM to us has not.
            child.send_signal(signal.SIGINT)
            try:
                child.wait(timeout=30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            return 130
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        launcher.stop_all()
        shutil.rmtree(launcher.folder, ignore_errors=True)


def _discretion(folder: Path) -> int:
    """1 when PostgreSQL, Redis, mail or Keycloak wrote down what no log may hold."""
    told = logs.found_below(folder)
    for one in told:
        say(f"a log holds what no log may: {one}")
    return 1 if told else 0


def start_and_leave(env_file: Path, *, with_keycloak: bool) -> int:
    """Starts everything detached and writes the addresses and, beside them, what `stop` needs."""
    state = _state(env_file)
    if state.exists():
        say(f"{state} says that services run already; `stop` them first")
        return 1
    launcher = Launcher(_folder(), tied=False)
    try:
        made = start_all(launcher, with_keycloak=with_keycloak)
    except (StartError, KeyboardInterrupt):
        launcher.stop_all()
        shutil.rmtree(launcher.folder, ignore_errors=True)
        raise
    env_file.parent.mkdir(parents=True, exist_ok=True)
    env_file.touch(mode=0o600)
    env_file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in made.items()))
    running = [
        {"name": one.name, "pid": one.process.pid, "signal": int(one.stop_signal)} for one in launcher.started
    ]
    state.write_text(json.dumps({"folder": str(launcher.folder), "running": running}))
    say(f"addresses are in {env_file}")
    return 0


def stop(env_file: Path) -> int:
    """Stops what `start --env-file` with the same file started."""
    state = _state(env_file)
    if not state.exists():
        say(f"nothing to stop: there is no {state}")
        return 0
    known = json.loads(state.read_text())
    for one in reversed(known["running"]):
        end_group(one["pid"], signal.Signals(one["signal"]), 10.0)
        say(f"{one['name']} is stopped")
    shutil.rmtree(known["folder"], ignore_errors=True)
    state.unlink()
    env_file.unlink(missing_ok=True)
    return 0


def _state(env_file: Path) -> Path:
    return env_file.with_name(env_file.name + ".running.json")


def main(arguments: list[str]) -> int:
    """Reads the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.services", description=__doc__)
    parser.add_argument("what", choices=["run", "start", "stop"])
    parser.add_argument("--keycloak", action="store_true", help="Keycloak too")
    parser.add_argument(
        "--browser", action="store_true", help="see that Chromium and a Japanese font are here"
    )
    parser.add_argument("--env-file", type=Path, default=Path(".services/env"))
    own, command = arguments, []
    if "--" in arguments:
        at = arguments.index("--")
        own, command = arguments[:at], arguments[at + 1 :]
    chosen = parser.parse_args(own)
    try:
        if chosen.what == "run":
            if not command:
                parser.error("run needs a command after --")
            return run_with(command, with_keycloak=chosen.keycloak, with_browser=chosen.browser)
        if chosen.what == "start":
            return start_and_leave(chosen.env_file, with_keycloak=chosen.keycloak)
        return stop(chosen.env_file)
    except StartError as error:
        say(str(error))
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
