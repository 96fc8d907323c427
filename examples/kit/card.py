"""Builds cards (`application/vnd.region-card+json`): plain data, no HTML, no colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Texts = Mapping[str, str]
Block = dict[str, Any]
MEDIA_TYPE = "application/vnd.region-card+json; charset=utf-8"


def pick(texts: Texts, locale: str) -> str:
    """The text in the wanted language, else in Japanese."""
    return texts.get(locale) or texts["ja"]


def text(content: str) -> Block:
    """One paragraph."""
    return {"type": "text", "text": content}


def facts(items: Sequence[tuple[str, str]]) -> Block:
    """Pairs of label and value."""
    return {"type": "facts", "items": [{"label": label, "value": value} for label, value in items]}


def listing(items: Sequence[str]) -> Block:
    """A plain list."""
    return {"type": "list", "items": list(items)}


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Block:
    """A table whose first column heads each row."""
    return {
        "type": "table",
        "caption": caption,
        "columns": [{"label": label} for label in columns],
        "rows": [list(row) for row in rows],
        "row_headers": True,
    }


def dates(items: Sequence[tuple[date, str]]) -> Block:
    """Days, each with what happens on it."""
    return {"type": "dates", "items": [{"date": day.isoformat(), "label": label} for day, label in items]}


def metric(
    label: str, value: float | None, unit: str, *, observed: datetime | None, status: str, note: str = ""
) -> Block:
    """One measured value; a missing one is null and `not_available`, never 0."""
    block: Block = {
        "type": "metric",
        "label": label,
        "value": value,
        "unit": unit,
        "observed": observed.isoformat() if observed else None,
        "status": status,
    }
    return block | ({"note": note} if note else {})


def notice(level: str, content: str) -> Block:
    """A marked sentence; level is info, warning, danger or success."""
    return {"type": "notice", "level": level, "text": content}


def actions(items: Sequence[tuple[str, str]]) -> Block:
    """Links to pages of the declared origins: (label, URL)."""
    return {
        "type": "actions",
        "items": [{"type": "open", "label": label, "href": href} for label, href in items],
    }


def field(name: str, label: str, kind: str, **more: Any) -> Block:
    """One field of a form; `more` are its limits and its `value` so far."""
    return {"name": name, "label": label, "type": kind} | more


def form(name: str, label: str, fields: Sequence[Block], *, button: str, intro: str = "") -> Block:
    """A form that the portal draws and posts to the manifest's `action`."""
    block: Block = {"type": "form", "name": name, "label": label, "fields": list(fields), "button": button}
    return block | ({"intro": intro} if intro else {})


@dataclass(frozen=True)
class Source:
    """Who publishes the data, under which licence."""

    publisher: Texts
    licence: str
    url: str = ""
    note: Texts | None = None

    def as_json(self, locale: str) -> dict[str, str]:
        """The member `source` of a card."""
        out = {"publisher": pick(self.publisher, locale), "licence": self.licence}
        if self.url:
            out["url"] = self.url
        if self.note is not None:
            out["note"] = pick(self.note, locale)
        return out


def card(
    *,
    locale: str,
    summary: str,
    updated: datetime,
    valid_until: datetime,
    source: Source,
    blocks: Sequence[Block],
) -> dict[str, Any]:
    """A whole card; easy Japanese is Japanese to a screen reader."""
    return {
        "lang": "en" if locale == "en" else "ja",
        "summary": summary,
        "updated": updated.isoformat(),
        "valid_until": valid_until.isoformat(),
        "source": source.as_json(locale),
        "blocks": list(blocks),
    }
