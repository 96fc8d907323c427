"""Writes the theme of Keycloak's screens for a region: its names in the messages, its colours as a stylesheet."""

import re
import shutil
from pathlib import Path
from typing import Final

from core.region import current, theme
from core.region.region_file import read
from core.region.types import Region

SOURCE: Final = Path(__file__).resolve().parents[2] / "deploy" / "keycloak" / "themes" / "region"
COLOURS: Final = Path("login") / "resources" / "css" / "region-colours.css"
_PLACEHOLDER: Final = re.compile(r"\{\d\}")


def write(region: Region, target: Path) -> None:
    """Makes the folder `target`; `FileExistsError` when there is something already."""
    shutil.copytree(SOURCE, target)
    (target / COLOURS).write_text(theme.stylesheet(region), encoding="utf-8")
    sample = read(current.DEFAULT).portal_name
    for path in target.rglob("messages_*.properties"):
        language = path.stem.rpartition("_")[2]
        lines = path.read_text(encoding="utf-8").splitlines()
        made = [_named(line, sample[language], region.portal_name[language]) for line in lines]
        path.write_text("\n".join(made) + "\n", encoding="utf-8")


def _named(line: str, sample: str, name: str) -> str:
    # A backslash escapes in a properties file; where a line has placeholders, java.text.MessageFormat reads it, and
    # there an apostrophe and braces mean something too.
    escaped = name.replace("\\", "\\\\")
    if _PLACEHOLDER.search(line):
        escaped = re.sub(r"([{}]+)", r"'\1'", escaped.replace("'", "''"))
    return line.replace(sample, escaped)
