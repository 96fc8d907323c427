"""Reads untrusted JSON under limits and turns broken schema rules into problems with a path and a remedy; pure."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from gadgets.errors import Problem, SchemaError

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_MAX_PROBLEMS = 20
_MAX_DIGITS = 18


def problem(path: str, ja: str, en: str, remedy_ja: str, remedy_en: str) -> Problem:
    return Problem(path, {"ja": ja, "en": en}, {"ja": remedy_ja, "en": remedy_en})


def path_of(parts: Sequence[str | int]) -> str:
    """`("blocks", 2, "text")` → `$.blocks[2].text`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def depth_of(raw: bytes) -> int:
    """The deepest nesting of arrays and objects, counted on the bytes, before anything is built."""
    depth = deepest = 0
    for match in _BRACKET.finditer(_STRING.sub(b"", raw)):
        if match.group() in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


class _Reader:
    """Hooks for the JSON parser that refuse what JSON should not hold, as the caller's kind of error."""

    def __init__(self, error: type[SchemaError]) -> None:
        self.error = error

    def refuse(self, path: str, ja: str, en: str, remedy_ja: str, remedy_en: str) -> NoReturn:
        raise self.error(problem(path, ja, en, remedy_ja, remedy_en))

    def text(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as broken:
            self.refuse(
                "$",
                f"{broken.start} バイト目が UTF-8 ではありません。",
                f"byte {broken.start} is not UTF-8.",
                "UTF-8 で保存してください。",
                "Save it as UTF-8.",
            )

    def pairs(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key, value in items:
            if key in built:
                self.refuse(
                    f"$..{key}",
                    f"キー「{key}」が同じ所に二度あります。",
                    f"the key {key!r} stands twice in one object.",
                    "一つだけ残してください。",
                    "Keep one of them.",
                )
            built[key] = value
        return built

    def constant(self, name: str) -> NoReturn:
        self.refuse(
            "$",
            f"{name} は使える数ではありません。",
            f"{name} is not a number that can be used.",
            "値がないときは null にしてください。",
            "Use null where there is no value.",
        )

    def number(self, digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            self.constant(digits[:20])
        return value

    def whole(self, digits: str) -> int:
        if len(digits) > _MAX_DIGITS:
            self.constant(digits[:20])
        return int(digits)

    def document(self, text: str) -> Any:
        try:
            found = json.loads(
                text,
                object_pairs_hook=self.pairs,
                parse_constant=self.constant,
                parse_float=self.number,
                parse_int=self.whole,
            )
        except json.JSONDecodeError as broken:
            self.refuse(
                f"$ (line {broken.lineno}, column {broken.colno})",
                f"{broken.lineno} 行 {broken.colno} 文字目で JSON として読めません。",
                f"not JSON at line {broken.lineno}, column {broken.colno}: {broken.msg}.",
                "JSON の書き方を直してください。",
                "Correct the JSON.",
            )
        return found

    def whole_letters(self, value: Any, path: str = "$") -> None:
        """Refuses half a surrogate pair, which JSON can write as an escape and no UTF-8 can hold."""
        if isinstance(value, str) and _HALF.search(value):
            self.refuse(
                path,
                f"対になっていないサロゲートが含まれています（{value[:60]}）。",
                f"holds half a surrogate pair ({value[:60]}).",
                "文字を UTF-8 で書くか、\\ud83d\\ude00 のように対にしてください。",
                "Write the letter as UTF-8, or both halves of the pair, as in \\ud83d\\ude00.",
            )
        elif isinstance(value, dict):
            for key, inner in value.items():
                self.whole_letters(key, path)
                self.whole_letters(inner, f"{path}.{key}")
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                self.whole_letters(inner, f"{path}[{index}]")


def loads(
    raw: bytes, *, error: type[SchemaError], max_bytes: int, max_depth: int, half_letters: bool = False
) -> Any:
    """JSON of at most `max_bytes` and `max_depth`; refuses duplicate keys, NaN, broken UTF-8 and, unless
    `half_letters`, half a surrogate pair."""
    reader = _Reader(error)
    if len(raw) > max_bytes:
        reader.refuse(
            "$",
            f"大きさが {len(raw)} バイトで、上限の {max_bytes} バイトを超えています。",
            f"{len(raw)} bytes are more than the {max_bytes} allowed.",
            "内容を減らしてください。",
            "Send less.",
        )
    text = reader.text(raw)
    deep = depth_of(raw)
    if deep > max_depth:
        reader.refuse(
            "$",
            f"入れ子が {deep} 段で、上限の {max_depth} 段を超えています。",
            f"nested {deep} deep; at most {max_depth} is allowed.",
            "構造を浅くしてください。",
            "Make the structure flatter.",
        )
    document = reader.document(text)
    if not half_letters and _ESCAPED_HALF.search(text):
        reader.whole_letters(document)
    return document


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is None:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", value) is None:
        return False
    try:
        datetime.fromisoformat(value).utctimetuple()
    except (ValueError, OverflowError):
        return False
    return True


YEARS = range(1900, 2201)
"""The years that a card may name; the schemas say the same by a pattern."""
MOST = 10**12
"""The greatest number, and the least with its sign turned, that a card or a setting may hold."""


def _is_url(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if re.search(r"[\s\\<>\"\x00-\x20\x7f]", value):
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme == "mailto":
        return "@" in parts.path
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


_FORMATS = FormatChecker(formats=())
_FORMATS.checks("date")(_is_date)
_FORMATS.checks("date-time")(_is_moment)
_FORMATS.checks("uri")(_is_url)
_FORMATS.checks("moment")(lambda value: _is_date(value) or _is_moment(value))


@cache
def schema_bytes(name: str) -> bytes:
    """The published bytes of `manifest-1.0`, `card-1.0` or `event-answer-1.0`."""
    return files("gadgets").joinpath("schemas", f"{name}.json").read_bytes()


@cache
def schema(name: str) -> Draft202012Validator:
    document = json.loads(schema_bytes(name))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document, format_checker=_FORMATS)


def check_schema(document: Any, validator: Draft202012Validator) -> Iterator[Problem]:
    """The first problems of a document, in the order of the document."""
    errors = sorted(
        validator.iter_errors(document), key=lambda error: [str(part) for part in error.absolute_path]
    )
    seen: set[tuple[str, str]] = set()
    for error in errors:
        for found in _in_words(error):
            key = (found.path, found.message["en"])
            if key not in seen and len(seen) < _MAX_PROBLEMS:
                seen.add(key)
                yield found


_TYPE_NAMES: Mapping[str, str] = {
    "object": "オブジェクト",
    "array": "配列",
    "string": "文字列",
    "integer": "整数",
    "number": "数",
    "boolean": "true か false",
    "null": "null",
}


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _type(error: ValidationError, path: str) -> Problem:
    wanted = (
        [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    )
    ja = "、".join(_TYPE_NAMES[name] for name in wanted)
    return problem(
        path,
        f"型が違います（{_shown(error.instance)}）。",
        f"wrong type ({_shown(error.instance)}).",
        f"{ja}にしてください。",
        f"Make it {' or '.join(wanted)}.",
    )


def _enum(error: ValidationError, path: str) -> Problem:
    wanted = [error.validator_value] if error.validator == "const" else list(error.validator_value)
    choices = ", ".join(str(choice) for choice in wanted)
    return problem(
        path,
        f"{_shown(error.instance)} は使えません。",
        f"{_shown(error.instance)} is not allowed.",
        f"次のどれかにしてください: {choices}",
        f"Use one of: {choices}.",
    )


def _pattern(error: ValidationError, path: str) -> Problem:
    hint_ja = error.schema.get("x-hint-ja", f"形式 {error.validator_value} に合わせてください。")
    hint_en = error.schema.get("x-hint-en", f"Match {error.validator_value}.")
    return problem(
        path,
        f"書き方が違います（{_shown(error.instance)}）。",
        f"wrong form ({_shown(error.instance)}).",
        hint_ja,
        hint_en,
    )


_FORMAT_HINTS: Mapping[str, tuple[str, str]] = {
    "date": ("2026-04-01 の形の、実在する日付にしてください。", "Use a real date such as 2026-04-01."),
    "date-time": (
        "2026-04-01T09:00:00+09:00 の形（時差つき）にしてください。",
        "Use a time with its offset, such as 2026-04-01T09:00:00+09:00.",
    ),
    "moment": (
        "2026-04-01 または 2026-04-01T09:00:00+09:00 の形にしてください。",
        "Use 2026-04-01 or 2026-04-01T09:00:00+09:00.",
    ),
    "uri": (
        "https:// で始まる完全なアドレスにしてください（連絡先は mailto: も可）。",
        "Use a whole address that begins with https:// (mailto: for contacts).",
    ),
}


def _format(error: ValidationError, path: str) -> Problem:
    hint_ja, hint_en = _FORMAT_HINTS[error.validator_value]
    return problem(
        path,
        f"{_shown(error.instance)} は正しい値ではありません。",
        f"{_shown(error.instance)} is not a valid value.",
        hint_ja,
        hint_en,
    )


_LIMITS: Mapping[str, tuple[str, str]] = {
    "maxLength": ("{limit} 文字以内にしてください。", "Use at most {limit} characters."),
    "minLength": ("空にしないでください（{limit} 文字以上）。", "Use at least {limit} characters."),
    "maxItems": ("{limit} 個以内にしてください。", "Use at most {limit} items."),
    "minItems": ("{limit} 個以上にしてください。", "Use at least {limit} items."),
    "maxProperties": ("{limit} 項目以内にしてください。", "Use at most {limit} entries."),
    "minProperties": ("{limit} 項目以上にしてください。", "Use at least {limit} entries."),
    "minimum": ("{limit} 以上にしてください。", "Use at least {limit}."),
    "maximum": ("{limit} 以下にしてください。", "Use at most {limit}."),
    "exclusiveMinimum": ("{limit} より大きくしてください。", "Use more than {limit}."),
}


def _limit(error: ValidationError, path: str) -> Problem:
    ja, en = _LIMITS[error.validator]
    size = len(error.instance) if isinstance(error.instance, (str, list, dict)) else error.instance
    return problem(
        path,
        f"範囲を外れています（いまは {size}）。",
        f"out of range (now {size}).",
        ja.format(limit=error.validator_value),
        en.format(limit=error.validator_value),
    )


def _unknown_field(error: ValidationError, path: str) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    for name in error.instance:
        if name not in known:
            yield problem(
                f"{path}.{name}",
                f"「{name}」という項目はありません。",
                f"there is no field {name!r} here.",
                f"この項目を除いてください。使える項目: {', '.join(known)}",
                f"Remove it. The fields are: {', '.join(known)}.",
            )


def _missing(error: ValidationError, path: str) -> Iterator[Problem]:
    for name in error.validator_value:
        if name not in error.instance:
            hint = error.schema.get("x-missing", {}).get(name, {})
            yield problem(
                f"{path}.{name}",
                f"「{name}」がありません。",
                f"{name!r} is missing.",
                hint.get("ja", "この項目を加えてください。"),
                hint.get("en", "Add this field."),
            )


_ONE: Mapping[str, Callable[[ValidationError, str], Problem]] = {
    "type": _type,
    "enum": _enum,
    "const": _enum,
    "pattern": _pattern,
    "format": _format,
    **dict.fromkeys(_LIMITS, _limit),
}


def _in_words(error: ValidationError) -> Iterator[Problem]:
    path = path_of(list(error.absolute_path))
    keyword = str(error.validator)
    if keyword == "additionalProperties":
        yield from _unknown_field(error, path)
    elif keyword == "required":
        yield from _missing(error, path)
    elif keyword in ("anyOf", "oneOf"):
        yield from _nearest(error, path)
    elif keyword in _ONE:
        yield _ONE[keyword](error, path)
    else:
        yield problem(
            path,
            f"規則（{keyword}）に合いません。",
            f"breaks the rule {keyword}.",
            "仕様を確かめてください。",
            "See the specification.",
        )


def _nearest(error: ValidationError, path: str) -> Iterator[Problem]:
    """The problems of the alternative that was most likely meant: the one whose type fits."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    fitting = [
        found
        for found in branches.values()
        if not any(inner.validator == "type" and not inner.path for inner in found)
    ]
    if not fitting:
        yield problem(
            path,
            f"型が違います（{_shown(error.instance)}）。",
            f"wrong type ({_shown(error.instance)}).",
            "仕様にある形のどれかにしてください。",
            "Use one of the forms of the specification.",
        )
        return
    for inner in min(fitting, key=len):
        yield from _in_words(inner)
