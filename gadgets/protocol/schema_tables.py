"""Writes the field tables of the reference from the JSON Schemas: `python -m gadgets.protocol.schema_tables`; pure.

A table stands between two marks of its page, `<!-- fields: NAME -->` and `<!-- end -->`. What a field is for
is its `description` in the schema, when it is required its `x-required` or the schema itself, and its limits
are the schema's own. A field without a description is an error: nobody should have to guess.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gadgets.protocol.wire import schema_bytes

PAGES: Mapping[str, str] = {"manifest": "gadget-manifest.md", "card": "card.md"}
_MARK = re.compile(r"(<!-- fields: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
Schema = Mapping[str, Any]


class UndescribedFieldError(ValueError):
    """A field of a schema says nothing of itself."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row: `a.b`, `a[].b` or `a.*`; when it must be there; what it is."""

    place: str
    required: str
    words: str

    @property
    def row(self) -> str:
        return f"| `{self.place}` | {self.required} | {self.words} |"


def document(name: str) -> dict[str, Any]:
    """A schema by its short name: `manifest` or `card`."""
    found: dict[str, Any] = json.loads(schema_bytes(f"{name}-1.0"))
    return found


def _followed(schema: Schema, whole: Schema) -> dict[str, Any]:
    """The schema with its reference put in; what stands beside the reference holds first."""
    if "$ref" not in schema:
        return dict(schema)
    target: Any = whole
    for step in schema["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**_followed(target, whole), **beside}


def _parts(schema: Any, whole: Schema) -> Iterator[dict[str, Any]]:
    """The schema itself and every alternative inside it."""
    if not isinstance(schema, dict):
        return
    own = _followed(schema, whole)
    yield own
    for key in ("allOf", "anyOf"):
        for inner in own.get(key, ()):
            yield from _parts(inner, whole)
    for key in ("then", "else"):
        yield from _parts(own.get(key), whole)


def fields(schema: Any, whole: Schema, path: str = "") -> Iterator[Field]:
    """Every field below `schema`, depth first, in the order of the schema."""
    seen: set[str] = set()
    for part in _parts(schema, whole):
        required = part.get("required", ())
        for name, inner in part.get("properties", {}).items():
            place = f"{path}.{name}" if path else name
            for found in _field(inner, whole, place, "yes" if name in required else "no"):
                if found.place not in seen:
                    seen.add(found.place)
                    yield found
        extra = part.get("additionalProperties")
        if isinstance(extra, dict):
            yield from _field(extra, whole, f"{path}.*", "no")
        if isinstance(part.get("items"), dict):
            yield from fields(part["items"], whole, f"{path}[]")


def _field(inner: Any, whole: Schema, place: str, required: str) -> Iterator[Field]:
    if inner is True:  # described in another alternative
        return
    own = _followed(inner, whole)
    if not own.get("description"):
        raise UndescribedFieldError(place)
    words = "; ".join(part for part in (own["description"], *limits(own, whole)) if part)
    yield Field(place, own.get("x-required", required), words)
    yield from fields(inner, whole, place)


def _span(schema: Schema, low: str, high: str, what: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if most is None:
        return f"at least {least:,}{what}" if least is not None else ""
    if least is None or (least in (0, 1) and what.endswith("characters")):
        return f"at most {most:,}{what}"
    return f"{least:,} to {most:,}{what}"


_FORMATS: Mapping[str, str] = {
    "date": "a date",
    "date-time": "time with offset",
    "moment": "a date, or a time with offset",
}
_TYPES: Mapping[str, str] = {
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "number": "number",
    "null": "`null`",
}


def limits(schema: Schema, whole: Schema) -> Iterator[str]:
    """What the schema itself says of a value, in words; choices first."""
    if "const" in schema:
        yield f"always `{schema['const']}`"
    choices = schema.get("enum")
    entries = schema.get("items")
    if choices is None and isinstance(entries, dict):
        choices = _followed(entries, whole).get("enum")
    if choices:
        yield ", ".join(f"`{choice}`" for choice in choices)
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not choices and "const" not in schema and any(kind in _TYPES for kind in kinds):
        yield " or ".join(_TYPES.get(kind, "text" if kind == "string" else kind) for kind in kinds)
    time = _FORMATS.get(schema.get("format", ""), "")
    yield f"{time}, in the years 1900 to 2200" if time and "pattern" in schema else time
    yield _span(schema, "minimum", "maximum", "")
    yield _span(schema, "minLength", "maxLength", " characters")
    yield _span(schema, "minItems", "maxItems", " entries")
    yield _span(schema, "minProperties", "maxProperties", " entries")


def card_blocks() -> Iterator[Field]:
    """`type.field` for every field of every block; what all blocks share stands with the card."""
    whole = document("card")
    for kind, schema in whole["$defs"]["blocks"].items():
        yield from fields(schema, whole, kind)


def card_frame() -> Iterator[Field]:
    """The card around its blocks."""
    whole = document("card")
    frame = {**whole, "properties": {**whole["properties"]}}
    yield from fields(frame, {**whole, "$defs": {**whole["$defs"], "block": _bare(whole)}})


def _bare(whole: Schema) -> dict[str, Any]:
    """A block without its alternatives."""
    return {key: value for key, value in whole["$defs"]["block"].items() if key != "allOf"}


def table(name: str) -> str:
    """One table by the name of its mark."""
    if name == "manifest":
        whole = document("manifest")
        found = list(fields(whole, whole))
    else:
        found = list({"card": card_frame, "blocks": card_blocks}[name]())
    return "\n".join(["| field | required | value |", "|---|---|---|", *(field.row for field in found), ""])


def filled(page: str) -> str:
    """The page with every table between its marks written anew."""
    return _MARK.sub(lambda mark: mark[1] + table(mark[2]) + mark[3], page)


def write(folder: Path) -> None:
    """Writes the tables of the pages in `docs/reference`."""
    for name in PAGES.values():
        page = folder / name
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
