"""How many homes a gadget stands on, how many hid it, how many agreed to it: counts, never a few, never a person.

Below `K_CLAIMS` people no number is said; above it counts are rounded to tens, and a share is said only of a base
that is large enough, so that no two figures together can single somebody out.
"""

from dataclasses import dataclass

from gadgets.models import Placement
from identity import queries as identity_queries
from identity.audience import K_CLAIMS


@dataclass(frozen=True, slots=True)
class Usage:
    """Each is None where it would be about fewer than `K_CLAIMS` people."""

    homes: int | None
    """Homes it was put on, to tens."""
    hidden_percent: int | None
    """Of all that have it or hid it, those that hid it, to fives."""
    agreed_percent: int | None
    """Of all that were asked, those that said yes to something, to fives."""


def of(gadget_id: str) -> Usage:
    """The figures of this moment."""
    rows = Placement.objects.filter(gadget_id=gadget_id)
    shown, hidden = rows.filter(hidden=False).count(), rows.filter(hidden=True).count()
    yes, answered = identity_queries.answers(gadget_id)
    return Usage(
        homes=_tens(shown),
        hidden_percent=_share(hidden, shown + hidden),
        agreed_percent=_share(yes, answered),
    )


def _tens(count: int) -> int | None:
    return None if count < K_CLAIMS else (count + 5) // 10 * 10


def _share(part: int, whole: int) -> int | None:
    """Steps of five percent; nothing where either side is small but not empty."""
    rest = whole - part
    if whole < K_CLAIMS or 0 < part < K_CLAIMS or 0 < rest < K_CLAIMS:
        return None
    return round(part * 20 / whole) * 5
