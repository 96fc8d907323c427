"""Where entries of the home come from: the pages of the editors, and the gadgets of the registry."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.texts import Texts
from gadgets.queries import Registry
from identity.domain.audience import Audience
from portal.content.queries import ContentItem
from recommender.domain.features import plain
from recommender.domain.types import Item


@dataclass(frozen=True, slots=True)
class Entry:
    """One candidate of the home: what the ranker sees of it, for whom it is meant, and its words.

    `path` has no language prefix. `level` orders alerts; `what_to_do` is theirs too. The days of one event have the same
    `series`.
    """

    item: Item
    audience: Audience
    title: Texts
    summary: Texts
    path: str
    ends_at: datetime | None = None
    all_day: bool = False
    place: str = ""
    attribution: str = ""
    what_to_do: Texts | None = None
    level: int = 0
    alert_kind: str = ""
    corrected_at: datetime | None = None
    sample: bool = False
    series: tuple[str, ...] = ()


def address(entry: Entry, locale: str) -> str:
    """The entry's own address in a language."""
    return entry.path if locale == "ja" else f"/{locale}{entry.path}"


class ItemSource(Protocol):
    """Brings candidates; called once for each version of what is published, never for each reader."""

    def entries(self) -> Iterable[Entry]:
        """All entries that are published now or later on."""
        ...


class Gadgets:
    """The registry's gadgets, as entries that lead to a gadget's own page."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def entries(self) -> Iterable[Entry]:
        """See ItemSource."""
        for gadget in self._registry.gadgets.values():
            yield Entry(
                item=Item(
                    id=f"gadget:{gadget.id}",
                    kind="gadget",
                    topics=gadget.topics,
                    places=(),
                    provider=gadget.provider_name,
                    language="",
                    published_at=gadget.published_at,
                    expires_at=None,
                    urgent=False,
                    audience_keys=tuple(key for key, _ in gadget.audience.clauses),
                    audience_values=_values(gadget.audience),
                ),
                audience=gadget.audience,
                title=gadget.title,
                summary=gadget.summary,
                path=f"/gadgets/{gadget.id}/",
            )


class Pages:
    """The published pages: news, events, alerts, services."""

    def __init__(self, items: Iterable[ContentItem]) -> None:
        self._items = items

    def entries(self) -> Iterable[Entry]:
        """See ItemSource."""
        return (_entry(page) for page in self._items)


def _values(audience: Audience) -> tuple[tuple[str, str], ...]:
    """For whom it is, as the recommender writes values."""
    return tuple(
        (key, value) for key, values in audience.to_json().items() for one in values for value in plain(one)
    )


def _entry(page: ContentItem) -> Entry:
    return Entry(
        item=Item(
            id=page.id,
            kind=page.kind,
            topics=page.topics,
            places=page.places,
            # The city itself is none, and so is not held to two places on the list.
            provider=page.provider,
            # A page falls back to Japanese, so its language keeps nobody from reading it.
            language="",
            published_at=page.published_at,
            expires_at=page.expires_at,
            urgent=page.urgent,
            audience_keys=tuple(key for key, _ in page.audience.clauses),
            starts_at=page.starts_at,
            audience_values=_values(page.audience),
        ),
        audience=page.audience,
        title=page.title,
        summary=page.summary,
        path=page.path,
        ends_at=page.ends_at,
        all_day=page.all_day,
        place=page.place_name,
        attribution=page.attribution,
        what_to_do=page.what_to_do,
        level=page.level,
        alert_kind=page.alert_kind,
        corrected_at=page.corrected_at,
        sample=page.sample,
        series=page.series,
    )
