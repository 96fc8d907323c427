"""What the ledger says of one resident and one recipient, whatever a gadget's manifest asks."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from identity import queries
from identity.domain.attributes import Value
from identity.domain.consent import covers


def granted(
    resident_id: UUID, recipient: str, declared: Iterable[str], level: str = "none"
) -> Mapping[str, Value]:
    """The values of what is granted to the recipient at `level` or above."""
    bundle = queries.bundle(resident_id)
    if bundle is None:
        return {}
    levels = bundle.levels.get(recipient, {})
    return {
        item: bundle.attributes[item]
        for item in declared
        if item in levels and item in bundle.attributes and covers(levels[item], level)
    }
