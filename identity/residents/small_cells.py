"""How many residents share a combination of attributes, so that nobody is told of who can be counted on a few hands."""

from collections import Counter
from collections.abc import Collection, Mapping

from core.disclosure import SMALL_CELL
from identity.domain import attributes
from identity.domain.attributes import Value
from identity.models import Resident

Cell = tuple[tuple[str, Value], ...]
"""Pairs of attribute and value, in the order in which the attributes were asked for."""


def shared(combinations: Collection[tuple[str, ...]]) -> Mapping[Cell, int]:
    """The combinations of values that at least SMALL_CELL residents share, for each combination of attributes.

    Everybody counts who has these values, whether or not they granted anything: what protects a reader is how many
    people it could be, and the provider does not know who granted. Protected persons and accounts that are being
    closed do not count. A smaller number than SMALL_CELL does not leave this function.
    """
    counted: Counter[Cell] = Counter()
    living = Resident.objects.filter(is_active=True, erase_at=None, confidential=False)
    for stored in living.values_list("attributes", flat=True).iterator(chunk_size=2000):
        values = attributes.derive(attributes.from_json(stored))
        for names in combinations:
            if all(name in values for name in names):
                counted[tuple((name, values[name]) for name in names)] += 1
    return {cell: number for cell, number in counted.items() if number >= SMALL_CELL}
