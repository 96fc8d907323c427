"""The entries that a resident put away from the recommended list, each with a way back."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from core.texts import pick
from identity import queries as identity_queries
from identity.queries import Bundle
from portal.home.index.content_index import Catalogue, current
from portal.home.index.sources import address
from portal.mydata.access import resident_required
from recommender import queries as ranking


@dataclass(frozen=True, slots=True)
class Hidden:
    """One of them; `title` is empty for what is no longer published."""

    id: str
    title: str
    lang: str
    url: str


@require_safe
@resident_required
def hidden(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """The list, by title; what is no longer published stands last."""
    locale, catalogue = get_language() or "ja", current()
    found = [
        _hidden(item, catalogue, locale)
        for item in sorted(ranking.dismissed(identity_queries.ranking_subject(bundle.id)))
    ]
    context = {"bundle": bundle, "hidden": sorted(found, key=lambda one: (not one.title, one.title))}
    return render(request, "mydata/hidden.html", context)


def _hidden(item: str, catalogue: Catalogue, locale: str) -> Hidden:
    row = catalogue.compiled.index.get(item)
    if row is None:
        return Hidden(item, "", "", "")
    entry = catalogue.entries[row]
    lang = "ja" if locale == "en" and "en" not in entry.title else ""
    return Hidden(item, pick(entry.title, locale), lang, address(entry, locale))
