"""Cards written from the card's JSON Schema itself: whatever the schema allows may come, its ends above all."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from gadgets.protocol.wire import schema_bytes

Schema = Mapping[str, Any]
Drawn = st.SearchStrategy[Any]

WHOLE: Schema = json.loads(schema_bytes("card-1.0"))
ORIGIN = "https://waste.example"
_TAME = st.sampled_from(
    [
        *"あいうアカ漢字窓口がﾊﾞ0123456789 abcXYZ.,-&\"'<>;:/（）「」\n\u3000\u2019",
        "e\u0301",
        "\U0001f469\u200d\U0001f467",
        "か\u3099",
        "\u1ec7",
        "\u0928\u093f",
    ]
)
_MARKED = st.sampled_from(
    ["*", "_", "**", "[", "](", ")", "\\", "\n\n", f"[あ]({ORIGIN}/a)", "**強い**", " "]
)
_WILD = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp"])
_BROKEN = st.characters()
_PIECES = {"tame": _TAME, "marked": _TAME | _MARKED, "wild": _TAME | _WILD, "broken": _TAME | _BROKEN}
_MANY = 6
"""Entries of most lists; now and then one is as long as the schema lets it be."""
_FIRST, _LAST = 1900, 2200


def cards() -> Drawn:
    """Documents by the schema; most also keep the rules that it cannot say."""
    tame, marked, wild, broken = (_Writer(letters).of(WHOLE) for letters in _PIECES)
    fitted = st.one_of(tame, tame, tame, marked, marked, wild).map(_fitted)
    return st.one_of(*[fitted] * 8, marked, broken)


class _Writer:
    """Turns a schema into a strategy; knows the keywords that the card's schema uses, and no other."""

    KNOWN = frozenset(
        {
            "$ref", "$schema", "$id", "$defs", "title", "description", "x-note", "x-hint-ja", "x-hint-en", "x-required",
            "x-missing", "type", "const", "enum", "anyOf", "allOf", "if", "then", "else", "properties", "required",
            "additionalProperties", "propertyNames", "maxProperties", "items", "prefixItems", "minItems", "maxItems",
            "minLength", "maxLength", "minimum", "maximum", "pattern", "format",
        }
    )  # fmt: skip

    def __init__(self, letters: str) -> None:
        self.piece = _PIECES[letters]

    def of(self, schema: Schema) -> Drawn:
        schema = _followed(schema)
        unknown = set(schema) - self.KNOWN
        assert not unknown, f"the strategy does not know {unknown}"
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "anyOf" in schema:
            return st.one_of([self.of(one) for one in schema["anyOf"]])
        kinds = schema["type"]
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return st.one_of([getattr(self, f"_{kind}")(schema) for kind in kinds])

    def _null(self, _: Schema) -> Drawn:
        return st.none()

    def _boolean(self, _: Schema) -> Drawn:
        return st.booleans()

    def _integer(self, schema: Schema) -> Drawn:
        return st.integers(schema["minimum"], schema["maximum"])

    def _number(self, schema: Schema) -> Drawn:
        low, high = schema["minimum"], schema["maximum"]
        whole = st.integers(int(low) + (low > int(low)), int(high))
        ends = st.sampled_from([low, high])
        return st.floats(low, high, allow_nan=False) | whole | ends

    def _string(self, schema: Schema) -> Drawn:
        least, most = schema.get("minLength", 0), schema.get("maxLength", 60)
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if "pattern" in schema:
            return _PATTERNS[schema["pattern"]].filter(lambda text: len(text) <= most)
        short = st.lists(self.piece, min_size=least, max_size=min(most, 12))
        long = st.tuples(st.lists(self.piece, min_size=1, max_size=6), st.integers(1, most)).map(
            lambda drawn: [*drawn[0]] * (drawn[1] // len(drawn[0]) + 1)
        )
        return (short | short | long).map(lambda pieces: "".join(pieces)[:most] or "あ"[: max(least, 0)])

    def _array(self, schema: Schema) -> Drawn:
        if "prefixItems" in schema:
            return st.tuples(*map(self.of, schema["prefixItems"])).map(list)
        least, most = schema.get("minItems", 0), schema.get("maxItems", _MANY)
        entry = self.of(schema["items"])
        some = st.lists(entry, min_size=least, max_size=min(most, max(_MANY, least)))
        alike = st.tuples(entry, st.integers(max(least, 1), most)).map(lambda drawn: [drawn[0]] * drawn[1])
        return st.one_of(*[some] * 9, alike)

    def _object(self, schema: Schema) -> Drawn:
        branches = _branches(schema)
        if branches:
            return st.one_of([self._object(branch) for branch in branches])
        if isinstance(schema.get("additionalProperties"), Mapping):
            names = self.of(schema["propertyNames"])
            return st.dictionaries(names, self.of(schema["additionalProperties"]), max_size=4)
        fields = {name: self.of(inner) for name, inner in schema["properties"].items()}
        required = set(schema.get("required", ()))
        return st.fixed_dictionaries(
            {name: field for name, field in fields.items() if name in required},
            optional={name: field for name, field in fields.items() if name not in required},
        )


def _followed(schema: Schema) -> dict[str, Any]:
    if "$ref" not in schema:
        return dict(schema)
    target: Any = WHOLE
    for step in schema["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return {**_followed(target), **{key: value for key, value in schema.items() if key != "$ref"}}


def _branches(schema: Schema) -> list[Schema]:
    """An object that is told apart by its `type`: one schema for each, without conditions."""
    conditions = schema.get("allOf", ()) or ([schema] if "if" in schema else ())
    plain = {key: value for key, value in schema.items() if key not in ("allOf", "if", "then", "else")}
    found: list[Schema] = []
    for condition in conditions:
        kind = _followed(condition["if"])["properties"]["type"]
        if "const" in kind:
            found.append(_merged(plain, condition["then"], {"const": kind["const"]}))
            if "else" in condition:
                (other,) = set(plain["properties"]["type"]["enum"]) - {kind["const"]}
                found.append(_merged(plain, condition["else"], {"const": other}))
        else:
            other = {"enum": ["x", "a new kind", "Text"]}
            assert not set(other["enum"]) & set(kind["not"]["enum"])
            found.append(_merged(plain, condition["then"], other))
    return found


def _merged(plain: Schema, branch: Schema, kind: Schema) -> Schema:
    branch = _followed(branch)
    own = {name: inner for name, inner in branch.get("properties", {}).items() if inner is not True}
    known = (
        plain["properties"]
        if "properties" not in branch
        else {name: plain["properties"][name] for name in branch["properties"] if name in plain["properties"]}
    )
    required = [*plain.get("required", ()), *branch.get("required", ())]
    if "coordinates" in own:
        required.append("coordinates")
    return {"type": "object", "properties": {**known, **own, "type": kind}, "required": required}


_PATTERNS: Mapping[str, Drawn] = {
    "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$": st.sampled_from(
        ["ja", "en", "vi", "zh-Hans", "pt-BR", "xyz-12345678-ab"]
    ),
    "^[a-z][a-z0-9_]*$": st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True),
}
_OFFSETS = st.sampled_from([0, 9 * 60, -12 * 60, 14 * 60, 23 * 60 + 59, -(23 * 60 + 59), 1])
_DAYS = st.dates(date(_FIRST, 1, 1), date(_LAST, 12, 31)).map(date.isoformat)
_TIMES = st.builds(
    lambda at, minutes: at.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat(),
    st.datetimes(datetime(_FIRST, 1, 1), datetime(_LAST, 12, 31, 23, 59, 59)),  # noqa: DTZ001  the offset follows
    _OFFSETS,
)
_FORMATS: Mapping[str, Drawn] = {
    "date": _DAYS,
    "date-time": _TIMES,
    "moment": _DAYS | _TIMES,
    "uri": st.sampled_from(
        [
            f"{ORIGIN}/",
            f"{ORIGIN}/a?b=1&c=%E3%81%82#d",
            f"{ORIGIN}/" + "x" * 400,
            "https://elsewhere.example/",
        ]
    ),
}


# --- the rules that a schema cannot say -----------------------------------------------------------------------


def _fitted(card: dict[str, Any]) -> dict[str, Any]:
    names: set[str] = set()
    images = 0
    blocks = []
    for block in card["blocks"]:
        images += block["type"] == "image"
        if block["type"] == "image" and images > 4:
            continue
        blocks.append(_block({**block}, names))
    kept = [block for block in blocks if block] or [{"type": "text", "text": "あ"}]
    return {**card, "blocks": kept}


def _block(block: dict[str, Any], names: set[str]) -> dict[str, Any]:
    fit = _FITTERS.get(block["type"])
    return fit(block, names) if fit else block


def _table(block: dict[str, Any], _: set[str]) -> dict[str, Any]:
    width = len(block["columns"])
    return {**block, "rows": [(row * 8)[:width] for row in block["rows"]]}


def _chart(block: dict[str, Any], _: set[str]) -> dict[str, Any]:
    length = len(block["labels"])
    rows = [{**row, "values": (row["values"] * 60)[:length]} for row in block["series"]]
    return {**block, "series": rows}


def _metric(block: dict[str, Any], _: set[str]) -> dict[str, Any]:
    if block["value"] is None or block["observed"] is None or block["status"] == "not_available":
        return {**block, "value": None, "observed": None, "status": "not_available"}
    return block


def _progress(block: dict[str, Any], _: set[str]) -> dict[str, Any]:
    value = block["value"]
    return {**block, "value": value if value is None else min(value, block["max"])}


def _own_name(item: dict[str, Any], names: set[str]) -> dict[str, Any]:
    name = item["name"]
    while name in names:
        name = f"{name[:30]}_{len(names)}"
    names.add(name)
    return {**item, "name": name}


def _form(block: dict[str, Any], names: set[str]) -> dict[str, Any]:
    inside: set[str] = set()
    fields = []
    for field in block["fields"]:
        own = _own_name(field, inside)
        for low, high in (("minimum", "maximum"), ("earliest", "latest")):
            if low in own and high in own and own[low] > own[high]:
                own[low], own[high] = own[high], own[low]
        if "choices" in own:
            own["choices"] = _choices(own["choices"])
        fields.append(own)
    return _own_name({**block, "fields": fields}, names)


def _choices(choices: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**choice, "value": f"{number}"} for number, choice in enumerate(choices)]


def _actions(block: dict[str, Any], names: set[str]) -> dict[str, Any]:
    items = [_own_name(item, names) if item["type"] == "submit" else item for item in block["items"]]
    return {**block, "items": items}


_FITTERS = {
    "table": _table,
    "chart": _chart,
    "metric": _metric,
    "progress": _progress,
    "form": _form,
    "actions": _actions,
}
