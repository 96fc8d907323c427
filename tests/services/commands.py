"""Runs a command to its end, finds programs, and tells the person who waits what goes on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from demo.supervise import StartError


class ServiceError(StartError):
    """A part could not be had or set up; the message says which, why, and how to get it."""


def run(
    command: Sequence[str | Path], *, what: str, env: Mapping[str, str] | None = None, **more: Any
) -> str:
    """Runs a command to its end and returns what it printed; `ServiceError` says `what` failed."""
    done = subprocess.run(
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
