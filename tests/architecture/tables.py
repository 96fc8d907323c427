"""Reads the tables of a page of the documentation: rows of cells, with their heading."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
_HEADING = re.compile(r"#+ (.*)")


def rows(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(heading above, cells) of every row of every table, without header rows and rulers."""
    heading, lines = "", path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        found = _HEADING.fullmatch(line)
        if found:
            heading = found[1]
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not line.startswith("|--") and not following.startswith("|--"):
            yield heading, tuple(cell.strip() for cell in line.strip("|").split("|"))


def codes(cell: str) -> list[str]:
    """What stands between backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def first_codes(path: Path, heading: str = "") -> list[str]:
    """The code in the first cell of each row (below `heading`, when given)."""
    return [
        code for under, cells in rows(path) if not heading or under == heading for code in codes(cells[0])[:1]
    ]
