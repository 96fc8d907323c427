"""How many residents use a gadget, for its provider: never a few, and never exactly."""

from dataclasses import dataclass

from django.db.models import Count, Q

from core import disclosure
from gadgets.models import Placement
from identity.consent import statistics


@dataclass(frozen=True, slots=True)
class People:
    """None where fewer than SMALL_CELL residents are concerned.

    `installs`: homes on which residents themselves put it, or changed it, to tens. `hidden_percent`: of those who
    arranged it, who hid it. `consent_percent`: of those who were asked, who grant something. Percents in steps of five.
    """

    installs: int | None
    hidden_percent: int | None
    consent_percent: int | None


def of(gadget_id: str) -> People:
    """The present state; three counts, for a page of the desk and no home."""
    counted = Placement.objects.filter(gadget_id=gadget_id).aggregate(
        whole=Count("pk"), hidden=Count("pk", filter=Q(hidden=True))
    )
    return People(
        installs=disclosure.shown(counted["whole"] - counted["hidden"]),
        hidden_percent=statistics.round_to_five(counted["hidden"], counted["whole"]),
        consent_percent=statistics.consent_percent(gadget_id),
    )
