"""Manifest, card and checks: the reference names every field and every check, and none that is not there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gadgets import conformance
from gadgets.conformance import bench
from gadgets.conformance.checks import accessibility, request_tokens, speed
from gadgets.protocol import manifest as manifests
from gadgets.protocol import schema_tables
from tests.architecture.tables import REFERENCE, ROOT, codes, first_codes, rows

SCHEMAS = ROOT / "gadgets" / "schemas"


def read(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{name}-1.0.json").read_text(encoding="utf-8"))


def values(schema: Any) -> Iterator[str]:
    """Every word of an enumeration."""
    if isinstance(schema, dict):
        found = schema.get("enum", ())
        yield from (str(value) for value in (found if isinstance(found, list) else ()))
        for inner in schema.values():
            yield from values(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from values(inner)


@pytest.mark.parametrize("name", list(schema_tables.PAGES))
def test_the_tables_of_the_page_are_those_that_the_schema_writes(name: str) -> None:
    page = (REFERENCE / schema_tables.PAGES[name]).read_text(encoding="utf-8")
    assert "<!-- fields: " in page
    assert page == schema_tables.filled(page), "run: python -m gadgets.protocol.schema_tables"
    assert len(first_codes(REFERENCE / schema_tables.PAGES[name])) > 40


def test_writing_the_pages_changes_only_their_tables(tmp_path: Path) -> None:
    whole = {page: (REFERENCE / page).read_text(encoding="utf-8") for page in schema_tables.PAGES.values()}
    for page, text in whole.items():
        row = f"| `{first_codes(REFERENCE / page)[0]}` |"
        (tmp_path / page).write_text(text.replace(row, "| `forgotten` |", 1), encoding="utf-8")
        assert (tmp_path / page).read_text(encoding="utf-8") != text
    schema_tables.write(tmp_path)
    assert {page: (tmp_path / page).read_text(encoding="utf-8") for page in whole} == whole


def test_a_field_that_says_nothing_of_itself_is_an_error() -> None:
    schema = {"properties": {"a": {"type": "object", "description": "x", "properties": {"b": {}}}}}
    with pytest.raises(schema_tables.UndescribedFieldError) as caught:
        list(schema_tables.fields(schema, schema))
    assert str(caught.value) == "a.b"


def test_a_row_says_when_a_field_is_needed_and_what_its_limits_are() -> None:
    schema = {
        "required": ["a"],
        "properties": {
            "a": {"description": "first", "type": "integer", "minimum": 1, "maximum": 5000},
            "b": {"description": "second", "x-required": "for `a`", "enum": ["x", "y"]},
            "c": {"description": "third", "type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/d"}},
        },
        "$defs": {"d": {"properties": {"e": {"description": "fourth", "type": "string", "maxLength": 9}}}},
    }
    assert [field.row for field in schema_tables.fields(schema, schema)] == [
        "| `a` | yes | first; whole number; 1 to 5,000 |",
        "| `b` | for `a` | second; `x`, `y` |",
        "| `c` | no | third; at most 3 entries |",
        "| `c[].e` | no | fourth; at most 9 characters |",
    ]


@pytest.mark.parametrize(("name", "page"), [("manifest", "gadget-manifest.md"), ("card", "card.md")])
def test_every_word_of_a_choice_stands_on_the_page(name: str, page: str) -> None:
    text = (REFERENCE / page).read_text(encoding="utf-8") + (REFERENCE / "attributes.md").read_text(
        encoding="utf-8"
    )
    words = set(values(read(name)))
    assert len(words) > 5
    assert sorted(word for word in words if f"`{word}`" not in text) == []


def test_the_pages_name_the_limits_of_the_parsers() -> None:
    for page in ("gadget-manifest.md", "card.md"):
        text = " ".join((REFERENCE / page).read_text(encoding="utf-8").split())
        assert f"at most {manifests.MAX_BYTES // 1024} KB and {manifests.MAX_DEPTH} levels deep" in text


def test_the_claims_of_a_request_token_stand_on_the_page() -> None:
    source = (ROOT / "gadgets" / "cards" / "signing.py").read_text(encoding="utf-8")
    mint = source.partition("def mint")[2]
    minted = set(re.findall(r'^        "(\w+)": |claims\["(\w+)"\] =', mint, re.M))
    minted = {first or second for first, second in minted}
    assert {"sub", "digest"} < minted
    named = {
        code
        for heading, cells in rows(REFERENCE / "card.md")
        if heading == "The request"
        for code in codes(cells[0])
    }
    assert minted == named


def test_every_check_and_every_bad_token_stands_on_the_page() -> None:
    page = (REFERENCE / "conformance.md").read_text(encoding="utf-8")
    folder = ROOT / "gadgets" / "conformance"
    source = {file.stem: file.read_text(encoding="utf-8") for file in folder.rglob("*.py")}
    assert [int(number) for number in re.findall(r"^## (\d+)$", page, re.M)] == list(range(1, 15))
    hints = {view.name["en"].removeprefix("text at ") for view in accessibility.VIEWS}
    assert all(hint in page for hint in hints)

    def refusals(*names: str) -> set[str]:
        return {title for name in names for title in re.findall(r'"en": "(Refuses [^"]+)"', source[name])}

    titles = refusals("tokens", "request_tokens")
    assert len(titles) > 5
    assert titles == {cells[0] for heading, cells in rows(REFERENCE / "conformance.md") if heading == "3"}
    named = {cells[0] for heading, cells in rows(REFERENCE / "conformance.md") if heading == "14"}
    assert refusals("events") == named


def test_the_page_of_the_checks_has_their_figures() -> None:
    page = " ".join((REFERENCE / "conformance.md").read_text(encoding="utf-8").split())
    assert (
        f"takes at most {conformance.BUDGET:.0f} seconds, a single call {conformance.CALL_SECONDS:.0f}"
        in page
    )
    assert f"of {speed.SPEED_CALLS} calls take less than {speed.SPEED_LIMIT:.0f} second" in page
    assert all(str(status) in page for status in bench.REFUSED)
    assert len(request_tokens.PERSONAS) == 4
