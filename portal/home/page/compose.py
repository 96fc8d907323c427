"""Puts a home together from the catalogue for one reader: pins alerts, ranks, lists events and news.

The same function serves guest, resident and preview. It reads no database and asks no provider.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import numpy as np

from core.region_time import region_date, region_local
from identity.domain.attributes import PREFERENCES, Value
from portal.content.queries import HomeLayout
from portal.home.guest import Choices
from portal.home.index.content_index import Catalogue, Mask
from portal.home.page.cards import CardView
from recommender.domain.explain import Reason, reasons
from recommender.domain.ranking import LIMIT
from recommender.domain.reranking import Explore
from recommender.domain.types import Profile

SHOWN = 5
EVENTS = 12
NEWS = 5
LESSER_ALERTS = 3

# Preferences are features of their own. Access needs are none, learnt or not: from how somebody reads nothing
# follows about what they want.
NO_FEATURES = frozenset({*PREFERENCES, "access_needs"})

Mode = Literal["guest", "resident", "preview"]


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a home is put together. `attributes` are those that the recommender may see, no others."""

    mode: Mode
    locale: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    personalised: bool = True
    choices: Choices = field(default_factory=Choices)
    hidden: frozenset[str] = frozenset()
    """Items that the reader put away from the list."""
    sitting: UUID | None = None
    """From which is drawn whether something new stands on the list; without it nothing is drawn."""
    arm: str = ""
    """Which order of the running experiment stands on the list; without one the present order."""

    @property
    def profile(self) -> Profile:
        """The reader as the recommender sees it."""
        district = self.attributes.get("area.district")
        return Profile(
            district=district if isinstance(district, str) else None,
            followed=self._several("area.followed"),
            declared=self._several("interests"),
            avoided=self._several("avoids"),
            attributes={key: value for key, value in self.attributes.items() if key not in NO_FEATURES},
        )

    def _several(self, key: str) -> tuple[str, ...]:
        value = self.attributes.get(key)
        return value if isinstance(value, tuple) else ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the catalogue on the list, and why it is there."""

    row: int
    reasons: tuple[Reason, ...]
    propensity: float = 1.0
    exploring: bool = False


@dataclass(frozen=True, slots=True)
class HomeView:
    """Everything that a home shows, by rows of `catalogue.entries`."""

    catalogue: Catalogue
    layout: HomeLayout
    reader: Reader
    now: datetime
    today: date
    alerts: tuple[int, ...]
    listed: tuple[Listed, ...]
    cards: tuple[CardView, ...]
    events: tuple[int, ...]
    news: tuple[int, ...]


def compose(
    layout: HomeLayout,
    reader: Reader,
    now: datetime,
    *,
    catalogue: Catalogue,
    cards: Sequence[CardView] = (),
) -> HomeView:
    """The home of one reader at `now`; what has expired by then is not on it."""
    live = catalogue.live(now)
    meant = live & catalogue.meant_for(reader.attributes)
    return HomeView(
        catalogue=catalogue,
        layout=layout,
        reader=reader,
        now=now,
        today=region_date(now),
        alerts=_alerts(catalogue, live),
        listed=_listed(catalogue, reader, now, meant, cards),
        cards=tuple(cards),
        events=_events(catalogue, meant, now),
        news=tuple(catalogue.news[meant[catalogue.news]][:NEWS].tolist()),
    )


def _alerts(catalogue: Catalogue, live: Mask) -> tuple[int, ...]:
    """Urgent alerts for everybody, wherever they live; of the lesser ones the first few."""
    rows = catalogue.alerts[live[catalogue.alerts]].tolist()
    urgent = [row for row in rows if catalogue.entries[row].item.urgent]
    return (*urgent, *rows[len(urgent) : len(urgent) + LESSER_ALERTS])


def _listed(
    catalogue: Catalogue, reader: Reader, now: datetime, meant: Mask, cards: Sequence[CardView]
) -> tuple[Listed, ...]:
    allowed = meant & catalogue.ranked_kinds
    allowed[catalogue.alerts] = False
    index = catalogue.compiled.index
    for card in cards:
        row = index.get(f"gadget:{card.gadget.id}")
        if row is not None:
            allowed[row] = False
    allowed[catalogue.put_away(reader.hidden)] = False
    ranker, compiled = catalogue.order(reader.arm)
    if not reader.personalised:
        # Events come by the list, hundreds at once: newest first would show nothing else.
        ranker = catalogue.chronological
        allowed[catalogue.events] = False
    profile = reader.profile
    explore = Explore(reader.sitting) if reader.sitting else None
    ruling = catalogue.rules.for_reader(reader.attributes, now)
    return tuple(
        Listed(
            index[ranked.item_id],
            reasons(ranked, profile, compiled),
            ranked.propensity,
            ranked.exploring,
        )
        for ranked in ranker.rank(
            profile, now=now, allowed=allowed, limit=LIMIT, explore=explore, ruling=ruling
        )
    )


def _events(catalogue: Catalogue, meant: Mask, now: datetime) -> tuple[int, ...]:
    """What begins today or later; what began on an earlier day and goes on fills the list up, the latest first."""
    wanted = meant[catalogue.events]
    midnight = region_local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    ahead = catalogue.event_starts >= midnight.timestamp()
    rows = catalogue.events[np.flatnonzero(wanted & ahead)[:EVENTS]].tolist()
    going_on = catalogue.events[np.flatnonzero(wanted & ~ahead)[::-1]][: EVENTS - len(rows)].tolist()
    return (*rows, *going_on)
