"""The dates of a card as a calendar file (iCalendar), made from the stored card: asks no provider."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from icalendar import Calendar, Event

from gadgets.protocol.card import Card, Dates
from gadgets.types import StoredCard, Wanted

MEDIA_TYPE = "text/calendar; charset=utf-8"


def address(wanted: Wanted) -> str:
    """Where the reader of this card gets it as a calendar; empty when the site has no such address."""
    try:
        path = reverse("gadgets_wire:dates", args=[wanted.gadget.id])
    except NoReverseMatch:
        return ""
    return f"{path}?{urlencode({'locale': wanted.locale, 'size': wanted.size})}"


def dates_of(card: Card) -> tuple[tuple[str, str, str], ...]:
    """Every date of the card: ISO date or time, label, note."""
    return tuple(
        (item.iso, item.label, item.note or "")
        for block in card.blocks
        if isinstance(block, Dates)
        for item in block.items
    )


def ics(stored: StoredCard, *, gadget_id: str, title: str, now: datetime) -> bytes:
    """The file. An event keeps its id when the file is fetched again, so that a calendar does not double it."""
    calendar = Calendar()
    calendar.add("prodid", "-//Madoguchi//Region Gadget 1.0//JA")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", title)
    for iso, label, note in stored.dates:
        event = Event()
        name = hashlib.sha256(f"{gadget_id}\n{iso}\n{label}".encode()).hexdigest()[:32]
        event.add("uid", f"{name}@{gadget_id}")
        event.add("dtstamp", now)
        event.add("summary", label)
        if "T" in iso:
            event.add("dtstart", datetime.fromisoformat(iso).astimezone(UTC))
        else:
            day = date.fromisoformat(iso)
            event.add("dtstart", day)
            event.add("dtend", day + timedelta(days=1))
            event.add("transp", "TRANSPARENT")
        about = [part for part in (note, f"{stored.source.publisher} ({stored.source.licence})") if part]
        event.add("description", "\n".join(about))
        calendar.add_component(event)
    raw: bytes = calendar.to_ical()
    return raw
