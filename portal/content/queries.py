"""Reads of content for other packages: items, the home's layout and the version number; frozen dataclasses only."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.utils import timezone

from core import versions
from core.texts import Texts, pick
from gadgets.layout.layout import Slot
from identity.domain.attributes import DISTRICTS, TOPICS, Value, derive, from_json, known_values
from identity.domain.audience import Audience
from identity.errors import AudienceError
from portal.alerts.alert_words import corrected_at
from portal.content.actions import VERSION_KEY
from portal.content.editing.blocks import ZONES
from portal.content.models import (
    AlertPage,
    EventPage,
    HomePage,
    NewsPage,
    Persona,
    ServicePage,
    event_end,
    moment,
)
from portal.content.pages.published import published
from portal.content.pages.series import SERIES

log = logging.getLogger(__name__)

__all__ = [
    "NOBODY",
    "VERSION_KEY",
    "ContentItem",
    "HomeLayout",
    "PersonaView",
    "Slot",
    "home_layout",
    "items",
    "layout_of",
    "personas",
    "version",
]


@dataclass(frozen=True, slots=True)
class PersonaView:
    """A made-up person: what previews and dry runs know of them, with what follows from it."""

    key: str
    name: Texts
    attributes: Mapping[str, Value]

    @property
    def locale(self) -> str:
        """The language in which this person reads."""
        return str(self.attributes.get("language", "ja"))

    def called(self, locale: str) -> str:
        """The name, for an editor who reads this language."""
        return pick(self.name, locale)


NOBODY = PersonaView("", {"ja": ""}, {})
"""A guest's part in a preview: no attributes, Japanese."""


def personas() -> dict[str, PersonaView]:
    """Every persona by key, in the editors' order; values that the region no longer knows are left out."""
    return {
        row.key: PersonaView(
            key=row.key,
            name={"ja": row.name, "en": row.name_en, "ja-simple": row.name_simple},
            attributes=derive(known_values(from_json(row.attributes))),
        )
        for row in Persona.objects.all()
    }


@dataclass(frozen=True, slots=True)
class ContentItem:
    """A published page as home and recommender see it. `path` begins with a slash, without a locale.

    `provider` is who besides the city stands behind it: an event's organiser. Of the city and its departments it is
    empty: they are no providers among others. `series` is equal for the days of one event, and empty without days.
    """

    id: str
    kind: str
    path: str
    title: Texts
    summary: Texts
    audience: Audience
    topics: tuple[str, ...]
    places: tuple[str, ...]
    provider: str
    language: str
    published_at: datetime
    expires_at: datetime | None
    urgent: bool = False
    level: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    place_name: str = ""
    attribution: str = ""
    sample: bool = False
    what_to_do: Texts | None = None
    alert_kind: str = ""
    corrected_at: datetime | None = None
    all_day: bool = False
    series: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HomeLayout:
    """Zones in their order, default slots, and headings by zone (`"home"` is the page's own title)."""

    zones: tuple[str, ...]
    slots: tuple[Slot, ...]
    titles: Mapping[str, Texts]


DEFAULT_TITLES: Mapping[str, Texts] = {
    "alerts": {"ja": "緊急のお知らせ", "en": "Urgent notices", "ja-simple": "いそぎの お知(し)らせ"},
    "for_you": {"ja": "あなたへ", "en": "For you", "ja-simple": "あなたへ"},
    "gadgets": {"ja": "サービス", "en": "Services", "ja-simple": "べんりな サービス"},
    "events": {"ja": "イベント", "en": "Events", "ja-simple": "イベント"},
    "news": {"ja": "お知らせ", "en": "News", "ja-simple": "お知(し)らせ"},
}
_COMMON = (
    "pk",
    "url_path",
    "title",
    "title_en",
    "title_simple",
    "summary",
    "summary_en",
    "summary_simple",
    "audience",
    "topics",
    "districts",
    "department",
    "sample",
    "first_published_at",
    "expire_at",
)
_EVENT = ("starts_on", "ends_on", "starts_time", "ends_time", "place_name", "organiser", "attribution")
_ALERT = (
    "level",
    "alert_kind",
    "urgent",
    "valid_until",
    "last_published_at",
    "what_to_do",
    "what_to_do_en",
    "what_to_do_simple",
)
_SPACE = re.compile(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])")
"""White space that Japanese does not have: lists break names with it."""


def version() -> int:
    """The number that rises with every change of what is published; at most one query, mostly none."""
    return versions.current(VERSION_KEY)


def items(now: datetime | None = None) -> tuple[ContentItem, ...]:
    """Every published page that has not ended: five queries, however many pages there are.

    An event that its list holds several times, word for word, is given once.
    """
    at = now or timezone.now()
    root = HomePage.objects.values_list("url_path", flat=True).first() or "/"
    found = (item for item in _all(root) if item.expires_at is None or item.expires_at > at)
    return tuple(found)


