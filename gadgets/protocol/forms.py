"""Forms that a card asks a resident to fill in: what they hold, and what a filled-in one means; pure.

A form is stored with the card as the JSON that the provider sent. `check` turns the texts of a web form into
values of the declared types, or says for each field what is wrong with it (a code; the page has the words).
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from gadgets.protocol.text import check_letters

Value = str | int | float | bool | None
Fault = Literal[
    "missing",
    "too_long",
    "no_number",
    "not_whole",
    "too_small",
    "too_large",
    "no_choice",
    "no_date",
    "too_early",
    "too_late",
    "bad_text",
]


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field; which limits hold depends on its kind."""

    name: str
    label: str
    kind: Literal["text", "number", "enum", "boolean", "date"]
    required: bool = False
    help: str = ""
    value: str = ""
    """What stands in the field at first, as a web form has it."""
    max_length: int = 0
    multiline: bool = False
    minimum: float = 0
    maximum: float = 0
    whole: bool = False
    choices: tuple[Choice, ...] = ()
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True)
class FormSpec:
    """A form, or an action with fixed `values` and no field. `digest` changes with anything in it."""

    name: str
    label: str
    intro: str
    button: str
    fields: tuple[FieldSpec, ...]
    values: Mapping[str, Value]
    digest: str


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field, and the limit that it breaks."""

    field: FieldSpec
    fault: Fault
    limit: str = ""


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _first(value: object) -> str:
    """A first value as a web form has it: "on" for a ticked box."""
    if value is None or isinstance(value, bool):
        return "on" if value else ""
    return shown(value) if isinstance(value, int | float) else str(value)


def _field(raw: Mapping[str, Any]) -> FieldSpec:
    return FieldSpec(
        name=raw["name"],
        label=raw["label"],
        kind=raw["type"],
        required=raw.get("required", False),
        help=raw.get("help", ""),
        value=_first(raw.get("value")),
        max_length=raw.get("max_length", 0),
        multiline=raw.get("multiline", False),
        minimum=raw.get("minimum", 0),
        maximum=raw.get("maximum", 0),
        whole=raw.get("whole", False),
        choices=tuple(Choice(it["value"], it["label"]) for it in raw.get("choices", ())),
        earliest=_day(raw.get("earliest")),
        latest=_day(raw.get("latest")),
    )


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def read(raw: Mapping[str, Any]) -> FormSpec:
    """The form of a `form` block, or of a `submit` action."""
    return FormSpec(
        name=raw["name"],
        label=raw["label"],
        intro=raw.get("intro") or raw.get("confirm") or "",
        button=raw.get("button") or raw["label"],
        fields=tuple(_field(it) for it in raw.get("fields", ())),
        values=dict(raw.get("values", {})),
        digest=hashlib.sha256(canonical({**raw, "fallback": ""})).hexdigest()[:32],
    )


def find(inputs: tuple[Mapping[str, Any], ...], name: str) -> FormSpec | None:
    """The form of that name among those that were stored with a card."""
    return next((read(raw) for raw in inputs if raw["name"] == name), None)


def check(spec: FormSpec, given: Mapping[str, str]) -> tuple[dict[str, Value], tuple[FieldFault, ...]]:
    """The values to send and what is wrong; an empty field that is not required is sent as null."""
    values: dict[str, Value] = dict(spec.values)
    faults: list[FieldFault] = []
    for field in spec.fields:
        text = given.get(field.name, "").replace("\r\n", "\n").strip()
        try:
            values[field.name] = _value(field, text)
        except _FaultError as error:
            faults.append(FieldFault(field, error.fault, error.limit))
    return values, tuple(faults)


class _FaultError(Exception):
    def __init__(self, fault: Fault, limit: str = "") -> None:
        self.fault: Fault = fault
        self.limit = limit
        super().__init__(fault)


def _value(field: FieldSpec, text: str) -> Value:
    if field.kind == "boolean":
        if field.required and text != "on":
            raise _FaultError("missing")
        return text == "on"
    if not text:
        if field.required:
            raise _FaultError("missing")
        return None
    return {"text": _text, "number": _number, "enum": _choice, "date": _date}[field.kind](field, text)


def _text(field: FieldSpec, text: str) -> Value:
    if len(text) > field.max_length:
        raise _FaultError("too_long", str(field.max_length))
    if any(check_letters("", text)) or (not field.multiline and "\n" in text):
        raise _FaultError("bad_text")
    return text


def shown(number: float) -> str:
    """A limit as a resident reads it: 3, not 3.0."""
    return str(int(number)) if number == int(number) else str(number)


def _number(field: FieldSpec, text: str) -> Value:
    plain = text.translate(str.maketrans("０１２３４５６７８９．－", "0123456789.-")).replace(",", "")
    if re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,12})?", plain) is None:
        raise _FaultError("no_number")
    number = float(plain)
    if field.whole and not number.is_integer():
        raise _FaultError("not_whole")
    if number < field.minimum:
        raise _FaultError("too_small", shown(field.minimum))
    if number > field.maximum:
        raise _FaultError("too_large", shown(field.maximum))
    return int(number) if math.isfinite(number) and number.is_integer() else number


def _choice(field: FieldSpec, text: str) -> Value:
    if text not in {choice.value for choice in field.choices}:
        raise _FaultError("no_choice")
    return text


def _date(field: FieldSpec, text: str) -> Value:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _FaultError("no_date") from None
    if field.earliest and day < field.earliest:
        raise _FaultError("too_early", field.earliest.isoformat())
    if field.latest and day > field.latest:
        raise _FaultError("too_late", field.latest.isoformat())
    return day.isoformat()
