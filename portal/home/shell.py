"""A piece of HTML drawn once and cut at its slots; filling it is joining strings; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Private-use characters: no keyboard writes them, and HTML escaping leaves them alone.
_OPEN, _CLOSE = "\ue000", "\ue001"
_SLOT = re.compile(f"{_OPEN}([a-z_]+){_CLOSE}")


def slot(name: str) -> str:
    """The mark that a template leaves where something is filled in for each request."""
    return f"{_OPEN}{name}{_CLOSE}"


def clean(text: str) -> str:
    """Text from outside without marks, so that it can open no slot."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


@dataclass(frozen=True, slots=True)
class Shell:
    """Fixed pieces at even places, names of slots at odd ones."""

    pieces: tuple[str, ...]

    @classmethod
    def cut(cls, html: str) -> "Shell":
        """Cut drawn HTML at its marks."""
        return cls(tuple(_SLOT.split(html)))

    def fill(self, values: Mapping[str, str]) -> str:
        """The HTML with every slot filled; KeyError for a slot without a value."""
        if len(self.pieces) == 1:
            return self.pieces[0]
        filled = list(self.pieces)
        for place in range(1, len(filled), 2):
            filled[place] = values[filled[place]]
        return "".join(filled)
