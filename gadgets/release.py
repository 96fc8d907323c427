"""What may leave to a gadget at this moment, and the note of it: read and written in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from gadgets.cards.card_store import wanted_for
from gadgets.types import Wanted
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.queries import Bundle

TRIES = 3
"""So often a request is made anew because what is granted changed under it."""


class GrantChangedError(Exception):
    """What is granted now is not what the request was made for: nothing was noted, and nothing may leave."""


def as_granted_now(wanted: Wanted) -> Wanted:
    """The same card for what the resident grants at this moment; public when nothing is left."""
    if wanted.level == "none":
        return wanted
    return _as_granted(wanted, identity_queries.bundle(wanted.resident_id) if wanted.resident_id else None)


def _as_granted(wanted: Wanted, bundle: Bundle | None) -> Wanted:
    now = wanted_for(
        wanted.gadget,
        bundle=bundle,
        locale=wanted.locale,
        size=wanted.size,
        settings=wanted.settings,
        cells=wanted.cells,
    )
    added = set(now.granted) - set(wanted.granted)
    if not added or now.level == "none":
        return now
    # A claim that the page left out (a small cell) stays out.
    claims = {name: value for name, value in now.claims.items() if name not in added}
    return replace(now, granted=tuple(name for name in now.granted if name not in added), claims=claims)


def note(wanted: Wanted, *, via: str, items: Sequence[str] | None = None) -> None:
    """Writes down that this leaves, if it is still what the resident grants; else raises GrantChangedError.

    `items`: what leaves where that is less than all claims. Call it just before sending; a withdrawal that comes
    later comes after this release in the resident's sequence.
    """
    if wanted.level == "none" or wanted.resident_id is None:
        return
    names = named(wanted) if items is None else tuple(items)

    def decide(bundle: Bundle | None) -> Sequence[str]:
        now = _as_granted(wanted, bundle)
        if (now.granted, now.claims) != (wanted.granted, wanted.claims):
            raise GrantChangedError
        return names

    identity_actions.release(
        resident_id=wanted.resident_id, recipient=wanted.gadget.id, via=via, decide=decide
    )


def named(wanted: Wanted) -> tuple[str, ...]:
    """The items that leave with it; where no value is known, the names alone."""
    return tuple(wanted.claims) or wanted.granted
