"""A terminal as somebody types into it: a real shell on a pseudo-terminal, Ctrl-C included."""

import contextlib
import fcntl
import os
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """One bash in `folder`. `said` is all that it has printed."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._ours, theirs = os.openpty()
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**env, "PS1": "$ ", "TERM": "dumb"},
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(theirs)
        self.said = ""
        self._typed = 0

    def start(self, line: str) -> None:
        """Types a command that stays, once the shell waits for one: what is typed ahead may be lost."""
        self.until(r"\$ $", 30)
        begin = len(self.said)
        os.write(self._ours, line.encode() + b"\n")
        end = time.monotonic() + 10
        while "\n" not in self.said[begin:]:
            assert self._read(end - time.monotonic()), f"{line} was not taken:\n{self.said[-1000:]}"

    def run(self, line: str, seconds: float) -> str:
        """Types a command, waits for its end, and demands that it went well; what it printed."""
        self._typed += 1
        begin = len(self.said)
        # In two halves: the echo of the question must not look like its answer.
        self.start(f'{line}; echo "ended""-{self._typed}:$?."')
        found = self.until(rf"ended-{self._typed}:(\d+)\.", seconds)
        assert found[1] == "0", f"{line} ended with {found[1]}:\n{self.said[begin:]}"
        return self.said[begin:]

    def answer(self, line: str, text: str) -> None:
        """Types a command that asks for a line, then that line."""
        self.start(line)
        os.write(self._ours, text.encode() + b"\n")

    def until(self, pattern: str, seconds: float) -> re.Match[str]:
        """Waits until it has printed this; else fails with the end of what it has printed."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.said)
            if found:
                return found
            assert self._read(end - time.monotonic()), (
                f"no {pattern!r} within {seconds} s:\n{self.said[-4000:]}"
            )

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self._ours, b"\x03")

    def close(self) -> None:
        """Ends the shell and everything that was started in it."""
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            for group in self._groups():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, number)
            until = time.monotonic() + (20 if number == signal.SIGINT else 3)
            while time.monotonic() < until and len(self._groups()) > (number == signal.SIGINT):
                self._read(0.2)
        self._shell.wait(10)
        os.close(self._ours)

    def _groups(self) -> set[int]:
        """The process groups of this terminal's session."""
        found = set()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                state, _, group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except (OSError, ValueError):
                continue
            if int(session) == self._shell.pid and state not in "ZX":
                found.add(int(group))
        return found

    def _read(self, seconds: float) -> bool:
        """Takes what is there within the time; False when nothing came, or the shell has ended."""
        if seconds <= 0:
            return False
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if not ready:
            return False
        try:
            got = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.said += got.decode("utf-8", "replace").replace("\r", "")
        return bool(got)
