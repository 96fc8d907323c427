"""The wheel with the extra `rgadget` alone, in an empty environment: light, whole, and good for a provider's first hour."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest

from demo.supervise import Launcher, wait_until
from tests.architecture.tables import ROOT
from tests.services.ports import free_ports, is_free

PACKAGES = ("portal", "gadgets", "identity", "recommender", "core")
HEAVY = {"wagtail", "celery", "numpy", "psycopg", "redis", "django-allauth", "python-keycloak", "granian"}
pytestmark = [pytest.mark.site, pytest.mark.xdist_group("rgadget_wheel")]


def run(command: Sequence[str | Path], cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A command in a shell that owes nothing to this one's Python."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "DJANGO", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=kept | env, capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built from a copy: setuptools leaves its `build` folder there, not here."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    done = run([_uv(), "build", "--quiet", "--wheel", "--out-dir", out], copy)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    return built


def _uv() -> Path:
    return Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an empty environment into which the wheel was put with its extra."""
    place = tmp_path_factory.mktemp("environment") / "venv"
    for command in (
        [_uv(), "venv", "--quiet", "--python", sys.executable, place],
        [
            _uv(),
            "pip",
            "install",
            "--quiet",
            "--python",
            place / "bin" / "python",
            f"madoguchi[rgadget] @ {wheel.as_uri()}",
        ],
    ):
        done = run(command, place.parent)
        assert done.returncode == 0, done.stderr
    return place / "bin"


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an empty environment into which the wheel was put without any extra."""
    python = tmp_path_factory.mktemp("bare") / "venv" / "bin" / "python"
    for command in (
        [_uv(), "venv", "--quiet", "--python", sys.executable, python.parent.parent],
        [_uv(), "pip", "install", "--quiet", "--python", python, f"madoguchi @ {wheel.as_uri()}"],
    ):
        done = run(command, python.parent.parent.parent)
        assert done.returncode == 0, done.stderr
    return python


@pytest.fixture
def provider(installed: Path, bare: Path, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """What `rgadget init` wrote, running as it was written, where the wheel has no extra.

    The address of its manifest and the mock portal's port.
    """
    port = free_ports(2)
    portal = port + 1
    done = run(
        [installed / "rgadget", "init", "parks", "--origin", f"http://parks.localhost:{port}"], tmp_path
    )
    assert done.returncode == 0, done.stderr
    launcher = Launcher(tmp_path)
    try:
        running = launcher.start(
            "provider",
            [bare, "parks/provider.py"],
            env={"PORTAL_URL": f"http://portal.localhost:{portal}"},
            cwd=tmp_path,
        )
        wait_until(running, lambda: not is_free(port), 30)
        yield f"http://parks.localhost:{port}/gadget.json", portal
    finally:
        launcher.stop_all()


def test_the_extra_is_light(installed: Path) -> None:
    done = run(
        [_uv(), "pip", "list", "--quiet", "--format", "json", "--python", installed / "python"], installed
    )
    names = {one["name"] for one in json.loads(done.stdout)}
    assert {"madoguchi", "django", "joserfc", "requests", "rfc8785"} <= names
    assert not names & HEAVY
    assert len(names) < 30, sorted(names)


def test_what_init_writes_passes_every_check_unchanged(
    installed: Path, provider: tuple[str, int], tmp_path: Path
) -> None:
    url, port = provider
    command = [
        installed / "rgadget",
        "test",
        url,
        "--port",
        str(port),
        "--report",
        "report.json",
        "--language",
        "en",
    ]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✘" not in done.stdout
    numbers = {line["number"] for line in json.loads((tmp_path / "report.json").read_text())["lines"]}
    assert numbers == set(range(1, 15))
    signed = run(
        [installed / "rgadget", "sign", url, "--report", "report.json", "--out", "p.rgadget"], tmp_path
    )
    assert signed.returncode == 0, signed.stderr
    checked = run(
        [installed / "rgadget", "validate", "p.rgadget", "--keys", ".rgadget/provider-key.jwks.json"],
        tmp_path,
    )
    assert checked.returncode == 0, checked.stderr


def test_the_wheel_holds_the_data_of_every_package(wheel: Path) -> None:
    held = set(ZipFile(wheel).namelist())
    missing = [
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc", ".po"}
        and str(path.relative_to(ROOT)) not in held
    ]
    assert missing == []


def test_without_the_extra_the_command_says_what_to_install(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "venv"
    for command in (
        [_uv(), "venv", "--quiet", "--python", sys.executable, place],
        [_uv(), "pip", "install", "--quiet", "--no-deps", "--python", place / "bin" / "python", wheel],
    ):
        assert run(command, tmp_path).returncode == 0
    done = run([place / "bin" / "rgadget", "init", "parks"], tmp_path)
    assert done.returncode == 2
    assert "pip install 'madoguchi[rgadget]'" in done.stderr
