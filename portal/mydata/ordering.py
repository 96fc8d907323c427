"""The two orders of one home side by side: by what is known of the resident, and newest first."""

from dataclasses import dataclass
from datetime import datetime

from gadgets import queries as gadget_queries
from identity.consent import RANKING_ITEMS
from identity.queries import Bundle
from portal.home import sample
from portal.home.sample import Line

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Orders:
    """The first entries of the resident's own home in both orders, from the same catalogue at the same time."""

    mine: tuple[Line, ...]
    newest: tuple[Line, ...]


def orders(bundle: Bundle, *, locale: str, now: datetime) -> Orders:
    """Before a yes `mine` is what the order would be; drawn for the resident's eyes, and nothing is written."""
    known = {key: value for key, value in bundle.attributes.items() if key in RANKING_ITEMS}
    mine = bundle.released if bundle.personalised else known
    placements = gadget_queries.layout(bundle.id)
    return Orders(
        mine=sample.lines(mine, placements, personalised=True, locale=locale, now=now, limit=SHOWN),
        newest=sample.lines({}, placements, personalised=False, locale=locale, now=now, limit=SHOWN),
    )
