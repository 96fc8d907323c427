"""Records what leaves to a gadget, in the transaction that reads the grant: card, form, query and frame."""

from collections.abc import Sequence
from dataclasses import replace

from gadgets.cards.card_store import disclosed, public_of
from gadgets.registry import registry
from gadgets.types import Wanted
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.queries import Bundle

ATTEMPTS = 3
"""How often a request is made anew because the grant changed while it was prepared."""


class GrantChangedError(Exception):
    """The grant is no longer what the request was made for: nothing was recorded, and nothing may leave."""


def as_granted_now(wanted: Wanted) -> Wanted:
    """The same card for what the resident grants at this moment; public when nothing is left."""
    if wanted.level == "none":
        return wanted
    return _as_granted(wanted, identity_queries.bundle(wanted.resident_id) if wanted.resident_id else None)


def _as_granted(wanted: Wanted, bundle: Bundle | None) -> Wanted:
    if wanted.gadget.id not in registry().gadgets:  # suspended or withdrawn since the page was made
        return public_of(wanted) or wanted
    now = disclosed(wanted, bundle, wanted.cells)
    added = set(now.granted) - set(wanted.granted)
    if not added or now.level == "none":
        return now
    # A claim that the page left out (a small cell) stays out.
    claims = {name: value for name, value in now.claims.items() if name not in added}
    return replace(now, granted=tuple(name for name in now.granted if name not in added), claims=claims)


def record(wanted: Wanted, *, via: str, items: Sequence[str] | None = None) -> None:
    """Records that this leaves, if it is still what the resident grants; else raises GrantChangedError.

    `items`: what leaves, where that is less than all claims. Call it just before sending: a later withdrawal then
    follows this disclosure in the resident's sequence.
    """
    if wanted.level == "none" or wanted.resident_id is None:
        return
    names = item_names(wanted) if items is None else tuple(items)

    def decide(bundle: Bundle | None) -> Sequence[str]:
        now = _as_granted(wanted, bundle)
        if (now.granted, now.claims) != (wanted.granted, wanted.claims):
            raise GrantChangedError
        return names

    identity_actions.release(
        resident_id=wanted.resident_id, recipient=wanted.gadget.id, via=via, decide=decide
    )


def item_names(wanted: Wanted) -> tuple[str, ...]:
    """The items that leave with it; where no value is known, the names alone."""
    return tuple(wanted.claims) or wanted.granted
