"""Two orders of one home side by side: mine and newest first, or before and after less of a topic; what moved, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.cache import cache
from django.utils.translation import gettext as _

from gadgets import queries as gadget_queries
from identity import queries as identity_queries
from identity.domain.attributes import Value, value_label
from identity.domain.consent import RANKING_ITEMS
from identity.queries import Bundle
from portal.home import sample
from portal.home.feedback import dismissals
from portal.home.page.compose import HomeView, Reader
from portal.home.sample import Line
from recommender.domain.explain import lowered
from recommender.domain.item_matrix import terms
from recommender.domain.sentences import sentence
from recommender.domain.types import Ranked

SHOWN = 5

# (place in the other order or None, length of the other order) → a note.
Words = Callable[[int | None, int], str]


@dataclass(frozen=True, slots=True)
class Orders:
    """The first entries of the resident's own home in both orders, from the same catalogue at the same time."""

    mine: tuple[Line, ...]
    newest: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """The first entries of the resident's own home without a wish and with it, and where the topic's entries went."""

    before: tuple[Line, ...]
    after: tuple[Line, ...]
    moved: tuple[Line, ...]


def used(bundle: Bundle) -> Mapping[str, Value]:
    """What the order uses of a resident; before a yes, what it would use."""
    if bundle.personalised:
        return bundle.released
    return {key: value for key, value in bundle.attributes.items() if key in RANKING_ITEMS}


def put_away(bundle: Bundle) -> frozenset[str]:
    """What the resident took off the list, which the personalised order alone heeds."""
    if not bundle.personalised:
        return frozenset()
    subject = identity_queries.ranking_subject(bundle.id)
    return dismissals.of(subject, cache.get(dismissals.key(subject)))


def orders(bundle: Bundle, *, locale: str, now: datetime) -> Orders:
    """Before a yes `mine` is what the order would be; drawn for the resident's eyes, and nothing is written."""
    placements, hidden = gadget_queries.layout(bundle.id), put_away(bundle)
    mine = sample.composed(Reader("preview", locale, used(bundle), hidden=hidden), placements, now=now)
    newest = sample.composed(Reader("preview", locale, personalised=False), placements, now=now)
    return Orders(
        mine=_noted(mine, newest, _of_newest),
        newest=_fallen(newest, mine, _noted(newest, mine, _of_mine)),
    )


def effect(bundle: Bundle, before: Mapping[str, Value], topic: str, *, locale: str, now: datetime) -> Effect:
    """What came of a change: the order by the attributes `before` it, and by those that hold now."""
    placements, hidden = gadget_queries.layout(bundle.id), put_away(bundle)
    earlier = sample.composed(Reader("preview", locale, before, hidden=hidden), placements, now=now)
    later = sample.composed(Reader("preview", locale, bundle.released, hidden=hidden), placements, now=now)
    return Effect(
        before=_fallen(earlier, later, _noted(earlier, later, _of_later)),
        after=_noted(later, earlier, _of_earlier),
        moved=_moved(earlier, later, topic),
    )


def _moved(earlier: HomeView, later: HomeView, topic: str) -> tuple[Line, ...]:
    """The entries of this topic that were on the list, each with its place before and now."""
    there = {listed.row: place for place, listed in enumerate(later.listed, 1)}
    found = []
    for place, listed in enumerate(earlier.listed, 1):
        if topic in earlier.catalogue.entries[listed.row].item.topics:
            now = _of_later(there.get(listed.row), len(later.listed))
            note = _("前は%(place)s番目、%(now)s") % {"place": place, "now": now}
            line = sample.line(earlier.catalogue, listed, earlier.reader.locale)
            found.append(replace(line, note=note))
    return tuple(found)


def _of_newest(place: int | None, there: int) -> str:
    if place is None:
        return _("新しい順では%(count)s番目までに入りません") % {"count": there}
    return _("新しい順では%(place)s番目") % {"place": place}


def _of_mine(place: int | None, there: int) -> str:
    if place is None:
        return _("おすすめ順では%(count)s番目までに入りません") % {"count": there}
    return _("おすすめ順では%(place)s番目") % {"place": place}


def _of_later(place: int | None, there: int) -> str:
    if place is None:
        return _("いまは%(count)s番目までに入りません") % {"count": there}
    return _("いまは%(place)s番目") % {"place": place}


def _of_earlier(place: int | None, there: int) -> str:
    if place is None:
        return _("前は%(count)s番目までに入っていませんでした") % {"count": there}
    return _("前は%(place)s番目") % {"place": place}


def _noted(view: HomeView, other: HomeView, words: Words) -> tuple[Line, ...]:
    there = {listed.row: place for place, listed in enumerate(other.listed, 1)}
    return tuple(
        replace(
            sample.line(view.catalogue, listed, view.reader.locale),
            note=words(there.get(listed.row), len(other.listed)),
        )
        for listed in view.listed[:SHOWN]
    )


def _fallen(view: HomeView, other: HomeView, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Lines of `view` that stand lower in `other` say what lowers them there."""
    there = {listed.row: place for place, listed in enumerate(other.listed, 1)}
    compiled, profile, locale = view.catalogue.compiled, other.reader.profile, view.reader.locale
    rows = [listed.row for listed in view.listed[:SHOWN]]
    away = set(view.catalogue.put_away(other.reader.hidden))
    told = terms(compiled, rows, compiled.parts(profile))
    ruling = view.catalogue.rules.for_reader(other.reader.attributes, other.now)
    found = []
    for place, (row, line, summands) in enumerate(zip(rows, lines, told, strict=True), 1):
        if there.get(row, len(rows) + len(there)) <= place:
            found.append(line)
            continue
        if row in away:
            found.append(replace(line, reasons=(_("おすすめから外した項目"),)))
            continue
        if ruling is not None:
            if ruling.hidden[row]:
                found.append(replace(line, reasons=(_("市の担当者が、いまは一覧に出していません"),)))
                continue
            summands += ruling.terms(row)
        ranked = Ranked(compiled.items[row].id, sum(term.weight for term in summands), summands)
        why = tuple(sentence(one, locale, value_label) for one in lowered(ranked, profile, compiled))
        found.append(replace(line, reasons=why))
    return tuple(found)
