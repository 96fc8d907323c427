"""Draws a checked card once, by our own templates, to a fragment of HTML.

The fragment holds no heading, no script and no style; the page around it owns title, source, status line
and forms. `rc-` classes are its only contract with the stylesheet.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from django.template.loader import get_template
from django.utils import formats, translation
from django.utils.safestring import SafeString, mark_safe

from core.markup import machine_time
from core.region_time import region_zone
from gadgets.errors import CardError, Problem
from gadgets.protocol.card import (
    Action,
    Actions,
    Block,
    Card,
    Chart,
    DateItem,
    Dates,
    Fallback,
    Form,
    Image,
    ListBlock,
    Map,
    Metric,
    Notice,
    Progress,
    Submit,
    Text,
    bulkhead,
)
from gadgets.protocol.cards import card_pictures, card_size
from gadgets.protocol.text import inline_html, paragraphs
from gadgets.protocol.wire import problem

_TEMPLATES = "templates/gadgets/card"
_DAY = {"en": "D j M", "ja": "n月j日（D）"}
_DAY_AND_YEAR = {"en": "D j M Y", "ja": "Y年n月j日（D）"}
_CLOCK = "H:i"


@cache
def template_version() -> str:
    """Changes whenever a template or the drawing code does; part of every card's cache key."""
    digest = hashlib.sha256()
    package = files("gadgets")
    drawn_by = (
        "serving/render.py",
        "contract/text.py",
        "contract/card_blocks.py",
        "contract/card_pictures.py",
        "contract/card_size.py",
    )
    sources = [package.joinpath(*name.split("/")) for name in drawn_by]
    sources += sorted(package.joinpath(_TEMPLATES).iterdir(), key=lambda file: file.name)
    for source in sources:
        if source.is_file():
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Turns an image's `src` and a form's name into an address of ours; empty where there is none."""

    image: Callable[[str], str] = lambda _: ""
    form: Callable[[str], str] = lambda _: ""


def html_language(locale: str) -> str:
    """Easy Japanese is Japanese to a browser."""
    return "ja" if locale == "ja-simple" else locale


def render(
    card: Card,
    *,
    locale: str,
    size: str = "L",
    old: bool = False,
    calendar_url: str = "",
    addresses: Addresses | None = None,
) -> str:
    """The fragment. `size`: what stands higher than a tile of it goes below "more". `calendar_url`: where the dates of this card are to be had as a calendar. `old`: as it looks once the card is past its freshness; nothing in it is then called current. `addresses`: of what belongs to the card and lies elsewhere; without it forms and images are shown in words only."""
    at = addresses or Addresses()
    with bulkhead(), translation.override(locale):
        parts = card_size.parted(card.blocks, size)
        first, rest = (
            [_context(block, card, locale, at, old=old) for block in blocks]
            for blocks in (parts.first, parts.rest)
        )
        page_language = html_language(locale)
        context = {
            "blocks": first,
            "rest": rest,
            "summary": "" if first else card.summary,
            "lang": card.lang,
            "calendar_url": calendar_url if any(isinstance(block, Dates) for block in card.blocks) else "",
            "word_lang": page_language if page_language != card.lang else "",
        }
        html = get_template("gadgets/card/card.html").render(context)
        if len(html.encode()) > card_size.MOST_HTML:
            raise CardError(_too_much_html(len(html.encode())))
        return html


def _too_much_html(length: int) -> Problem:
    return problem(
        "$.blocks",
        f"表示する HTML が {length} バイトになり、上限の {card_size.MOST_HTML} バイトを超えています。",
        f"would become {length} bytes of HTML; at most {card_size.MOST_HTML} are allowed.",
        "内容を減らしてください。記号（& < > 引用符）は、HTML では長くなります。",
        "Send less; the signs & < > and quotation marks are longer in HTML.",
    )


def _safe(html: str) -> SafeString:
    """`gadgets.protocol.text` has escaped and cleaned it."""
    return mark_safe(html)  # noqa: S308


def _context(block: Block, card: Card, locale: str, at: Addresses, *, old: bool) -> dict[str, Any]:
    context: dict[str, Any] = {"block": block, "template": f"gadgets/card/{block.type}.html"}
    if isinstance(block, Chart | Map | Progress):
        context |= _figure(block)
    elif isinstance(block, Image | Form | Actions):
        context |= _elsewhere(block, at)
    elif isinstance(block, Text | Fallback | Notice):
        context["paragraphs"] = [_safe(part) for part in paragraphs(block.text)]
    elif isinstance(block, ListBlock):
        context["items"] = [
            {"href": item.href, "text": item.text if item.href else _safe(inline_html(item.text))}
            for item in block.items
        ]
    elif isinstance(block, Metric):
        shown = replace(block, status="old") if old and block.status == "current" else block
        context["block"] = shown
        context["number"] = number(shown.value)
        if shown.observed is not None:
            context["observed"] = moment(shown.observed, locale, card.updated)
            context["observed_iso"] = machine_time(shown.observed)
    elif isinstance(block, Dates):
        context["items"] = [_date(item, locale, card.updated) for item in block.items]
    return context


def _elsewhere(block: Image | Form | Actions, at: Addresses) -> dict[str, Any]:
    """What leads to another address."""
    if isinstance(block, Image):
        return {"src": at.image(block.src)}
    if isinstance(block, Form):
        intro = [_safe(part) for part in paragraphs(block.spec.intro)]
        return {"href": at.form(block.spec.name), "paragraphs": intro}
    items = [
        {"label": item.label, "href": item.href}
        if isinstance(item, Action)
        else {"label": item.label, "page": at.form(item.spec.name)}
        for item in block.items
        if isinstance(item, Action | Submit)
    ]
    return {"items": items}


def _figure(block: Chart | Map | Progress) -> dict[str, Any]:
    """What is drawn as a picture, and the same in words."""
    if isinstance(block, Progress):
        values = {"value": repr(block.value), "maximum_value": repr(block.maximum)}
        return {"number": number(block.value), "maximum": number(block.maximum), **values}
    if isinstance(block, Map):
        sketch = card_pictures.sketch(block)
        return {"sketch": sketch, "width": length(sketch.metres)}
    rows = [
        {"label": label, "cells": [number(series.values[index]) for series in block.series]}
        for index, label in enumerate(block.labels)
    ]
    context: dict[str, Any] = {"rows": rows}
    if any(value is not None for series in block.series for value in series.values):
        picture = card_pictures.chart(block)
        context |= {"picture": picture, "low": number(picture.low), "high": number(picture.high)}
        if len(block.labels) > 1:
            context |= {"first": block.labels[0], "last": block.labels[-1]}
        if len(block.series) > 1:
            context["legend"] = [series.label for series in block.series]
    return context


def length(metres: float) -> str:
    """A width of a sketch, rounded to what an eye can use."""
    if metres < 950:
        return f"{round(metres, -2):.0f} m"
    return f"{metres / 1000:.1f} km" if metres < 9950 else f"{metres / 1000:,.0f} km"


def number(value: float | None) -> str:
    """Digits with separators; empty for a missing value, which the template then names in words."""
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def moment(at: date | datetime, locale: str, beside: datetime) -> str:
    """A date (and time) in words; the year only where it is another than that of the card."""
    zone = region_zone()
    local = at.astimezone(zone) if isinstance(at, datetime) else at
    table = _DAY if local.year == beside.astimezone(zone).year else _DAY_AND_YEAR
    text = formats.date_format(
        local, table[html_language(locale) if html_language(locale) in table else "ja"]
    )
    return f"{text} {formats.date_format(local, _CLOCK)}" if isinstance(local, datetime) else text


def _date(item: DateItem, locale: str, beside: datetime) -> dict[str, Any]:
    return {
        "iso": machine_time(item.at),
        "shown": moment(item.at, locale, beside),
        "label": item.label,
        "note": item.note,
    }
