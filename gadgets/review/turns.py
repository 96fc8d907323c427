"""Whose turn it is in the review and the conversation about a gadget, and since when; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

OPERATOR, PROVIDER = "operator", "provider"
_ASKS: dict[str, str] = {
    "submitted": OPERATOR,
    "refused": PROVIDER,
    "suspended": PROVIDER,
    "warned": PROVIDER,
    "approved": "",
    "resumed": "",
    "retired": "",
}
"""Who has the next word after a decision; nobody where it is settled. What is not here changes nothing."""
_ANSWERS = {OPERATOR: PROVIDER, PROVIDER: OPERATOR}


class Note(Protocol):
    """One line of the record."""

    @property
    def decision(self) -> str: ...
    @property
    def side(self) -> str: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """`side` (operator or provider) is waited for since `since`."""

    side: str
    since: datetime


def turn(notes: Iterable[Note]) -> Turn | None:
    """From the notes, the newest first. Several words of one side in a row wait since the first of them."""
    found: Turn | None = None
    for note in notes:
        side = _ANSWERS.get(note.side, "") if note.decision == "message" else _ASKS.get(note.decision)
        if side is None:
            continue
        if found is None and not side:
            return None
        if found is not None and side != found.side:
            break
        found = Turn(side, note.at)
    return found
