"""What the tool says, in the language of whoever works with it, and the trouble that ends a command."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from core.quoting import escaped
from core.texts import Texts
from gadgets.errors import DoorError, GadgetError, NotListedError, SchemaError
from gadgets.protocol.conformance_lines import Line

MARKS: Mapping[bool | None, str] = {True: "✔", False: "✘", None: "–"}


def _shown(text: str) -> str:
    """What others sent cannot steer the terminal, and can always be written."""
    return escaped(text, lines=True)


class Exit(IntEnum):
    """How a command ends; part of the tool's contract."""

    GOOD = 0
    FIX = 1
    USAGE = 2
    AWAY = 3


class ToolError(Exception):
    """Ends a command: what is wrong, what to do, and the exit code."""

    def __init__(self, code: Exit, message: Texts, remedy: Texts) -> None:
        super().__init__(message["en"])
        self.code, self.message, self.remedy = code, message, remedy


@dataclass(frozen=True, slots=True)
class Out:
    """Says everything in one language: reports on the standard output, trouble on the error output."""

    language: str

    def pick(self, texts: Texts) -> str:
        return texts.get(self.language) or texts["ja"]

    def say(self, ja: str, en: str) -> None:
        sys.stdout.write(_shown(en if self.language == "en" else ja) + "\n")
        sys.stdout.flush()

    def line(self, line: Line) -> None:
        """One line of a report, and below it what to do."""
        message = self.pick(line.message).replace("\n", "\n     ")
        sys.stdout.write(f"{MARKS[line.ok]} {line.number:>2} {self.pick(line.title)}: {_shown(message)}\n")
        if line.remedy:
            sys.stdout.write(f"     → {_shown(self.pick(line.remedy))}\n")
        sys.stdout.flush()

    def trouble(self, message: str, remedy: str = "") -> None:
        sys.stderr.write(f"✘ {_shown(message)}\n" + (f"  → {_shown(remedy)}\n" if remedy else ""))

    def error(self, error: GadgetError) -> Exit:
        """Tells an error of the gadget or of the way to it; returns the exit code that it stands for."""
        if isinstance(error, SchemaError):
            for problem in error.problems:
                self.trouble(f"{problem.path}: {self.pick(problem.message)}", self.pick(problem.remedy))
            return Exit.FIX
        if isinstance(error, DoorError):
            self.trouble(str(error) if self.language == "en" else error.provider_message)
            return Exit.AWAY
        if isinstance(error, NotListedError) and self.language == "en":
            self.trouble(
                f"{error.url} is not listed by its origin.",
                'Publish {"gadgets": ["' + error.url + '"]} at /.well-known/region-gadget.json.',
            )
            return Exit.FIX
        self.trouble(error.provider_message)
        return Exit.FIX
