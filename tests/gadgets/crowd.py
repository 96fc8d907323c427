"""Enough residents beside the cast: every combination of claims that one of the cast has is shared by SMALL_CELL."""

from core.disclosure import SMALL_CELL
from demo.cast import CAST
from gadgets.metrics import small_cells
from gadgets.models import CellCount, bump_registry
from gadgets.release import claims_key
from gadgets.types import GadgetInfo
from identity.domain import attributes


class Everybody(dict[str, int]):
    """Cells of a city so large that each one is large enough; for tests that are about something else."""

    def get(self, _key: object, _default: object = None) -> int:
        return SMALL_CELL


def gather(gadget: GadgetInfo) -> None:
    """Writes the cells that a count would find if SMALL_CELL residents were like each of the cast."""
    keys = set()
    for person in CAST.values():
        values = attributes.derive(person.attributes)
        for names in small_cells.combinations([gadget]):
            if all(name in values for name in names):
                keys.add(claims_key({name: values[name] for name in names}))
    CellCount.objects.bulk_create(
        (CellCount(key=key, count=SMALL_CELL) for key in keys), ignore_conflicts=True
    )
    bump_registry()
