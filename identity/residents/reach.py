"""How many residents an editor's audience reaches: never a small number, and who asked is written down."""

from identity import queries
from identity.audit import chain
from identity.domain.audience import Audience
from identity.domain.roles import EDITOR, OPERATOR, Actor
from identity.errors import NotAllowed


def ask_reach(*, audience: Audience, by: Actor) -> int | None:
    """As `queries.audience_counts`; the chain keeps which attributes were asked about, not which values.

    Raises `NotAllowed` for anybody but editors and operators.
    """
    if not (by.has(EDITOR) or by.has(OPERATOR)):
        raise NotAllowed
    count = queries.audience_counts(audience)
    keys = sorted({key for key, _ in audience.clauses})
    chain.record("reach_asked", by=by, keys=keys, shown=count is not None)
    return count
