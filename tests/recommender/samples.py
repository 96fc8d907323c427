"""A small catalogue and the cast as profiles, for the tests of the recommender."""

from datetime import UTC, datetime, timedelta

from recommender.domain.types import Item, Profile

NOW = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)

HANAKO = Profile(
    district="busshozan",
    declared=("music", "food"),
    attributes={
        "area.district": "busshozan",
        "age_band": "35-44",
        "household.has_child": True,
        "household.school_years": ("e3",),
        "language": "ja",
    },
)
TARO = Profile(
    district="yashima",
    attributes={"area.district": "yashima", "age_band": "75+", "language": "ja"},
)
LINH = Profile(district="ritsurin", attributes={"area.district": "ritsurin", "language": "ja-simple"})
GUEST = Profile()


def item(
    name: str,
    *,
    kind: str = "news",
    topics: tuple[str, ...] = (),
    places: tuple[str, ...] = (),
    provider: str = "",
    language: str = "",
    age: timedelta = timedelta(hours=1),
    left: timedelta | None = None,
    audience_keys: tuple[str, ...] = (),
    urgent: bool = False,
) -> Item:
    """An item published `age` before NOW that expires `left` after NOW."""
    return Item(
        id=name,
        kind=kind,
        topics=topics,
        places=places,
        provider=provider,
        language=language,
        published_at=NOW - age,
        expires_at=None if left is None else NOW + left,
        urgent=urgent,
        audience_keys=audience_keys,
    )
