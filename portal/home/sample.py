"""The list "for you" in short lines, for pages that show an order beside a question about it.

It is the home's own composition, from the same catalogue; nothing is stored and no provider is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gadgets.choosing.layout import Placement
from identity.attributes import Value, pick, value_label
from portal.home import cards
from portal.home.catalogue import Catalogue, current, default_slots
from portal.home.compose import Listed, Reader, compose
from portal.home.sources import address
from recommender.sentences import sentence


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: its title with its address, and why it stands there."""

    title: str
    lang: str
    url: str
    reasons: tuple[str, ...]


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
    catalogue = current()
    found = cards.wishes(catalogue, default_slots(), placements, bundle=None, locale=locale)
    view = compose(
        catalogue.layout,
        Reader(mode="preview", locale=locale, attributes=attributes, personalised=personalised),
        now,
        catalogue=catalogue,
        cards=cards.views(found, {}, bundle=None, may_ask=False, now=now),
    )
    return tuple(_line(catalogue, listed, locale) for listed in view.listed[:limit])


def _line(catalogue: Catalogue, listed: Listed, locale: str) -> Line:
    entry = catalogue.entries[listed.row]
    return Line(
        title=pick(entry.title, locale),
        lang="ja" if locale == "en" and "en" not in entry.title else "",
        url=address(entry, locale),
        reasons=tuple(sentence(reason, locale, value_label) for reason in listed.reasons),
    )
