"""A generated catalogue for the tests of the home: entries without a database, at a fixed time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from gadgets.queries import Registry
from gadgets.types import ClaimSpec, GadgetInfo
from identity.domain.audience import Audience
from portal.content.editing.blocks import ZONES
from portal.content.queries import DEFAULT_TITLES, HomeLayout, Slot
from portal.home.index.content_index import Catalogue
from portal.home.index.sources import Entry, Gadgets
from recommender.abtest.comparison import Running
from recommender.domain.types import Item
from recommender.domain.weights import Weights
from tests.gadgets.crowd import Everybody

NOW = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)

HANAKO = {
    "area.district": "busshozan",
    "area.waste_zone": "7",
    "age_band": "35-44",
    "household.has_child": True,
    "household.school_years": ("e3",),
    "language": "ja",
    "interests": ("food", "music"),
}
TARO = {"area.district": "yashima", "area.waste_zone": "8", "age_band": "75+", "language": "ja"}


def entry(
    name: str,
    *,
    kind: str = "news",
    title: str = "",
    topics: tuple[str, ...] = (),
    places: tuple[str, ...] = (),
    audience: dict[str, list[object]] | None = None,
    age: timedelta = timedelta(hours=1),
    left: timedelta | None = None,
    starts: timedelta | None = None,
    urgent: bool = False,
    level: int = 0,
    provider: str = "",
    series: str = "",
) -> Entry:
    """An entry published `age` before NOW, ending `left` after it."""
    meant = Audience.parse(audience or {})
    return Entry(
        item=Item(
            id=name,
            kind=kind,
            topics=topics,
            places=places,
            provider=provider,
            language="",
            published_at=NOW - age,
            expires_at=None if left is None else NOW + left,
            urgent=urgent,
            audience_keys=tuple(key for key, _ in meant.clauses),
            starts_at=None if starts is None else NOW + starts,
        ),
        audience=meant,
        title={"ja": title or f"{name}の題", "en": f"Title of {name}"},
        summary={"ja": f"{name}の要約"},
        path=f"/{kind}/{name}/",
        level=level,
        series=(series,) if series else (),
    )


@dataclass(frozen=True)
class Given:
    """An item source of given entries."""

    given: Sequence[Entry]

    def entries(self) -> Iterable[Entry]:
        return self.given


def gadget(name: str = "localhost.waste.calendar", **more: object) -> GadgetInfo:
    """A gadget at level audience that requires the waste zone."""
    fields: dict[str, object] = {
        "id": name,
        "version": "1.0.0",
        "kind": "card",
        "identity": "audience",
        "title": {"ja": "ごみの日", "en": "Waste days"},
        "summary": {"ja": "次の収集日", "en": "Next collection"},
        "provider_name": "ごみナビ",
        "provider_privacy": "http://waste.localhost/privacy",
        "category": "environment",
        "claims": (
            ClaimSpec(
                "area.waste_zone", "required", {"ja": "収集日を調べるため", "en": "To find your days"}, "none"
            ),
        ),
        "sizes": ("S", "M"),
        "card_url": "http://waste.localhost/card",
        "login_url": None,
        "max_age": 300,
        "stale": 86400,
        "link_origins": ("http://waste.localhost",),
        "client_id": None,
        "audience": Audience(),
        "topics": ("waste",),
        "published_at": NOW - timedelta(days=30),
    }
    return GadgetInfo(**{**fields, **more})  # type: ignore[arg-type]


def catalogue(
    entries: Sequence[Entry] = (),
    *,
    gadgets: Sequence[GadgetInfo] = (),
    slots: Sequence[Slot] = (),
    version: tuple[int, int, int] = (1, 1, 1),
    weights: Weights | None = None,
    experiment: Running | None = None,
) -> Catalogue:
    """A catalogue of these entries and gadgets with the usual zones."""
    registry = Registry(version[1], MappingProxyType({info.id: info for info in gadgets}), Everybody())
    return Catalogue.build(
        version,
        (Given(entries), Gadgets(registry)),
        registry=registry,
        layout=HomeLayout(ZONES, tuple(slots), DEFAULT_TITLES),
        weights=weights,
        experiment=experiment,
    )
