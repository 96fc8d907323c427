"""`bin/demo` as a newcomer meets it: clear words when it cannot start, nothing left when it ends."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.region.current import DEFAULT
from demo import run as demo
from demo.supervise import Launcher, Running, wait_until
from tests.services.ports import free_ports, is_free
from tests.sites import Site

ROOT = demo.ROOT
COMMAND = ROOT / "bin" / "demo"
INVENTED = ROOT / "demo" / "regions" / "minamo.toml"
HIGHEST = 65535 - len(demo.PROVIDERS)
PORTS = len(demo.PROVIDERS) + 1


def run_demo(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        env={**os.environ, "VAR_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("distance", "who"), [(0, "the portal"), (2, "the provider lunch")])
def test_a_busy_port_is_named_with_the_flag_that_helps(tmp_path: Path, distance: int, who: str) -> None:
    port = free_ports(PORTS)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", port + distance))
        busy.listen()
        done = run_demo("--port", str(port), folder=tmp_path)
    assert done.returncode == 1
    assert f"port {port + distance} is in use, and {who} needs it" in done.stdout
    assert f"bin/demo --port {port + 100}" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "db.sqlite3").exists()


@pytest.mark.parametrize("port", ["0", str(HIGHEST + 1), "eighty", "-1"])
def test_a_port_that_cannot_be_is_refused(tmp_path: Path, port: str) -> None:
    done = run_demo(f"--port={port}", folder=tmp_path)
    assert done.returncode == 2
    assert f"a port is a number from 1 to {HIGHEST}" in done.stderr


def test_reset_removes_nothing_that_no_demo_made(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")
    done = run_demo("--reset", "--port", str(free_ports(PORTS)), folder=tmp_path)
    assert done.returncode == 1
    assert "holds no demo" in done.stdout
    assert precious.read_text() == "years of work"


def test_a_region_file_that_cannot_be_used_is_named_before_anything_starts(tmp_path: Path) -> None:
    wrong = tmp_path / "region.toml"
    wrong.write_text('id = "x"')
    done = run_demo("--region", str(wrong), "--port", str(free_ports(PORTS)), folder=tmp_path / "var")
    assert done.returncode == 1
    assert f"REGION_FILE: {wrong}: code: is missing" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "var").exists()


def test_a_folder_keeps_one_region(tmp_path: Path) -> None:
    (tmp_path / "db.sqlite3").touch()
    done = run_demo("--region", str(INVENTED), "--port", str(free_ports(PORTS)), folder=tmp_path)
    assert done.returncode == 1
    assert "are of the region takamatsu" in done.stdout
    assert f"bin/demo --region {INVENTED} --port" in done.stdout
    (tmp_path / "region").write_text(f"{tmp_path}/gone.toml\n")
    done = run_demo("--region", str(INVENTED), "--port", str(free_ports(PORTS)), folder=tmp_path)
    assert done.returncode == 1
    assert "of a region whose file is gone" in done.stdout


def test_the_settings_of_a_demo_name_the_region_of_its_data(tmp_path: Path) -> None:
    made = demo.Demo(port=demo.DEFAULT_PORT, folder=tmp_path)
    assert made.environment()["REGION_FILE"] == str(DEFAULT)
    (tmp_path / "region").write_text(f"{INVENTED}\n")
    assert made.environment()["REGION_FILE"] == str(INVENTED)


def test_a_machine_without_python_3_11_is_told_what_to_install(tmp_path: Path) -> None:
    other = tmp_path / "bin"
    other.mkdir()
    for name in ("python3.11", "python3", "python"):
        (other / name).write_text("#!/bin/sh\necho 3.9\n")
        (other / name).chmod(0o755)
    for name in ("dirname", "sed", "env", "id"):
        (other / name).symlink_to(shutil.which(name) or name)
    script = f". {ROOT}/bin/_env.sh; VENV={tmp_path}/venv; make_venv run"
    done = subprocess.run(
        ["/bin/bash", "-c", script], env={"PATH": str(other)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Python 3.11 is needed" in done.stderr
    assert "python3 is 3.9" in done.stderr
    assert "apt-get install python3" in done.stderr
    assert not (tmp_path / "venv").exists()


@dataclass
class Second:
    """Another demo, started on a copy of what the first one keeps."""

    running: Running
    port: int
    folder: Path
    seconds: float

    def says(self, words: str) -> bool:
        return words in self.running.log.read_text()

    def listeners(self) -> list[int]:
        return [port for port in range(self.port, self.port + 4) if not is_free(port)]


def start_on_a_copy(of: Site, folder: Path) -> Iterator[Second]:
    for name in ("secrets.env", "migrated", "seeded", "providers.json"):
        shutil.copy(of.folder / name, folder / name)
    with (
        closing(sqlite3.connect(of.folder / "db.sqlite3")) as old,
        closing(sqlite3.connect(folder / "db.sqlite3")) as new,
    ):
        old.backup(new)
    launcher = Launcher(folder)
    port = free_ports(PORTS)
    begun = time.monotonic()
    running = launcher.start("demo", [COMMAND, "--port", str(port)], env={"VAR_DIR": str(folder)})
    try:
        wait_until(running, lambda: "ready" in running.log.read_text().splitlines(), 120)
        yield Second(running, port, folder, time.monotonic() - begun)
    finally:
        launcher.stop_all()


@pytest.fixture(scope="module")
def second(demo_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Second]:
    """One that stays whole for several tests, in whatever order they come."""
    yield from start_on_a_copy(demo_site, tmp_path_factory.mktemp("second"))


@pytest.fixture
def doomed(demo_site: Site, tmp_path: Path) -> Iterator[Second]:
    """One that the test ends, or a part of it."""
    yield from start_on_a_copy(demo_site, tmp_path)


def test_a_second_start_keeps_the_data_and_is_quick(second: Second) -> None:
    assert second.says("using the data kept in")
    assert not second.says("first start")
    assert second.seconds < 40, "seconds on a quiet machine; this one runs another worker"
    assert len(second.listeners()) == 4
    for account in ("hanako", "taro", "operator", "madoguchi-demo"):
        assert second.says(account)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process(doomed: Second, number: signal.Signals) -> None:
    doomed.running.process.send_signal(number)
    assert doomed.running.process.wait(timeout=30) == 0
    assert doomed.says("stopping")
    assert doomed.listeners() == []


def test_nothing_is_left_when_the_supervisor_is_killed(doomed: Second) -> None:
    doomed.running.process.kill()
    doomed.running.process.wait(timeout=10)
    until = time.monotonic() + 20
    while doomed.listeners() and time.monotonic() < until:
        time.sleep(0.1)
    assert doomed.listeners() == []


def test_a_provider_that_ends_is_named_and_the_portal_stays(doomed: Second) -> None:
    neighbour = Site(
        mode="demo",
        portal_url=f"http://portal.region.localhost:{doomed.port}",
        id_url="",
        issuer="",
        discovery_url="",
        folder=doomed.folder,
        launcher=Launcher(doomed.folder),
        port=doomed.port,
    )
    neighbour.kill("lunch")
    wait_until(doomed.running, lambda: doomed.says("the provider lunch ended"), 10)
    assert neighbour.get(neighbour.portal_url + "/").status_code == 200


def test_two_demos_do_not_share_one_database(second: Second) -> None:
    done = run_demo("--port", str(free_ports(PORTS)), folder=second.folder)
    assert done.returncode == 1
    assert "is running already" in done.stdout
