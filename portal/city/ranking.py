"""The desk's view of the order: where each item stands for a persona, and every term of its score."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.texts import pick
from identity.domain.attributes import Value, value_label
from portal.city import trial
from portal.city.tuning import desk_of
from portal.figures.model_card import family_words
from portal.home.index.content_index import Catalogue, current
from portal.home.index.sources import address
from portal.home.page.compose import SHOWN, Reader
from recommender.domain.explain import reasons
from recommender.domain.ranking import LIMIT
from recommender.domain.rules import FAMILY
from recommender.domain.sentences import sentence
from recommender.domain.types import Ranked, Term
from recommender.domain.weights import ATTRIBUTE, DECLARED_TOPIC, Weights

MOST = 40
"""So many of the list are shown; a search finds the others."""


@dataclass(frozen=True, slots=True)
class Summand:
    """One term of a score: its family in words, the key inside it, the weight, and as a factor on how often.

    `learnt` says whether it is of the records of 20 residents or more; else it is expected, ruled, or the clock's.
    """

    family: str
    key: str
    weight: float
    learnt: bool

    @property
    def factor(self) -> float:
        return math.exp(self.weight)


@dataclass(frozen=True, slots=True)
class Place:
    """An item where it stands; `number` counts from 1, `by_score` is where the score alone would put it."""

    number: int
    by_score: int
    id: str
    title: str
    url: str
    score: float
    terms: tuple[Summand, ...]
    reasons: tuple[str, ...]
    lifted: bool
    pinned: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """An item that is not on the list at all, and why."""

    title: str
    url: str
    why: str


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """For editors and operators: a persona's list with all terms, and what a search finds, on the list or off it."""
    desk_of(request)
    name, wanted = request.GET.get("person", trial.GUEST), request.GET.get("q", "").strip()[:100]
    locale, now, catalogue = get_language() or "ja", timezone.now(), current()
    people = trial.people(locale)
    attributes = next((persona.attributes for persona, _name in people if persona.key == name), None)
    if attributes is None:
        raise Http404
    places = ranked(catalogue, attributes, now=now, locale=locale)
    found = [one for one in places if wanted.casefold() in one.title.casefold()]
    context = {
        "people": [(persona.key, called) for persona, called in people],
        "person": name,
        "wanted": wanted,
        "places": found[:MOST],
        "count": len(places),
        "least": places[SHOWN - 1].score if len(places) >= SHOWN else None,
        "shown": SHOWN,
        "limit": LIMIT,
        "absent": absent(catalogue, attributes, wanted, now=now, locale=locale) if wanted else (),
    }
    return render(request, "city/ranking.html", context)


def ranked(
    catalogue: Catalogue, attributes: Mapping[str, Value], *, now: datetime, locale: str
) -> tuple[Place, ...]:
    """The whole order for somebody with these attributes, as the home makes it, but without gadgets of their own."""
    profile = Reader(mode="preview", locale=locale, attributes=attributes).profile
    allowed = catalogue.live(now) & catalogue.meant_for(attributes) & catalogue.ranked_kinds
    allowed[catalogue.alerts] = False
    ruling = catalogue.rules.for_reader(attributes, now)
    found = catalogue.personal.rank(
        profile, now=now, allowed=allowed, limit=len(catalogue.entries), ruling=ruling
    )
    scores = sorted(-round(one.score, 5) for one in found)
    return tuple(
        _place(
            catalogue,
            (number, bisect_left(scores, -round(one.score, 5)) + 1),
            one,
            locale,
            tuple(_told(catalogue, one, attributes, locale)),
        )
        for number, one in enumerate(found, start=1)
    )


def _place(
    catalogue: Catalogue, numbers: tuple[int, int], one: Ranked, locale: str, told: tuple[str, ...]
) -> Place:
    row = catalogue.compiled.index[one.item_id]
    entry = catalogue.entries[row]
    return Place(
        number=numbers[0],
        by_score=numbers[1],
        id=one.item_id,
        title=pick(entry.title, locale),
        url=address(entry, locale),
        score=one.score,
        terms=tuple(
            Summand(
                _family(term, locale),
                _key(term, locale),
                term.weight,
                _learnt(catalogue.compiled.weights, term),
            )
            for term in sorted(_whole(catalogue, row, one), key=lambda term: -abs(term.weight))
            if term.weight
        ),
        reasons=told,
        lifted=one.lifted,
        pinned=one.pinned,
    )


def _told(catalogue: Catalogue, one: Ranked, attributes: Mapping[str, Value], locale: str) -> list[str]:
    profile = Reader(mode="preview", locale=locale, attributes=attributes).profile
    return [sentence(reason, locale, value_label) for reason in reasons(one, profile, catalogue.compiled)]


def _whole(catalogue: Catalogue, row: int, one: Ranked) -> list[Term]:
    """The terms of a score; what an item has whoever reads it stands piece by piece."""
    rest = [term for term in one.terms if term.family != "base"]
    return [*catalogue.compiled.base_terms(row), *rest]


def _learnt(weights: Weights, term: Term) -> bool:
    """Whether any weight in the term was learnt; an attribute speaks of all topics of an item at once."""
    if term.family == "attribute":
        return bool(weights.learnt.get(f"{ATTRIBUTE}{term.key}"))
    family = {"declared": DECLARED_TOPIC}.get(term.family, term.family)
    return weights.knows(family, term.key) or weights.knows(term.family)


def _family(term: Term, locale: str) -> str:
    if term.family == FAMILY:
        return _("担当者の決まり")
    return family_words(f"{ATTRIBUTE}{term.key}" if term.family == "attribute" else term.family, locale)


def _key(term: Term, locale: str) -> str:
    keys = {
        "place": "area.district",
        "followed": "area.district",
        "declared": "interests",
        "topic": "interests",
    }
    if term.family == "attribute":
        return ""
    return value_label(keys[term.family], term.key, locale) if term.family in keys else term.key


def absent(
    catalogue: Catalogue, attributes: Mapping[str, Value], wanted: str, *, now: datetime, locale: str
) -> tuple[Absent, ...]:
    """What a search finds that is not ranked for this persona, and why not."""
    live, meant = catalogue.compiled.live(now), catalogue.meant_for(attributes)
    next_ = catalogue.live(now)
    ruling = catalogue.rules.for_reader(attributes, now)
    pinned = set(catalogue.alerts.tolist())
    found = []
    for row, entry in enumerate(catalogue.entries):
        title = pick(entry.title, locale)
        if wanted.casefold() not in title.casefold():
            continue
        if not live[row]:
            why = _("公開前か、期限が過ぎています。")
        elif not next_[row]:
            why = _("同じイベントの、もっと近い日が出ています。")
        elif row in pinned:
            why = _("緊急のお知らせとして、順番の外のいちばん上に出ます。")
        elif not meant[row]:
            why = _("届け先の条件に、この人は当てはまりません。")
        elif ruling is not None and ruling.hidden[row]:
            why = _("担当者の決まりで、一覧に出していません。")
        elif not catalogue.ranked_kinds[row]:
            why = _("この種類は、おすすめの一覧に出しません。")
        else:
            continue
        found.append(Absent(title, address(entry, locale), why))
    return tuple(found[:MOST])
