"""`bin/test` itself: it stops what it started, hands on the status, and takes no skipped test for a good one."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.run import ROOT
from demo.supervise import Launcher, wait_until
from tests.services.ports import is_free

RUN = [sys.executable, "-m", "tests.services", "run", "--"]


# This machine as it is before anything was started.
WITHOUT = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "TEST_DATABASE_TEMPLATE", "MADOGUCHI_SERVICES"), "")


def ports(addresses: Path) -> list[int]:
    return [urlsplit(line).port or 0 for line in addresses.read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_parts_and_what_ran_with_them(tmp_path: Path, number: signal.Signals) -> None:
    addresses = tmp_path / "addresses"
    script = f'echo "$DATABASE_URL $REDIS_URL" >{addresses}.part && mv {addresses}.part {addresses}; exec sleep 300'
    launcher = Launcher(tmp_path)
    runner = launcher.start("runner", [*RUN, "bash", "-c", script], env=WITHOUT, cwd=ROOT)
    try:
        wait_until(runner, addresses.exists, 120)
        started = ports(addresses)
        assert len(started) == 2
        assert not any(is_free(port) for port in started)
        # To the runner alone, as `kill` does; a terminal's Ctrl-C reaches every process and is the easier case.
        runner.process.send_signal(number)
        assert runner.process.wait(timeout=60) == 130
    finally:
        launcher.stop_all()
    assert all(is_free(port) for port in started)


def test_the_status_of_the_command_is_the_status_of_the_run() -> None:
    env = {
        **os.environ,
        "DATABASE_URL": "postgres://x@127.0.0.1:1/x",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run(
        [*RUN, "bash", "-c", "exit 7"],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 7
    assert "PostgreSQL: using DATABASE_URL from the environment" in done.stderr


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        ("def test_good():\n    assert True\n", 0, "1 passed"),
        ("import pytest\n\n@pytest.mark.skip\ndef test_later():\n    pass\n", 1, "no test may be skipped"),
        ("def helper():\n    pass\n", 5, "no tests ran"),
    ],
    ids=["good", "skipped", "none"],
)
def test_only_a_run_without_skips_is_good(tmp_path: Path, source: str, status: int, words: str) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.early", "-p", "tests.conftest", "-c", ROOT / "pyproject.toml",
         "--rootdir", tmp_path, "-p", "no:cacheprovider", "-q", "-n", "1", file],
        cwd=ROOT, env={**os.environ, **WITHOUT, "DEMO": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    assert words in done.stdout
