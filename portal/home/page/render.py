"""Draws a home: templates run once for each piece and language, a request only joins the pieces.

One function serves guest, resident and preview.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _

from core.markup import html_id
from core.region_time import for_everybody
from core.texts import pick
from gadgets.types import Pause
from gadgets.words import as_of, paused, source, withheld
from identity.domain.attributes import DISTRICTS, TOPICS, label
from identity.sessions import person, portal_sessions
from portal.alerts import alert_names
from portal.alerts.alert_files import area_words
from portal.home.guest import Choices
from portal.home.index import series
from portal.home.index.sources import Entry, address
from portal.home.page import formats, reasons
from portal.home.page.cards import CardView
from portal.home.page.compose import SHOWN, HomeView, Listed
from portal.home.page.fragments import draw
from portal.home.page.page_template import Shell, clean, slot
from portal.mydata import prompt

ENOUGH_EVENTS = 12
EVENTS_SHOWN = 6
MOST_STATUS_LINES = 4096

_status_lines: dict[tuple[object, ...], str] = {}


def render(
    view: HomeView, *, request: HttpRequest, messages: str = "", acting: str = "", visit: str = ""
) -> str:
    """The whole page. `messages` is HTML for what the last action had to say, `acting` for whose home it is.

    `visit` is the seal of this visit where openings are noted; without it every link is the plain one.
    """
    signed_in = view.reader.mode == "resident"
    csrf = get_token(request) if signed_in else ""
    values = {
        "csrf": csrf,
        "left": str(portal_sessions.seconds_left(request)) if signed_in else "",
        "messages": messages,
        "acting": acting,
        "alerts": _alerts(view),
        "listed": _listed(view, csrf, visit),
        "events": _events(view),
        "news": _news(view),
        "guest": _guest(view) if view.reader.mode == "guest" else "",
    }
    values["cards"] = "".join(_card(view, card, values["csrf"]) for card in view.cards)
    return _shell(view).fill(values)


def _shell(view: HomeView) -> Shell:
    key = (view.reader.locale, "shell", view.reader.mode, view.reader.personalised)
    # A preview may bring zones that are still being edited.
    kept = view.layout is view.catalogue.layout
    found = view.catalogue.drawn.get(key) if kept else None
    if found is None:
        with for_everybody(view.reader.locale):
            found = Shell.cut(render_to_string("home/home.html", _context(view), request=_stand_in(view)))
        if kept:
            view.catalogue.drawn[key] = found
    return found


def _context(view: HomeView) -> dict[str, Any]:
    locale, mode = view.reader.locale, view.reader.mode
    titles = view.layout.titles
    return {
        "csrf_token": slot("csrf"),
        "session_left": slot("left"),
        "title": clean(pick(titles["home"], locale)) if "home" in titles else _("ホーム"),
        "zones": [
            {
                "name": zone,
                "title": clean(pick(titles[zone], locale)),
                "template": f"home/zone_{zone}.html",
            }
            for zone in view.layout.zones
        ],
        "resident": mode == "resident",
        "guest": mode == "guest",
        "personalised": view.reader.personalised,
        "slot": {
            name: slot(name)
            for name in ("acting", "messages", "alerts", "listed", "cards", "events", "news", "guest")
        },
    }


def _stand_in(view: HomeView) -> HttpRequest:
    """The request for which a shell is drawn: the home's own address, and nobody in particular."""
    request = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = reverse("home:home")
    request.META = {"SERVER_NAME": "portal", "SERVER_PORT": "80"}
    request.session = {person.KEY: ""} if view.reader.mode == "resident" else {}  # type: ignore[assignment]
    request.user = AnonymousUser()
    return request


def _words(entry: Entry, locale: str, later: series.Later | None = None) -> dict[str, Any]:
    """What every template of an entry needs."""
    return {
        "url": address(entry, locale),
        "kind": entry.item.kind,
        "title": clean(pick(entry.title, locale)),
        "summary": clean(pick(entry.summary, locale)),
        # A text that falls back to Japanese says so to a screen reader.
        "lang": "ja" if locale == "en" and "en" not in entry.title else "",
        "published": entry.item.published_at,
        "published_text": formats.day(entry.item.published_at, locale),
        "places": (", " if locale == "en" else "、").join(
            pick(DISTRICTS[place].name, locale) for place in entry.item.places if place in DISTRICTS
        ),
        "place": clean(entry.place),
        "attribution": clean(entry.attribution),
        "when": formats.when(entry.item.starts_at, entry.ends_at, locale, all_day=entry.all_day)
        if entry.item.starts_at
        else "",
        "starts_at": entry.item.starts_at,
        "later": formats.later(later.count, later.last, locale) if later else "",
        "urgent": entry.item.urgent,
        "level": entry.level,
        "what_to_do": clean(pick(entry.what_to_do, locale)) if entry.what_to_do else "",
        "sample": entry.sample,
        "slot": {name: slot(name) for name in ("label", "why", "href", "away")},
    }


