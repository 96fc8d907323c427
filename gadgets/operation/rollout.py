"""Which version of a gadget a resident gets, and what they are asked for it; pure.

While a version is rolled out, a share of the residents has it: who has it at 5 % still has it at 25 %, and guests get
it last. A version that asks for more than the one before waits for the answer: until then, and for 90 days at most,
whoever had agreed to the one before keeps it, with what they agreed to.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID

from core.texts import Texts
from gadgets.release import granted_claims
from gadgets.review.comparison import terms_hold
from gadgets.types import ClaimSpec, GadgetInfo

if TYPE_CHECKING:
    from identity.queries import Bundle

EARLIER_DAYS = timedelta(days=90)
"""So long an unanswered question leaves the version before in its place."""
SHARES = (5, 25, 50, 100)
"""The steps of a roll-out, in percent."""
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Earlier:
    """The version before: for those outside of `share` percent, and until `until` for those who owe an answer."""

    gadget: GadgetInfo
    share: int = WHOLE
    until: datetime | None = None


NONE_EARLIER: Mapping[str, Earlier] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Choice:
    """What one reader gets: the version that is shown, and the one that may be asked about."""

    shown: GadgetInfo
    asks: GadgetInfo = field(kw_only=True)


def choose(new: GadgetInfo, earlier: Earlier | None, *, bundle: "Bundle | None", now: datetime) -> Choice:
    """Both versions for this reader; the same in almost all cases. A guest has no `bundle`."""
    if earlier is None:
        return Choice(new, asks=new)
    old = earlier.gadget
    if earlier.share < WHOLE and (
        bundle is None or not in_share(bundle.id, new.id, new.version, earlier.share)
    ):
        return Choice(old, asks=old)
    waits = bundle is not None and earlier.until is not None and now < earlier.until
    if waits and bundle is not None and personal(old, bundle) and owes(new, bundle):
        return Choice(old, asks=new)
    return Choice(new, asks=new)


def in_share(resident_id: UUID, gadget_id: str, version: str, share: int) -> bool:
    """Whether the resident is among the first `share` percent for this version; the same at every call."""
    named = f"{gadget_id} {version} {resident_id}".encode()
    return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big") % WHOLE < share


def personal(gadget: GadgetInfo, bundle: "Bundle") -> bool:
    """Whether what the resident granted is enough for this version's personal form."""
    held = granted_claims(gadget, bundle)
    return bool(held) and all(claim.name in held for claim in gadget.claims if claim.required)


def outdated(gadget: GadgetInfo, bundle: "Bundle") -> tuple[ClaimSpec, ...]:
    """What was granted in another way than this version asks for it: to be asked anew."""
    granted = bundle.grants.get(gadget.id)
    if not granted or gadget.identity == "none":
        return ()
    held = granted_claims(gadget, bundle)
    return tuple(claim for claim in gadget.claims if claim.name in granted and claim.name not in held)


def owes(gadget: GadgetInfo, bundle: "Bundle") -> bool:
    """Whether the resident has yet to answer what this version asks of everybody."""
    if outdated(gadget, bundle):
        return True
    decided = bundle.decided.get(gadget.id, {})
    return any(claim.required and claim.name not in decided for claim in gadget.claims)


def question(gadget: GadgetInfo, bundle: "Bundle") -> tuple[ClaimSpec, ...]:
    """What to ask the resident unbidden: what was never decided and has a value, and what must be asked anew.

    What came as an option after the resident had decided is asked only when they look for it themselves.
    """
    if gadget.identity == "none" or bundle.protected:
        return ()
    decided = bundle.decided.get(gadget.id, {})
    again = outdated(gadget, bundle)
    if not again and all(claim.name in decided for claim in gadget.claims):
        return ()
    return tuple(
        claim
        for claim in gadget.claims
        if claim in again
        or (
            claim.name not in decided
            and claim.name in bundle.attributes
            and not _came_as_option(claim, gadget, bundle)
        )
    )


def _came_as_option(claim: ClaimSpec, gadget: GadgetInfo, bundle: "Bundle") -> bool:
    terms = bundle.terms.get(gadget.id, {}).values()
    if claim.required or not terms or any(terms_hold(given, claim.terms) for given in terms):
        return False
    return not any(name == claim.name for one in gadget.news for name, _ in one.changes)


def news(gadget: GadgetInfo, bundle: "Bundle", names: tuple[str, ...]) -> tuple[Texts, ...]:
    """What changed since the resident decided, in words, about the claims of this question."""
    terms = bundle.terms.get(gadget.id)
    if not terms or not gadget.news:
        return ()
    again = {claim.name for claim in outdated(gadget, bundle)}
    since = [given for name, given in terms.items() if name in again] or list(terms.values())
    return tuple(
        text
        for one in gadget.news
        if not all(terms_hold(given, one.version) for given in since)
        for claim, text in one.changes
        if not claim or claim in names
    )
