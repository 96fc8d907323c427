"""The blocks of a card as values, built from JSON that passed the schema and the rules; pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from gadgets.protocol.forms import FormSpec
from gadgets.protocol.forms import read as read_form


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
class Progress:
    """`value` of `maximum`; None when nobody knows."""

    label: str
    value: int | float | None
    maximum: int | float
    unit: str = ""
    note: str | None = None
    type: str = "progress"


@dataclass(frozen=True, slots=True)
class Notice:
    level: Literal["info", "warning", "danger", "success"]
    text: str
    type: str = "notice"


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each label of its chart; None where there is none."""

    label: str
    values: tuple[int | float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    caption: str
    kind: Literal["bar", "line"]
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""
    note: str | None = None
    type: str = "chart"


@dataclass(frozen=True, slots=True)
class Place:
    """A point, or a line of at least two; longitude and latitude in degrees."""

    label: str
    points: tuple[tuple[float, float], ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Map:
    caption: str
    places: tuple[Place, ...]
    note: str | None = None
    type: str = "map"


@dataclass(frozen=True, slots=True)
class Image:
    """`src` is fetched by the portal alone; a reader gets a copy of ours."""

    src: str
    alt: str
    caption: str | None = None
    type: str = "image"


@dataclass(frozen=True, slots=True)
class Form:
    """A form that is drawn on a page of the portal's own; the card links to it."""

    spec: FormSpec
    type: str = "form"


@dataclass(frozen=True, slots=True)
class Action:
    """A plain link."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Submit:
    """Sends fixed values, after a question on a page of the portal's own."""

    label: str
    spec: FormSpec


@dataclass(frozen=True, slots=True)
class Actions:
    items: tuple[Action | Submit, ...]
    type: str = "actions"


@dataclass(frozen=True, slots=True)
class Fallback:
    """A block of a type that this version does not know: its text is shown instead."""

    text: str
    type: str = "fallback"


Block = (
    Text
    | Facts
    | ListBlock
    | Table
    | Dates
    | Metric
    | Progress
    | Notice
    | Chart
    | Map
    | Image
    | Form
    | Actions
    | Fallback
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


def _table(block: Mapping[str, Any]) -> Table:
    columns = tuple(column["label"] for column in block["columns"])
    rows = tuple(tuple(row) for row in block["rows"])
    return Table(block["caption"], columns, rows, block["row_headers"])


def _dates(block: Mapping[str, Any]) -> Dates:
    return Dates(
        tuple(DateItem(_moment(item["date"]), item["label"], item.get("note")) for item in block["items"])
    )


def _progress(block: Mapping[str, Any]) -> Progress:
    return Progress(block["label"], block["value"], block["max"], block.get("unit", ""), block.get("note"))


def _chart(block: Mapping[str, Any]) -> Chart:
    series = tuple(Series(row["label"], tuple(row["values"])) for row in block["series"])
    return Chart(
        block["caption"],
        block["kind"],
        tuple(block["labels"]),
        series,
        block.get("unit", ""),
        block.get("note"),
    )


def _place(feature: Mapping[str, Any]) -> Place:
    geometry, words = feature["geometry"], feature["properties"]
    pairs = [geometry["coordinates"]] if geometry["type"] == "Point" else geometry["coordinates"]
    points = tuple((float(pair[0]), float(pair[1])) for pair in pairs)
    return Place(words["label"], points, words.get("note"))


def _map(block: Mapping[str, Any]) -> Map:
    places = tuple(_place(feature) for feature in block["geojson"]["features"])
    return Map(block["caption"], places, block.get("note"))


def _action(item: Mapping[str, Any]) -> Action | Submit:
    if item["type"] == "open":
        return Action(item["label"], item["href"])
    return Submit(item["label"], read_form(item))


_BUILDERS: Mapping[str, Callable[[Mapping[str, Any]], Block]] = {
    "text": lambda block: Text(block["text"]),
    "facts": lambda block: Facts(tuple(Fact(item["label"], item["value"]) for item in block["items"])),
    "list": lambda block: ListBlock(tuple(_list_item(item) for item in block["items"])),
    "table": _table,
    "dates": _dates,
    "metric": _metric,
    "progress": _progress,
    "notice": lambda block: Notice(block["level"], block["text"]),
    "chart": _chart,
    "map": _map,
    "image": lambda block: Image(block["src"], block["alt"], block.get("caption")),
    "form": lambda block: Form(read_form(block)),
    "actions": lambda block: Actions(tuple(_action(item) for item in block["items"])),
}
KNOWN = tuple(_BUILDERS)


def build(block: Mapping[str, Any]) -> Block:
    """The block, or its fallback when its type is not known."""
    builder = _BUILDERS.get(block["type"])
    return builder(block) if builder else Fallback(block["fallback"])
