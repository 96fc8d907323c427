"""Logs to learn from: views of many residents, written by the actions that the portal calls."""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from recommender import actions
from recommender.domain.types import Item, Profile, ViewRow
from tests.recommender.samples import NOW, item

SPACE = UUID("7c5d3a52-0f0e-4b34-9b0c-6f6f5a3f2f10")
LATER = NOW + timedelta(hours=1)


def visit_of(subject: str, number: int = 0) -> UUID:
    return uuid5(SPACE, f"{subject}/{number}")


def saw(
    subject: str,
    items: list[Item],
    opened: tuple[str, ...] = (),
    *,
    number: int = 0,
    at: datetime = NOW,
    profile: Profile | None = None,
    act: str = "open",
) -> UUID:
    """A visit: these items in this order, and what was opened of them."""
    visit = visit_of(subject, number)
    actions.record_views(
        [
            ViewRow(
                subject=subject,
                visit=visit,
                item=one,
                profile=profile or Profile(attributes={"age_band": "35-44"}),
                position=position,
                propensity=1.0,
                exploring=False,
                arm="",
                consent_version=1,
                at=at,
            )
            for position, one in enumerate(items)
        ]
    )
    for name in opened:
        actions.record_act(subject, visit, name, act, at + timedelta(minutes=1), 1)
    return visit


SPORT = item("sport", topics=("sports",), provider="club")
MUSIC = item("music", topics=("music",), provider="hall")


def crowd(size: int, opened: tuple[str, ...] = ("sport",), *, number: int = 0, at: datetime = NOW) -> None:
    """So many residents see both, and open this."""
    for one in range(size):
        saw(f"resident-{one}", [SPORT, MUSIC], opened, number=number, at=at)
