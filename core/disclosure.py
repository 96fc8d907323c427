"""How few residents a figure may be about before it could point at one of them."""

SMALL_CELL = 20
"""Fewest residents who may share a combination of claims, a learned cell, or a figure that anybody is shown."""


def to_tens(count: int) -> int:
    """Rounded half up, so that one resident more or less does not show."""
    return (count + 5) // 10 * 10


def shown(count: int, *, least: int = SMALL_CELL) -> int | None:
    """The count as it may be shown: None under `least`, else in tens."""
    return to_tens(count) if count >= least else None
