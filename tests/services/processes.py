"""Starts long-running programs in process groups of their own, waits until they answer, and ends them."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1


class ServiceError(Exception):
    """A part could not be had or did not start; the message says which, why, and what to do."""


@dataclass
class Running:
    """One started program: `name` for people, `log` where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        if not self.log.is_file():
            return "(no output)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def alive(self) -> bool:
        """True while it runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Asks the whole group to end, then ends it by force."""
        end_group(self.process.pid, self.stop_signal, self.grace, self.process)


def end_group(
    pgid: int, first: signal.Signals, grace: float, process: "subprocess.Popen[bytes] | None" = None
) -> None:
    """Sends `first` to the group, waits `grace` seconds, then SIGKILL; a group that is gone is fine."""
    for number, patience in ((first, grace), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(pgid, number)
        except ProcessLookupError:
            break
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if process is not None:
                process.poll()
            if not _group_lives(pgid):
                return
            time.sleep(0.05)
    if process is not None:
        process.poll()


def _group_lives(pgid: int) -> bool:
    """True when a member of the group runs; one that only waits to be collected does not count."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # After the name, which may hold anything but ends at the last bracket: state, parent, group.
            state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(group) == pgid and state not in "ZX":
            return True
    return False


def _tie_to_parent() -> None:
    """The child gets SIGTERM when this process dies, however it dies."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Launcher:
    """Starts programs under `folder`; `tied` ones end with this process, the others live until `stop`."""

    folder: Path
    tied: bool = True
    started: list[Running] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Running:
        """Starts `command` in a group of its own, its output in `folder/name.log`."""
        log = self.folder / f"{name}.log"
        account = pwd.getpwnam(user) if user else None
        with log.open("ab") as out:
            process = subprocess.Popen(  # noqa: S603  the command is ours
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_tie_to_parent if self.tied else None,  # noqa: PLW1509
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )
        running = Running(name, process, log, stop_signal)
        self.started.append(running)
        return running

    def stop_all(self) -> None:
        """Ends what was started, the last first."""
        while self.started:
            self.started.pop().stop()


def wait_until(running: Running, ready: Callable[[], bool], seconds: float) -> None:
    """Waits for `ready`; `ServiceError` with the end of the log when the program dies or time runs out."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if ready():
            return
        if not running.alive():
            raise ServiceError(
                f"{running.name} ended with status {running.process.returncode} before it was ready. "
                f"The end of its log:\n{running.tail()}"
            )
        time.sleep(0.1)
    raise ServiceError(
        f"{running.name} was not ready after {seconds:.0f} seconds. The end of its log:\n{running.tail()}"
    )


def run(
    command: Sequence[str | Path], *, what: str, env: Mapping[str, str] | None = None, **more: object
) -> str:
    """Runs a command to its end and returns what it printed; `ServiceError` says `what` failed."""
    done = subprocess.run(  # noqa: S603  # type: ignore[call-overload]
        [str(part) for part in command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        **more,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-25:]
        raise ServiceError(f"{what} failed (status {done.returncode}):\n" + "\n".join(said))
    return str(done.stdout)


def find(program: str, *folders: Path) -> str | None:
    """The path of a program on PATH, in /usr/sbin or in one of `folders`."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *(str(f) for f in folders)])
    return shutil.which(program, path=path)


def say(line: str) -> None:
    """One line of progress for the person who waits."""
    sys.stderr.write(f"services: {line}\n")
    sys.stderr.flush()
