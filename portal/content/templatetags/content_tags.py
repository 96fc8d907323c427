"""Tags of the pages: an audience in words, names of topics, times, and the card of a gadget inside a page."""

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from core.texts import pick
from gadgets import queries as gadget_queries
from gadgets.cards import fetch
from gadgets.words import as_of, source, withheld
from identity import queries as identity_queries
from identity.domain.attributes import DISTRICTS
from identity.household import authority
from identity.queries import Bundle
from portal.alerts import alert_names
from portal.alerts.alert_files import area_words
from portal.alerts.alert_words import corrected_at
from portal.content.editing.vocabulary import audience_in_words, stored_audience, topic_names
from portal.content.models import AlertPage, EventPage, LocalisedPage, RegionPage
from portal.content.pages import series
from portal.home.page import formats

register = template.Library()


def _locale() -> str:
    return get_language() or "ja"


@register.simple_tag
def audience_words(page: RegionPage) -> str:
    """For whom the page is, in words; empty for everybody."""
    return audience_in_words(stored_audience(page.audience), _locale())


@register.simple_tag
def lang_of(page: LocalisedPage, field: str) -> SafeString:
    """The attribute `lang` where a text is in another language than the page around it; else nothing."""
    around = "en" if _locale() == "en" else "ja"
    found = page.lang_of(field)
    return format_html(' lang="{}"', found) if found != around else SafeString("")


@register.simple_tag
def topic_words(page: RegionPage) -> list[str]:
    """The page's topics by name."""
    return topic_names(page.topics, _locale())


@register.simple_tag
def district_words(page: RegionPage) -> list[str]:
    """The districts that the page is about, by name."""
    return [pick(DISTRICTS[code].name, _locale()) for code in page.districts if code in DISTRICTS]


@register.simple_tag
def published_words(page: RegionPage) -> str:
    """The day on which the page was first published."""
    return formats.day(page.first_published_at, _locale()) if page.first_published_at else ""


@register.simple_tag
def event_words(page: EventPage) -> str:
    """The days of an event, and its hours where they are known."""
    return formats.when(page.starts_at, page.ends_at, _locale(), all_day=page.starts_time is None)


@register.simple_tag
def later_words(page: EventPage) -> str:
    """How many days of an event of a list follow this one; empty for none."""
    return formats.later(page.later, page.last_on, _locale()) if page.later else ""


@register.simple_tag
def other_days(page: EventPage) -> list[EventPage]:
    """The days of the same event that are still ahead."""
    return list(series.other_days(page, timezone.now()))


@register.simple_tag
def until_words(page: AlertPage) -> str:
    """Until when an alert holds."""
    return _moment(page.valid_until)


@register.simple_tag
def issued_words(page: AlertPage) -> str:
    """When an alert first went out."""
    return _moment(page.first_published_at)


@register.simple_tag
def corrected_words(page: AlertPage) -> str:
    """When it was changed since; empty while it is as it was issued."""
    return _moment(corrected_at(page.first_published_at, page.last_published_at))


@register.simple_tag
def alert_name(page: AlertPage) -> str:
    """Its name by kind and level."""
    return alert_names.name(page.alert_kind, page.level, _locale())


@register.simple_tag
def alert_area(page: AlertPage) -> str:
    """Where it holds."""
    return area_words(page.districts, _locale())


def _moment(at: datetime | None) -> str:
    return f"{formats.day(at, _locale())} {formats.clock(at)}" if at else ""


@register.inclusion_tag("content/blocks/gadget_card.html", takes_context=True)
def gadget_card(context: dict[str, Any], gadget_id: str, size: str) -> dict[str, Any]:
    """The card that the cache holds: the reader's own for a resident, the public form for everybody else.

    Nothing is asked of a provider here; what is missing is filled by the page's script or on the gadget's page.
    """
    published = gadget_queries.registry()
    locale, now = _locale(), timezone.now()
    bundle = _reader(context)
    chosen = published.choose(gadget_id, bundle, now)
    if chosen is None:
        return {"gadget": None}
    gadget = chosen.shown
    placed = gadget_queries.placement(bundle.id, gadget_id) if bundle else None
    wanted = fetch.wanted_for(
        gadget,
        bundle=bundle,
        locale=locale,
        size=size,
        settings=placed.settings if placed else {},
        cells=published.cells,
    )
    stored = fetch.cached(wanted, now) if gadget.has_card else None
    return {
        "gadget": gadget,
        "title": pick(gadget.title, locale),
        "summary": pick(gadget.summary, locale),
        "size": wanted.size,
        "locale": locale,
        "stored": stored,
        "fetch": gadget.has_card and (stored is None or stored.wants_refresh(now)),
        "state": stored.status(now) if stored else "",
        "as_of": as_of(stored, now) if stored else "",
        "source": source(stored) if stored else "",
        "note": stored.source.note if stored else "",
        "withheld": withheld(wanted.too_few, public_form=wanted.public_form),
    }


def _reader(context: dict[str, Any]) -> Bundle | None:
    """Who reads; nobody in particular in a preview."""
    request = context.get("request")
    if request is None or getattr(request, "is_preview", False) or not hasattr(request, "session"):
        return None
    resident_id = authority.subject(request)
    return identity_queries.bundle(resident_id) if resident_id else None
