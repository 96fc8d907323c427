"""Whose turn it is, from the record alone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from gadgets.review.turns import turn

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    decision: str
    side: str
    at: datetime


def notes(*said: str) -> list[Said]:
    """`decision side`, the oldest first, an hour apart; as the record gives them, the newest first."""
    made = []
    for number, one in enumerate(said):
        decision, side = one.split()
        made.append(Said(decision, side, NOW + timedelta(hours=number)))
    return made[::-1]


@pytest.mark.parametrize(
    ("said", "side", "hours"),
    [
        (("registered provider", "submitted provider"), "operator", 1),
        (("submitted provider", "message provider", "message provider"), "operator", 0),
        (("submitted provider", "message operator"), "provider", 1),
        (("message operator", "message provider", "message provider"), "operator", 1),
        (("approved operator", "message provider", "rotated provider"), "operator", 1),
        (("submitted provider", "refused operator", "checked machine"), "provider", 1),
        (("suspended machine",), "provider", 0),
        (("suspended operator", "message provider"), "operator", 1),
    ],
)
def test_who_is_waited_for_and_since_when(said: tuple[str, ...], side: str, hours: int) -> None:
    found = turn(notes(*said))
    assert found is not None
    assert (found.side, found.since) == (side, NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    "said",
    [
        (),
        ("registered provider", "checked machine"),
        ("submitted provider", "approved operator"),
        ("suspended operator", "message provider", "resumed operator"),
        ("message machine",),
    ],
)
def test_nobody_is_waited_for(said: tuple[str, ...]) -> None:
    assert turn(notes(*said)) is None
