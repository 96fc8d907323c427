"""The list "for you" in short lines, for pages that show an order beside a question about it.

It is the home's own composition, from the same catalogue; nothing is stored and no provider is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.texts import pick
from gadgets.layout.layout import Placement
from identity.domain.attributes import Value, value_label
from portal.home.index.content_index import Catalogue, current, default_slots
from portal.home.index.sources import address
from portal.home.page import cards
from portal.home.page.compose import HomeView, Listed, Reader, compose
from recommender.domain.sentences import sentence


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: its title with its address, and why it stands there."""

    title: str
    lang: str
    url: str
    reasons: tuple[str, ...]
    note: str = ""


def lines(
    attributes: Mapping[str, Value],
    placements: Sequence[Placement] = (),
    *,
    personalised: bool,
    locale: str,
    now: datetime,
    limit: int,
) -> tuple[Line, ...]:
    """The first entries of the home of somebody with these attributes and these gadgets."""
    reader = Reader(mode="preview", locale=locale, attributes=attributes, personalised=personalised)
    view = composed(reader, placements, now=now)
    return tuple(line(view.catalogue, listed, locale) for listed in view.listed[:limit])


def composed(reader: Reader, placements: Sequence[Placement] = (), *, now: datetime) -> HomeView:
    """The home of such a reader with these gadgets, whose cards are left out."""
    catalogue = current()
    found = cards.wishes(catalogue, default_slots(), placements, bundle=None, locale=reader.locale)
    views = cards.views(found, {}, bundle=None, may_ask=False, now=now)
    return compose(catalogue.layout, reader, now, catalogue=catalogue, cards=views)


def line(catalogue: Catalogue, listed: Listed, locale: str) -> Line:
    """An entry as a line."""
    entry = catalogue.entries[listed.row]
    return Line(
        title=pick(entry.title, locale),
        lang="ja" if locale == "en" and "en" not in entry.title else "",
        url=address(entry, locale),
        reasons=tuple(sentence(reason, locale, value_label) for reason in listed.reasons),
    )
