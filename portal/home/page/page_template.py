"""A piece of HTML drawn once and cut at its slots; filling it is joining strings; pure."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

# Private-use characters: HTML escaping leaves them alone. The number is of this process alone, so that a text
# from outside that holds the characters (a provider's name, a purpose) still opens no slot.
_OPEN, _CLOSE = "\ue000", "\ue001"
_OURS = secrets.token_hex(8)
_SLOT = re.compile(f"{_OPEN}{_OURS}([a-z_]+){_CLOSE}")


def slot(name: str) -> str:
    """The mark that a template leaves where something is filled in for each request."""
    return f"{_OPEN}{_OURS}{name}{_CLOSE}"


def clean(text: str) -> str:
    """Text from outside without the characters of marks, which no font draws."""
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
