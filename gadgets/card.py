"""The card of a gadget (Region Gadget 1.0): parses and checks what a provider answered; pure.

The rules of the schema stand in `schemas/card-1.0.json`; what a schema cannot say (links inside the
declared origins, cells and columns, a missing value that says so) is checked here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from gadgets.errors import CardError, Problem
from gadgets.manifest import origin_of
from gadgets.text import is_look_alike, links_in, walk_texts
from gadgets.types import Source
from gadgets.wire import check_schema, loads, problem, schema

MEDIA_TYPE = "application/vnd.region-card+json"
MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
KNOWN_BLOCKS = ("text", "facts", "list", "table", "dates", "metric", "notice", "actions")


class HasLinkOrigins(Protocol):
    """A manifest, or a published gadget."""

    @property
    def link_origins(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    type: str = "text"


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Facts:
    items: tuple[Fact, ...]
    type: str = "facts"


@dataclass(frozen=True, slots=True)
class ListItem:
    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class ListBlock:
    items: tuple[ListItem, ...]
    type: str = "list"


@dataclass(frozen=True, slots=True)
class Table:
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_headers: bool
    type: str = "table"


@dataclass(frozen=True, slots=True)
class DateItem:
    """`at` is a date, or an aware time."""

    at: date | datetime
    label: str
    note: str | None = None

    @property
    def has_time(self) -> bool:
        return isinstance(self.at, datetime)

    @property
    def iso(self) -> str:
        return self.at.isoformat()


@dataclass(frozen=True, slots=True)
class Dates:
    items: tuple[DateItem, ...]
    type: str = "dates"


@dataclass(frozen=True, slots=True)
class Metric:
    """`value` is None exactly when `status` is `not_available`: a missing value is never zero."""

    label: str
    value: int | float | None
    unit: str
    observed: datetime | None
    status: Literal["current", "old", "not_available"]
    note: str | None = None
    type: str = "metric"


@dataclass(frozen=True, slots=True)
class Notice:
    level: Literal["info", "warning", "danger", "success"]
    text: str
    type: str = "notice"


@dataclass(frozen=True, slots=True)
class Action:
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Actions:
    items: tuple[Action, ...]
    type: str = "actions"


@dataclass(frozen=True, slots=True)
class Fallback:
    """A block of a type that this version does not know: its text is shown instead."""

    text: str
    type: str = "fallback"


Block = Text | Facts | ListBlock | Table | Dates | Metric | Notice | Actions | Fallback


@dataclass(frozen=True, slots=True)
class Card:
    """A card that passed every check; times are aware."""

    lang: str
    summary: str
    updated: datetime
    valid_until: datetime
    source: Source
    blocks: tuple[Block, ...]

    @property
    def observed_at(self) -> datetime:
        """As of when the card speaks: its oldest observation, else its own `updated`."""
        observed = [block.observed for block in self.blocks if isinstance(block, Metric) and block.observed]
        return min(observed, default=self.updated)


def parse(raw: bytes, *, manifest: HasLinkOrigins) -> Card:
    """Parses the answer of a gadget's card endpoint; raises CardError with every problem found."""
    document = loads(raw, error=CardError, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    problems = [*check_schema(document, schema("card-1.0")), *walk_texts(document)]
    if problems:
        raise CardError(*problems)
    problems = [*_publisher(document), *_blocks(document), *_links(document, manifest.link_origins)]
    if problems:
        raise CardError(*problems)
    source = document["source"]
    return Card(
        lang=document["lang"],
        summary=document["summary"],
        updated=datetime.fromisoformat(document["updated"]),
        valid_until=datetime.fromisoformat(document["valid_until"]),
        source=Source(source["publisher"], source["licence"], source.get("url"), source.get("note")),
        blocks=tuple(_block(block) for block in document["blocks"]),
    )


def _publisher(document: Mapping[str, Any]) -> Iterator[Problem]:
    if is_look_alike(document["source"]["publisher"]):
        yield problem(
            "$.source.publisher",
            "紛らわしい文字（別の文字体系の似た文字）が混じっています。",
            "one word mixes scripts whose letters look alike.",
            "一つの単語は、日本語とラテン文字、または一つの文字体系だけで書いてください。",
            "Write each word in Japanese and Latin letters, or in one script only.",
        )


def _blocks(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Cells fit columns; a missing value says that it is missing."""
    for index, block in enumerate(document["blocks"]):
        path = f"$.blocks[{index}]"
        if block["type"] == "table":
            yield from _cells(path, block)
        elif block["type"] == "metric":
            yield from _value(path, block)


def _cells(path: str, block: Mapping[str, Any]) -> Iterator[Problem]:
    columns = len(block["columns"])
    for number, row in enumerate(block["rows"]):
        if len(row) != columns:
            yield problem(
                f"{path}.rows[{number}]",
                f"セルが {len(row)} 個ありますが、列は {columns} 個です。",
                f"has {len(row)} cells for {columns} columns.",
                "どの行も、セルの数を列の数と同じにしてください。",
                "Give every row one cell for each column.",
            )


def _value(path: str, block: Mapping[str, Any]) -> Iterator[Problem]:
    missing = block["value"] is None
    if missing != (block["status"] == "not_available"):
        yield problem(
            f"{path}.value",
            "値がないこと（null）と status が合っていません。",
            "value and status disagree about whether there is a value.",
            "値がないときだけ、value を null、status を not_available にしてください。0 で代用しないでください。",
            "Use value null together with status not_available, and only then; never 0 for a missing value.",
        )
    elif not missing and block["observed"] is None:
        yield problem(
            f"{path}.observed",
            "値があるのに、観測した時刻がありません。",
            "there is a value but no time of observation.",
            "observed に観測した時刻を書いてください。",
            "Give the time of observation.",
        )


def _links(document: Mapping[str, Any], origins: tuple[str, ...]) -> Iterator[Problem]:
    """Every link of the card leads to an origin that the manifest declares, by https."""
    for path, href in _targets(document):
        parts = urlsplit(href)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
            yield problem(
                path,
                f"リンク先「{href}」は https ではありません。",
                f"the link {href!r} is not https.",
                "https:// で始まるアドレスにしてください。",
                "Use an address that begins with https://.",
            )
        elif origin_of(href) not in origins:
            yield problem(
                path,
                f"リンク先「{href}」は、マニフェストの link_origins にありません。",
                f"the link {href!r} leaves the link_origins of the manifest.",
                f"link_origins の中（{', '.join(origins) or 'なし'}）にするか、マニフェストに加えてください。",
                f"Stay inside link_origins ({', '.join(origins) or 'none'}), or add the origin to the manifest.",
            )


def _is_loopback(host: str) -> bool:
    return host.endswith(".localhost")


def _targets(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for index, block in enumerate(document["blocks"]):
        path = f"$.blocks[{index}]"
        kind = block["type"]
        if kind in ("text", "notice"):
            yield from ((f"{path}.text", href) for href in links_in(block["text"]))
        elif kind not in KNOWN_BLOCKS:
            yield from ((f"{path}.fallback", href) for href in links_in(block["fallback"]))
        elif kind == "list":
            for number, item in enumerate(block["items"]):
                text = item if isinstance(item, str) else item["text"]
                yield from ((f"{path}.items[{number}]", href) for href in links_in(text))
                if isinstance(item, dict) and "href" in item:
                    yield f"{path}.items[{number}].href", item["href"]
        elif kind == "actions":
            yield from (
                (f"{path}.items[{number}].href", item["href"]) for number, item in enumerate(block["items"])
            )


def _moment(text: str) -> date | datetime:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return date.fromisoformat(text)
    return datetime.fromisoformat(text)


def _list_item(item: str | Mapping[str, Any]) -> ListItem:
    return ListItem(item) if isinstance(item, str) else ListItem(item["text"], item.get("href"))


def _metric(block: Mapping[str, Any]) -> Metric:
    observed = block["observed"]
    return Metric(
        block["label"],
        block["value"],
        block["unit"],
        datetime.fromisoformat(observed) if observed else None,
        block["status"],
        block.get("note"),
    )


_BUILDERS: Mapping[str, Any] = {
    "text": lambda block: Text(block["text"]),
    "facts": lambda block: Facts(tuple(Fact(item["label"], item["value"]) for item in block["items"])),
    "list": lambda block: ListBlock(tuple(_list_item(item) for item in block["items"])),
    "table": lambda block: Table(
        block["caption"],
        tuple(column["label"] for column in block["columns"]),
        tuple(tuple(row) for row in block["rows"]),
        block["row_headers"],
    ),
    "dates": lambda block: Dates(
        tuple(DateItem(_moment(item["date"]), item["label"], item.get("note")) for item in block["items"])
    ),
    "metric": _metric,
    "notice": lambda block: Notice(block["level"], block["text"]),
    "actions": lambda block: Actions(tuple(Action(item["label"], item["href"]) for item in block["items"])),
}


def _block(block: Mapping[str, Any]) -> Block:
    builder = _BUILDERS.get(block["type"])
    built: Block = builder(block) if builder else Fallback(block["fallback"])
    return built
