"""Tables of gadgets, one module for each concern.

Models never cross the border of this package: others read through `gadgets.queries` and write through
`gadgets.actions`.
"""

from gadgets.models.cityos import Contract, DataOwner, DataRead
from gadgets.models.events import EventCursor, EventDelivery
from gadgets.models.figures import CellCount, GadgetHour
from gadgets.models.layouts import VERSION_KEY, Placement, bump_registry
from gadgets.models.life import (
    CardReport,
    CheckLine,
    CheckRun,
    Gadget,
    GadgetVersion,
    Maintenance,
    ReviewNote,
)
from gadgets.models.organisations import ApiToken, Invitation, Membership, Provider, StateNotice
from gadgets.models.regions import Region

__all__ = [
    "VERSION_KEY",
    "ApiToken",
    "CardReport",
    "CellCount",
    "CheckLine",
    "CheckRun",
    "Contract",
    "DataOwner",
    "DataRead",
    "EventCursor",
    "EventDelivery",
    "Gadget",
    "GadgetHour",
    "GadgetVersion",
    "Invitation",
    "Maintenance",
    "Membership",
    "Placement",
    "Provider",
    "Region",
    "ReviewNote",
    "StateNotice",
    "bump_registry",
]
