"""The pages for providers say what there is: each button of the tutorial, each command, option and exit code of the tool."""

import re
from pathlib import Path

import pytest

from gadgets.rgadget.cli import parser
from gadgets.rgadget.out import Exit
from gadgets.rgadget.surroundings import PORT
from tests.architecture.tables import DOCS, REFERENCE, ROOT, codes, rows

TUTORIAL = DOCS / "tutorial" / "write-a-gadget.md"
TOOL = REFERENCE / "rgadget.md"


def commands(path: Path) -> set[str]:
    """Every `rgadget …` of a page's blocks, by its first word."""
    return set(re.findall(r"^\s*rgadget (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def known() -> dict[str, set[str]]:
    """Command → its own options."""
    (found,) = [
        action
        for action in parser("en")._actions
        if hasattr(action, "choices") and isinstance(action.choices, dict)
    ]
    return {
        name: {
            option for action in one._actions for option in action.option_strings if option.startswith("--")
        }
        for name, one in found.choices.items()  # type: ignore[union-attr]
    }


def test_every_command_and_option_of_the_tool_is_described() -> None:
    text = TOOL.read_text(encoding="utf-8")
    described = {codes(cells[0])[0].split()[1] for heading, cells in rows(TOOL) if heading == "Commands"}
    assert described == set(known())
    for name, options in known().items():
        for option in options - {"--help"}:
            assert f"`{option}" in text or f"{option} " in text, f"{name} {option}"
    assert str(PORT) in text


def test_every_exit_code_is_described() -> None:
    described = {int(cells[0]) for heading, cells in rows(TOOL) if heading == "Exit codes"}
    assert described == {int(code) for code in Exit}


@pytest.mark.parametrize(
    "path", [TUTORIAL, TOOL, ROOT / "examples" / "node" / "README.md"], ids=lambda path: path.stem
)
def test_no_page_types_a_command_that_is_not_there(path: Path) -> None:
    assert commands(path)
    assert commands(path) <= set(known())


@pytest.mark.parametrize("page", [TUTORIAL, TOOL, REFERENCE / "provider-api.md"], ids=lambda path: path.stem)
def test_every_word_that_is_to_be_pressed_is_a_word_of_the_portal_or_of_the_gadget(page: Path) -> None:
    sources = [
        path
        for package in ("portal", "gadgets", "identity")
        for suffix in ("*.html", "*.py", "*.txt")
        for path in (ROOT / package).rglob(suffix)
    ]
    texts = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for words in re.findall(r"「([^」]+)」", page.read_text(encoding="utf-8")):
        assert words.replace("22", "21") in texts, words
