"""Manifest, card and checks: the reference names every field and every check, and none that is not there."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gadgets import conformance, conformance_events, conformance_tokens
from gadgets import manifest as manifests
from tests.architecture.tables import REFERENCE, ROOT, codes, first_codes, rows

SCHEMAS = ROOT / "gadgets" / "schemas"


def read(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{name}-1.0.json").read_text(encoding="utf-8"))


def parts(schema: Any, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema itself and every alternative inside it, references followed."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        target: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    yield schema
    for key in ("allOf", "anyOf"):
        for inner in schema.get(key, ()):
            yield from parts(inner, document)
    for key in ("then", "else"):
        yield from parts(schema.get(key), document)


def fields(schema: Any, document: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field below `schema` as `a.b`, `a[].b` or `a.*`."""
    for part in parts(schema, document):
        for name, inner in part.get("properties", {}).items():
            place = f"{path}.{name}" if path else name
            yield place
            yield from fields(inner, document, place)
        if isinstance(part.get("additionalProperties"), dict):
            yield f"{path}.*"
            yield from fields(part["additionalProperties"], document, f"{path}.*")
        if isinstance(part.get("items"), dict):
            yield from fields(part["items"], document, f"{path}[]")


def card_fields(document: dict[str, Any]) -> set[str]:
    """As the page writes them: the frame, then `type.field` for each block."""
    blocks = document["$defs"]["blocks"]
    inside = {field for schema in blocks.values() for field in fields(schema, document, "blocks[]")}
    found = {field for field in fields(document, document) if field not in inside}
    found |= {"blocks[].type", "blocks[].fallback"}
    for kind, schema in blocks.items():
        found |= {
            field
            for field in fields(schema, document, kind)
            if field not in {f"{kind}.type", f"{kind}.fallback"}
        }
    return found


def values(schema: Any) -> Iterator[str]:
    """Every word of an enumeration, also those that are announced for later."""
    if isinstance(schema, dict):
        for key in ("enum", "x-later"):
            found = schema.get(key, ())
            yield from (str(value) for value in (found if isinstance(found, list) else ()))
        for inner in schema.values():
            yield from values(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from values(inner)


def test_the_page_of_the_manifest_has_exactly_its_fields() -> None:
    document = read("manifest")
    assert sorted(first_codes(REFERENCE / "gadget-manifest.md")) == sorted(set(fields(document, document)))


def test_the_page_of_the_card_has_exactly_its_fields() -> None:
    page = REFERENCE / "card.md"
    named = first_codes(page, "The frame") + first_codes(page, "The blocks")
    assert sorted(named) == sorted(card_fields(read("card")))


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
    source = (ROOT / "gadgets" / "keys.py").read_text(encoding="utf-8")
    minted = set(re.findall(r'^        "(\w+)": ', source.partition("def mint")[2], re.M)) | {"sub"}
    named = {
        code
        for heading, cells in rows(REFERENCE / "card.md")
        if heading == "The request"
        for code in codes(cells[0])
    }
    assert minted == named


def test_every_check_and_every_bad_token_stands_on_the_page() -> None:
    page = (REFERENCE / "conformance.md").read_text(encoding="utf-8")
    source = (ROOT / "gadgets" / "conformance.py").read_text(encoding="utf-8")
    numbers = {int(number) for number in re.findall(r"(?:passed|fix|_out_of_time)\(\s*(\d+),", source)}
    numbers.add(conformance_events.NUMBER)
    assert numbers == {int(number) for number in re.findall(r"^## (\d+)$", page, re.M)}
    titles = set(re.findall(r'"en": "(Refuses [^"]+)"', source))
    titles |= set(
        re.findall(
            r'"en": "(Refuses [^"]+)"',
            (ROOT / "gadgets" / "conformance_tokens.py").read_text(encoding="utf-8"),
        )
    )
    named = {cells[0] for heading, cells in rows(REFERENCE / "conformance.md") if heading == "3"}
    assert len(titles) > 5
    assert titles == named
    of_events = (ROOT / "gadgets" / "conformance_events.py").read_text(encoding="utf-8")
    named = {cells[0] for heading, cells in rows(REFERENCE / "conformance.md") if heading == "14"}
    assert set(re.findall(r'"en": "(Refuses [^"]+)"', of_events)) == named


def test_the_page_of_the_checks_has_their_figures() -> None:
    page = " ".join((REFERENCE / "conformance.md").read_text(encoding="utf-8").split())
    assert (
        f"takes at most {conformance.BUDGET:.0f} seconds, a single call {conformance.CALL_SECONDS:.0f}"
        in page
    )
    assert f"of {conformance.SPEED_CALLS} calls take less than {conformance.SPEED_LIMIT:.0f} second" in page
    assert all(str(status) in page for status in conformance.REFUSED)
    assert len(conformance_tokens.PERSONAS) == 4