def _all(root: str) -> Iterator[ContentItem]:
    yield from _readable(_rows(NewsPage), lambda row: _item("news", row, root))
    yield from _readable(_rows(ServicePage), lambda row: _item("service", row, root))
    yield from _readable(_rows(EventPage, *_EVENT, repeated=False), lambda row: _event(row, root))
    yield from _readable(_rows(AlertPage, *_ALERT), lambda row: _alert(row, root))


def _readable(
    rows: Iterable[dict[str, Any]], make: Callable[[dict[str, Any]], ContentItem]
) -> Iterator[ContentItem]:
    """A page whose audience is no longer in the vocabulary is left out: nobody can say for whom it is."""
    for row in rows:
        try:
            yield make(row)
        except AudienceError as error:
            log.error("page %s left out of the items: %s", row["pk"], error)  # noqa: TRY400 (no fault of the program)


def _rows(model: type[Any], *more: str, **only: Any) -> Iterable[dict[str, Any]]:
    rows: Iterable[dict[str, Any]] = published(model).filter(**only).order_by("pk").values(*_COMMON, *more)
    return rows


def _item(kind: str, row: dict[str, Any], root: str, **more: Any) -> ContentItem:
    audience = Audience.parse(row["audience"])
    return ContentItem(
        **{
            "id": f"p{row['pk']}",
            "kind": kind,
            "path": "/" + row["url_path"].removeprefix(root),
            "title": _texts(row, "title"),
            "summary": _texts(row, "summary"),
            "audience": audience,
            "topics": tuple(code for code in row["topics"] if code in TOPICS),
            "places": _places(row["districts"], audience),
            "provider": "",
            "language": "en" if row["title_en"] else "ja",
            "published_at": row["first_published_at"] or timezone.now(),
            "expires_at": row["expire_at"],
            "sample": row["sample"],
            **more,
        }
    )


def _event(row: dict[str, Any], root: str) -> ContentItem:
    ends_at = event_end(row["ends_on"], row["ends_time"])
    return _item(
        "event",
        row,
        root,
        expires_at=_earliest(row["expire_at"], ends_at),
        starts_at=moment(row["starts_on"], row["starts_time"] or time.min),
        ends_at=ends_at,
        place_name=row["place_name"],
        provider=_organiser(row["organiser"], row["department"]),
        attribution=row["attribution"],
        all_day=row["starts_time"] is None,
        series=tuple(str(row[field]) for field in SERIES),
    )


def _alert(row: dict[str, Any], root: str) -> ContentItem:
    return _item(
        "alert",
        row,
        root,
        expires_at=_earliest(row["expire_at"], row["valid_until"]),
        # Where it holds; whom it is aimed at is another thing.
        places=_places(row["districts"], Audience()),
        urgent=row["urgent"],
        level=row["level"],
        alert_kind=row["alert_kind"],
        corrected_at=corrected_at(row["first_published_at"], row["last_published_at"]),
        what_to_do=_texts(row, "what_to_do"),
    )


def _organiser(name: str, department: str) -> str:
    """One name for one organiser, however it is spaced; a department that names itself is the city."""
    folded = " ".join(_SPACE.sub("", name).split())
    return "" if folded == " ".join(_SPACE.sub("", department).split()) else folded


def _texts(row: Mapping[str, Any], field: str) -> Texts:
    found = {"ja": row[field], "en": row[f"{field}_en"], "ja-simple": row[f"{field}_simple"]}
    return {locale: text for locale, text in found.items() if text or locale == "ja"}


def _places(districts: list[str], audience: Audience) -> tuple[str, ...]:
    aimed = dict(audience.clauses).get("area.district", frozenset())
    return tuple(code for code in DISTRICTS if code in districts or code in aimed)


def _earliest(*times: datetime | None) -> datetime | None:
    return min((when for when in times if when is not None), default=None)


def home_layout() -> HomeLayout:
    """The published zones and default slots; the usual zones when there is no home page yet."""
    home = published(HomePage).first()
    return layout_of(home) if home else HomeLayout(ZONES, (), DEFAULT_TITLES)


def layout_of(home: HomePage) -> HomeLayout:
    """The layout of this very page object, published or a draft under preview."""
    titles: dict[str, Texts] = {**DEFAULT_TITLES, "home": _page_title(home)}
    slots: list[Slot] = []
    zones: list[str] = []
    for block in home.zones:
        zones.append(block.block_type)
        titles[block.block_type] = _zone_title(block.block_type, block.value)
        if block.block_type == "gadgets":
            slots += [
                Slot(slot["gadget"], slot["size"], bool(slot["locked"])) for slot in block.value["slots"]
            ]
    return HomeLayout(tuple(zones), tuple(slots), titles)


def _page_title(home: HomePage) -> Texts:
    return home.texts("title")


def _zone_title(zone: str, value: Mapping[str, Any]) -> Texts:
    own = {"ja": value.get("title"), "en": value.get("title_en"), "ja-simple": value.get("title_simple")}
    if not own["ja"]:
        return {**DEFAULT_TITLES[zone], **{locale: text for locale, text in own.items() if text}}
    return {locale: text for locale, text in own.items() if text}
