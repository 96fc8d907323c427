"""Commands of the documentation run as they are typed: after `bin/demo` without any settings, and never so in a city."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from demo import run as demo
from tests.sites import Site

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
# A city's own commands have a city's settings.
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.name != "run-in-a-city.md"
]


def documented() -> Iterator[tuple[str, list[str]]]:
    """Every `manage.py` line of a block of shell commands: the page and the words of the command."""
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                if "manage.py" in line and not line.startswith("#"):
                    yield page.name, shlex.split(line)


COMMANDS = list(documented())


def test_there_are_commands_to_type() -> None:
    assert len(COMMANDS) > 12
    assert {words[0] for _, words in COMMANDS} == {".venv/bin/python"}


@pytest.mark.parametrize(
    ("page", "words"), COMMANDS, ids=lambda found: " ".join(found[2:4]) if isinstance(found, list) else None
)
def test_every_documented_command_has_these_options(page: str, words: list[str]) -> None:
    name, *arguments = words[2:]
    if name == "help":
        return
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)


# --- whose settings ----------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the program's folder as links, with what `bin/demo` leaves."""
    for entry in ROOT.iterdir():
        if entry.name not in {"var", "manage.py", ".git"}:
            (tmp_path / entry.name).symlink_to(entry)
    shutil.copy(ROOT / "manage.py", tmp_path)
    folder = tmp_path / "var" / "demo"
    folder.mkdir(parents=True)
    demo.Demo(port=demo.DEFAULT_PORT, folder=folder).secrets()
    return tmp_path


def test_a_shell_without_settings_gets_those_of_the_demo(tree: Path) -> None:
    for given in ({}, {"DEMO": "1"}, {"PATH": "/bin", "HOME": "/root"}):
        found = demo.command_environment(given, tree)
        assert (found["DEMO"], found["VAR_DIR"]) == ("1", str(tree / "var" / "demo"))


def test_with_one_setting_of_a_city_it_gets_none(tree: Path) -> None:
    names = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(names) > 20
    for name in {*names, "DJANGO_SETTINGS_MODULE", "VAR_DIR"} - {"DEMO", "CHROMIUM"}:
        assert demo.command_environment({name: "x"}, tree) == {}, name
    assert demo.command_environment({"DEMO": "0"}, tree) == {}


def test_without_a_demo_there_is_nothing_to_take(tmp_path: Path) -> None:
    assert demo.command_environment({}, tmp_path) == {}
    assert not (tmp_path / "var").exists()


def typed(tree: Path, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """As in a new shell: nothing in it but where programs are."""
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=tree, capture_output=True, text=True, timeout=timeout, check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"},
    )  # fmt: skip


def test_a_command_runs_as_it_is_typed_and_says_whose_settings_it_has(tree: Path) -> None:
    done = typed(tree, "check")
    assert done.returncode == 0, done.stderr
    assert f"manage.py: the demo in {tree}/var/demo" in done.stderr
    shutil.rmtree(tree / "var")
    done = typed(tree, "check")
    assert done.returncode != 0
    assert "is not set" in done.stderr


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_every_documented_command_is_typed(tree: Path, demo_site: Site) -> None:
    shutil.rmtree(tree / "var" / "demo")
    (tree / "var" / "demo").symlink_to(demo_site.folder)
    for page, words in COMMANDS:
        done = typed(tree, *words[2:], timeout=3600)
        assert "Traceback" not in done.stderr, (page, words)
        # A command may refuse what the documentation's sample data does not hold, in a sentence of its own.
        assert done.returncode == 0 or done.stderr.strip().splitlines()[-1], (page, words)