def entry_piece(view: HomeView, row: int, template: str) -> Shell:
    """One entry of the catalogue by one template."""
    found = view.catalogue.drawn.get((view.reader.locale, template, row))
    if found is not None:
        return found
    entry = view.catalogue.entries[row]
    found_words = _words(
        entry, view.reader.locale, series.later(view.catalogue.entries, view.catalogue.days, row)
    )
    return draw(view, (template, row), template, found_words)


def _alerts(view: HomeView) -> str:
    if not view.alerts:
        return ""
    title = escape(pick(view.layout.titles["alerts"], view.reader.locale))
    lines = "".join(_alert(view, row).fill({}) for row in view.alerts)
    return f'<section class="alerts" aria-label="{title}">{lines}</section>'


def _alert(view: HomeView, row: int) -> Shell:
    """Its area and its name by kind and level, when it was issued and corrected, and its own words."""
    entry, locale = view.catalogue.entries[row], view.reader.locale
    context = _words(entry, locale) | {
        "area": area_words(entry.item.places, locale),
        "name": alert_names.name(entry.alert_kind, entry.level, locale) if entry.alert_kind else "",
        "issued": _moment(entry.item.published_at, locale),
        "corrected": _moment(entry.corrected_at, locale) if entry.corrected_at else "",
        "corrected_at": entry.corrected_at,
    }
    return draw(view, ("home/_alert.html", row), "home/_alert.html", context)


def _moment(at: datetime, locale: str) -> str:
    return f"{formats.day(at, locale)} {formats.clock(at)}"


def _listed(view: HomeView, csrf: str, visit: str) -> str:
    through = reverse("home:opened", args=[visit, "-"]).removesuffix("-/") if visit else ""
    lines = [
        entry_piece(view, listed.row, "home/_entry.html").fill(
            {
                "label": draw(view, ("new",), "home/_new.html", {}).fill({}) if listed.exploring else "",
                "why": reasons.why(view, listed, csrf),
                "href": _href(view, listed, through),
                "away": _away(view, listed, csrf, visit),
            }
        )
        for listed in view.listed
    ]
    return _folded(view, lines, SHOWN, put_away=bool(view.reader.hidden))


def _href(view: HomeView, listed: Listed, through: str) -> str:
    """The entry's own address, or the one that notes the opening and leads there."""
    entry = view.catalogue.entries[listed.row]
    if through:
        return f"{through}{quote(entry.item.id, safe='')}/"
    return escape(address(entry, view.reader.locale))


def _away(view: HomeView, listed: Listed, csrf: str, visit: str) -> str:
    """The way to put the entry away: for residents with the personalised order, who have somewhere to keep it."""
    if view.reader.mode != "resident" or not view.reader.personalised:
        return ""
    key = (view.reader.locale, "away", listed.row)
    found = view.catalogue.drawn.get(key)
    if found is None:
        words = _words(view.catalogue.entries[listed.row], view.reader.locale)
        item = clean(view.catalogue.entries[listed.row].item.id)
        context = {**words, "item": item, "slot": {"csrf": slot("csrf"), "visit": slot("visit")}}
        found = draw(view, key[1:], "home/_away.html", context)
    return found.fill({"csrf": csrf, "visit": visit})


def _folded(
    view: HomeView, lines: Sequence[str], shown: int, *, end: bool = False, put_away: bool = False
) -> str:
    """A list of which the first `shown` are open; `end` says that nothing is known beyond it."""
    key = ("list", len(lines) > 0, max(len(lines) - shown, 0), end, put_away)
    context = {
        "any": bool(lines),
        "rest": max(len(lines) - shown, 0),
        "end": end,
        "put_away": put_away,
        "slot": {"first": slot("first"), "rest": slot("rest")},
    }
    return draw(view, key, "home/_list.html", context).fill(
        {"first": "".join(lines[:shown]), "rest": "".join(lines[shown:])}
    )


def _events(view: HomeView) -> str:
    lines = [entry_piece(view, row, "home/_event.html").fill({}) for row in view.events]
    return _folded(view, lines, EVENTS_SHOWN, end=len(lines) < ENOUGH_EVENTS)


def _news(view: HomeView) -> str:
    lines = [entry_piece(view, row, "home/_news.html").fill({}) for row in view.news]
    return _folded(view, lines, len(lines))


def _card(view: HomeView, card: CardView, csrf: str) -> str:
    locale, gadget, place = view.reader.locale, card.gadget, card.place
    resident = view.reader.mode == "resident"
    key = (locale, "frame", gadget.id, gadget.version, place.size, place.locked, resident)
    frame = view.catalogue.drawn.get(key)
    if frame is None:
        context = {
            "gadget": gadget,
            "title": clean(pick(gadget.title, locale)),
            "size": place.size.lower(),
            "slot": {name: slot(name) for name in ("body", "fetch", "status", "prompt")},
        }
        frame = draw(view, key[1:], "home/_gadget.html", context)
    return frame.fill(
        {
            "body": _body(view, card),
            "fetch": _fetch(view, card),
            "status": _status(view, card),
            "prompt": _prompt(view, card, csrf),
        }
    )


