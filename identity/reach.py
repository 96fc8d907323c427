"""How many residents an editor's audience reaches: never a small number, and who asked is written down."""

from identity import audit, queries
from identity.audience import Audience
from identity.errors import NotAllowed
from identity.roles import EDITOR, OPERATOR, Actor


def ask_reach(*, audience: Audience, by: Actor) -> int | None:
    """As `queries.audience_counts`; the chain keeps which attributes were asked about, not which values.

    Raises `NotAllowed` for anybody but editors and operators.
    """
    if not (by.has(EDITOR) or by.has(OPERATOR)):
        raise NotAllowed
    count = queries.audience_counts(audience)
    keys = sorted({key for key, _ in audience.clauses})
    audit.record("reach_asked", by=by, keys=keys, shown=count is not None)
    return count
