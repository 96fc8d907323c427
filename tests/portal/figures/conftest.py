"""A month of homes, noted as the visit log notes them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from uuid import uuid4

import pytest
from django.core.cache import cache

from recommender import actions
from recommender.domain.types import Item, Profile, ViewRow
from recommender.metrics import counting
from recommender.metrics.counting import Opened, Page
from tests.portal.home import conftest as homes
from tests.portal.home.samples import NOW, entry

publish = homes.publish

ENTRIES = [
    entry("a1", provider="BusCo", topics=("school",)),
    entry("a2", provider="BusCo", topics=("music",)),
    entry("b1", provider="WasteCo", topics=("waste",)),
    entry("c1", topics=("school", "music")),
    entry("never", topics=("food",)),
]
ITEMS: Sequence[Item] = [one.item for one in ENTRIES[:4]]

Visits = Callable[..., None]


def note(
    residents: int,
    *,
    profile: Profile,
    opened: int = 0,
    at: datetime = NOW,
    learns: bool = True,
    first: int = 0,
    drawn: bool = True,
    **page: object,
) -> None:
    """One home of each of so many residents; the first `opened` of them open its first entry.

    For the last entry something is `drawn`: every second home has something new there.
    """
    views, pages, acts = [], [], []
    for number in range(first, first + residents):
        visit = uuid4()
        told = {"personalised": True, "entries": 4, "reasoned": 3, "due": 1, "carried": 1} | page
        pages.append(Page(visit=visit, at=at, **told))
        views += [
            ViewRow(
                subject=f"s{number}" if learns else "",
                visit=visit,
                item=item,
                profile=profile,
                position=place,
                propensity=0.5 if drawn and place == 3 else 1.0,
                exploring=drawn and place == 3 and number % 2 == 0,
                arm="",
                consent_version=1,
                at=at,
            )
            for place, item in enumerate(ITEMS)
        ]
        if number - first < opened:
            acts.append(Opened(visit, ITEMS[0].id, at))
    actions.record_views([view for view in views if view.subject])
    counting.of_visits(views, pages)
    counting.of_opened(acts)


@pytest.fixture
def month(db: None, publish: Callable[..., object]) -> Iterator[Visits]:
    """The catalogue of ENTRIES at NOW, and `note`."""
    publish(ENTRIES)
    cache.clear()
    yield note