def _body(view: HomeView, card: CardView) -> str:
    if card.stored is not None:
        return card.stored.html
    if not card.has_card:
        return f"<p>{escape(pick(card.gadget.summary, view.reader.locale))}</p>"
    return draw(
        view,
        ("missing", card.gadget.id, card.gadget.version),
        "home/_missing.html",
        {"gadget": card.gadget, "title": clean(pick(card.gadget.title, view.reader.locale))},
    ).fill({})


def _fetch(view: HomeView, card: CardView) -> str:
    """Marks a body that the page's script fills or renews; without a script it stays as it is."""
    if not card.has_card or view.reader.mode == "preview":
        return ""
    own = None if card.stands_in else card.stored
    if own is not None and not own.wants_refresh(view.now):
        return ""
    state = "missing" if own is None else "old"
    address = escape(
        f"{reverse('gadgets_wire:card', args=[card.gadget.id])}?locale={view.reader.locale}&size={card.place.size}"
    )
    return f' data-card="{state}" data-src="{address}"'


def _status(view: HomeView, card: CardView) -> str:
    """The line under a card, as `gadgets/frame.html` draws it too: a word, the time, the source.

    Its words are the same for all who see this card on this day, so they are kept for a while.
    """
    if not card.has_card:
        return ""
    stored, locale = card.stored, view.reader.locale
    pause = card.gadget.pause(view.now) if card.gadget.pauses else None
    until = (card.gadget.id, pause.ends_at) if pause is not None else ()
    few: tuple[object, ...] = (card.too_few, card.public_form) if card.too_few else ()
    if card.stands_in:
        few = ("stands in",)
    key: tuple[object, ...]
    if stored is None:
        key = (locale, "", until, view.today, few)
    else:
        key = (locale, stored.status(view.now), stored.observed_at, stored.source, until, view.today, few)
    found = _status_lines.get(key)
    if found is None:
        if len(_status_lines) >= MOST_STATUS_LINES:
            _status_lines.clear()
        with for_everybody(locale):
            found = render_to_string("home/_status.html", _status_words(view, card, pause))
        _status_lines[key] = found
    return found


def _status_words(view: HomeView, card: CardView, pause: Pause | None) -> dict[str, object]:
    stored = card.stored
    told: dict[str, object] = {
        "withheld": _("だれでも見られる内容です。")
        if card.stands_in
        else withheld(card.too_few, public_form=card.public_form),
        "paused": paused(pause, view.now),
    }
    if stored is not None:
        told |= {
            "state": stored.status(view.now),
            "as_of": as_of(stored, view.now),
            "source": source(stored),
            "source_url": stored.source.url,
            "note": stored.source.note,
        }
    return told


def _prompt(view: HomeView, card: CardView, csrf: str) -> str:
    """The question for consent, or what has to be filled in before there is anything to ask."""
    if not card.asks and not card.lacks:
        return ""
    locale, gadget = view.reader.locale, card.asking or card.gadget
    title = clean(pick(gadget.title, locale))
    if card.lacks:
        subjects = [(label(name, locale), reasons.change_url(name, "resident")) for name in card.lacks]
        context = {"title": title, "subjects": subjects}
        return draw(view, ("lacks", gadget.id, gadget.version), "home/_lacks.html", context).fill({})
    names = tuple(claim.name for claim in card.asks)
    news = tuple(pick(text, locale) for text in card.news)
    key = (locale, "prompt", gadget.id, gadget.version, names, news)
    found = view.catalogue.drawn.get(key)
    if found is None:
        context = {
            **prompt.body_context(gadget, names, locale, news=card.news),
            "title": title,
            "language": locale,
            "shown": prompt.gadget_notice(gadget, names, locale, news=card.news).sha256,
            "next": f"{reverse('home:home')}#gadget-{html_id(gadget.id)}",
            "csrf_token": slot("csrf"),
        }
        found = draw(view, key[1:], "home/_consent.html", context)
    return found.fill({"csrf": csrf})


def _guest(view: HomeView) -> str:
    choices = view.reader.choices
    return draw(view, ("guest", choices), "home/_guest.html", guest_form(choices, view.reader.locale)).fill(
        {}
    )


def guest_form(choices: Choices, locale: str, error: str = "") -> dict[str, Any]:
    """The context of a guest's form."""
    return {
        "choices": choices,
        "error": error,
        "districts": [
            (code, pick(district.name, locale), code == choices.district)
            for code, district in DISTRICTS.items()
        ],
        "topics": [(code, pick(texts, locale), code in choices.topics) for code, texts in TOPICS.items()],
    }
