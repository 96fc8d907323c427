"""The rule of disclosure: what a gadget may learn about a resident at this moment.

Card, form, frame, query and claims endpoint ask `disclosable`, and nothing else decides. The rule is pure;
`gadgets.disclosure.record` applies it once more in the transaction that writes the disclosure down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from core.disclosure import SMALL_CELL
from gadgets.review.comparison import terms_hold
from gadgets.types import GadgetInfo, Value, canonical, plain
from identity.domain.consent import covers

if TYPE_CHECKING:
    from identity.queries import Bundle


@dataclass(frozen=True, slots=True)
class Disclosure:
    """`granted`: claims that may leave, in the manifest's order; `claims`: the values of those that are known.

    `too_few`: granted claims that stay here because too few residents share the combination.
    """

    granted: tuple[str, ...] = ()
    claims: Mapping[str, Value] = field(default_factory=dict)
    too_few: tuple[str, ...] = ()


NOTHING = Disclosure()


def disclosable(
    gadget: GadgetInfo | None, bundle: "Bundle | None", *, cells: Mapping[str, int] | None = None
) -> Disclosure:
    """What `gadget` may learn about the resident of `bundle`.

    gadget: the published version that this resident gets; None when none is (suspended, withdrawn, never approved).
    bundle: None for a guest and for a closed account.
    cells: residents for each combination of claims (`claims_key`); at level `audience` a cell under SMALL_CELL drops
    optional claims, the last of the manifest first, and then everything. None means uncounted: nothing is dropped.
    """
    if gadget is None or bundle is None or bundle.protected:
        return NOTHING
    if gadget.identity == "none" or not gadget.serves(bundle.home_region):
        return NOTHING
    if gadget.identity == "pairwise" and not gadget.client_id:
        return NOTHING  # without a client there is no pseudonym to disclose under
    granted = granted_claims(gadget, bundle)
    claims = {name: bundle.attributes[name] for name in granted if name in bundle.attributes}
    if not granted or any(claim.required and claim.name not in claims for claim in gadget.claims):
        return NOTHING
    if gadget.identity != "audience" or cells is None:
        return Disclosure(granted, claims)
    return _in_large_cells(gadget, granted, claims, cells)


def disclosable_to_site(gadget: GadgetInfo | None, bundle: "Bundle | None") -> Disclosure:
    """The same for the provider's own site, which knows the resident by a pseudonym: only at level `pairwise`."""
    return disclosable(gadget, bundle) if gadget is not None and gadget.identity == "pairwise" else NOTHING


def granted_claims(gadget: GadgetInfo, bundle: "Bundle") -> tuple[str, ...]:
    """The claims that the resident granted to this version: at its level or above, and under its terms."""
    granted = bundle.grants.get(gadget.id)
    if not granted:
        return ()
    levels, terms = bundle.levels.get(gadget.id, {}), bundle.terms.get(gadget.id, {})
    return tuple(
        claim.name
        for claim in gadget.claims
        if claim.name in granted
        and covers(levels.get(claim.name, "none"), gadget.identity)
        and terms_hold(terms.get(claim.name, ""), claim.terms)
    )


def _in_large_cells(
    gadget: GadgetInfo, granted: tuple[str, ...], claims: dict[str, Value], cells: Mapping[str, int]
) -> Disclosure:
    optional = [claim.name for claim in gadget.claims if not claim.required and claim.name in granted]
    too_few: list[str] = []
    # A combination without any value identifies nobody, so it needs no count.
    while claims and cells.get(_cell(tuple(claims.items())), 0) < SMALL_CELL:
        if not optional:
            return Disclosure(too_few=granted)
        too_few.append(optional.pop())
        claims = {name: value for name, value in claims.items() if name not in too_few}
    return Disclosure(
        tuple(name for name in granted if name not in too_few),
        claims,
        tuple(name for name in granted if name in too_few),
    )


@lru_cache(maxsize=4096)
def _cell(claims: tuple[tuple[str, Value], ...]) -> str:
    """Cached, because a home asks for each of its cards and many residents share the claims."""
    return claims_key(dict(claims))


def claims_key(claims: Mapping[str, Value]) -> str:
    """The canonical form of a combination of claims."""
    return canonical({name: plain(value) for name, value in claims.items()})
