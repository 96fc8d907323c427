"""Erasure at providers: asks each what it keeps of a resident, orders it to forget, and tells what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from gadgets.types import Texts

CHECK_SECONDS = 3.0
"""How long a provider has for the dry run, while a person waits."""

State = Literal["answered", "waiting", "not_confirmed", "silent", "no_endpoint"]
"""answered: the provider said what it keeps (dry run) or that it has erased (order); waiting: told again until it
answers; not_confirmed: 30 days without an answer; silent: no good answer to the dry run; no_endpoint: the gadget
knows a pseudonym and takes no events, so that the resident has to write to the provider."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that a provider must keep although it was asked to erase, and why; in the provider's words."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """What one provider said. `records`: how many it keeps (dry run) or erased; None when it did not say.

    `title` and `contact` (the manifest's `support`) are the gadget's, for pages and for the printed report; `txn` is
    the order's id, "" in a dry run.
    """

    gadget_id: str
    title: Texts
    provider_name: str
    contact: str
    state: State
    records: int | None = None
    kept: tuple[Kept, ...] = ()
    txn: str = ""
    at: datetime | None = None


def check(resident_id: UUID) -> tuple[ProviderReport, ...]:
    """The dry run: asks every provider that can know a pseudonym of the resident, all at once, three seconds each.

    Never inside a transaction (`HttpInTransactionError`). Whoever does not answer well is in the result as `silent`.
    Erases nothing.
    """
    raise NotImplementedError


def order(resident_id: UUID) -> tuple[ProviderReport, ...]:
    """Queues an `erasure` event for each of those providers, in the caller's transaction; asks nobody itself.

    Call it before the resident's rows go: the pseudonyms are computed here. What is queued names gadget, pseudonym
    and `txn`, never the resident, and is sent until it is answered, also when the resident is gone. The reports are
    in the state `waiting` (or `no_endpoint`, with an empty `txn`); keep their `txn` for `outcome`.
    """
    raise NotImplementedError


def outcome(txns: Iterable[str]) -> tuple[ProviderReport, ...]:
    """What came of these orders so far, in the order given; an unknown `txn` is left out."""
    raise NotImplementedError
