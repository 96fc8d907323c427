"""What no log may hold: tokens, addresses, names, passwords; looks for them and never repeats what it found."""

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from demo.cast import CAST

NAMES = tuple(person.display_name for person in CAST.values())
PASSWORDS = (*{person.password for person in CAST.values()}, "kurashi-no-madoguchi")
FORBIDDEN = {
    "a token": re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}"),
    "a bearer token": re.compile(r"Bearer\s+[\w.~+/-]{16,}"),
    "a code or token in an address": re.compile(
        r"[?&](?:code|id_token_hint|logout_token|session_state)=[\w.-]+"
    ),
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}"),
    "a network address": re.compile(
        r"(?<![\d.])(?<!Quarkus )(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
    ),
    "somebody's name": re.compile("|".join(map(re.escape, NAMES))),
    "a password": re.compile("|".join(map(re.escape, PASSWORDS))),
    "somebody's district": re.compile(r"busshozan|仏生山"),
}


def found_in(lines: Iterable[str]) -> Iterator[str]:
    """ "line 12: a token", for each line and kind."""
    for number, line in enumerate(lines, 1):
        for kind, pattern in FORBIDDEN.items():
            if pattern.search(line):
                yield f"line {number}: {kind}"


def found_below(folder: Path) -> list[str]:
    """The same for every file *.log below `folder`, with its name."""
    found = []
    for path in sorted(folder.rglob("*.log")):
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [f"{path.relative_to(folder)}, {one}" for one in found_in(text)]
    return found


class Watch(logging.Handler):
    """Listens to every logger of this process and remembers the kinds of what must not be there."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        self._formatter = logging.Formatter("%(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        """Formats as a file would, with the trace of an exception."""
        text = self._formatter.format(record)
        self.found += [f"{record.name}, {one}" for one in found_in(text.splitlines())]
