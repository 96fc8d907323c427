"""Starts long-running programs in process groups of their own, waits until they answer, and ends them.

Used by `bin/demo`, and by the tests and benchmarks, which start the real parts. Imports no Django.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1


class StartError(Exception):
    """A program did not start; the message says which, why, and what to do."""


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
        while _group_lives(pgid) and time.monotonic() < until:
            time.sleep(0.05)
        if not _group_lives(pgid):
            break
    if process is not None:
        process.wait(timeout=5.0)


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
                preexec_fn=_tie_to_parent if self.tied else None,
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
    """Waits for `ready`; `StartError` with the end of the log when the program dies or time runs out."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if ready():
            return
        if not running.alive():
            raise StartError(
                f"{running.name} ended with status {running.process.returncode} before it was ready. "
                f"The end of its log:\n{running.tail()}"
            )
        time.sleep(0.1)
    raise StartError(
        f"{running.name} was not ready after {seconds:.0f} seconds. The end of its log:\n{running.tail()}"
    )


def run_to_end(command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path) -> None:
    """Runs a command to its end, its output in `log`; `StartError` shows the end of it when it fails."""
    with log.open("ab") as out:
        done = subprocess.run(  # noqa: S603  the command is ours
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            cwd=cwd,
            check=False,
            preexec_fn=_tie_to_parent,
        )
    if done.returncode:
        said = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        shown = " ".join(Path(str(part)).name for part in command)
        raise StartError(f"{shown} ended with status {done.returncode}:\n{said}")
