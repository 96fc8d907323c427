"""The theme of the ID's screens: whole in both languages, nothing from elsewhere, the portal's own tokens."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
THEME = ROOT / "deploy" / "keycloak" / "themes" / "region"
LOGIN = THEME / "login"


def messages(kind: str, language: str) -> dict[str, str]:
    """The keys and texts of one file; a key that stands twice is a fault."""
    lines = (THEME / kind / "messages" / f"messages_{language}.properties").read_text().splitlines()
    assert lines[0] == "# encoding: UTF-8", "Keycloak reads it as Latin-1 otherwise"
    found: dict[str, str] = {}
    for line in lines[1:]:
        key, equals, text = line.partition("=")
        assert equals
        assert key not in found, key
        found[key] = text
    return found


def test_the_tokens_are_those_of_the_portal() -> None:
    css = LOGIN / "resources" / "css"
    assert (css / "dads-tokens.css").read_bytes() == (ROOT / "vendor" / "dads" / "tokens.css").read_bytes()
    assert (css / "dads-tokens.LICENSE").read_bytes() == (ROOT / "vendor" / "dads" / "LICENSE").read_bytes()


@pytest.mark.parametrize("kind", ["login", "email"])
def test_both_languages_say_the_same_things(kind: str) -> None:
    japanese, english = messages(kind, "ja"), messages(kind, "en")
    assert set(japanese) == set(english)
    for key, text in japanese.items():
        placeholders = re.findall(r"\{\d\}", text)
        assert set(placeholders) == set(re.findall(r"\{\d\}", english[key])), key
        # One apostrophe would switch the placeholders off (java.text.MessageFormat).
        assert not placeholders or "'" not in text + english[key], key


def test_every_text_that_a_page_asks_for_by_our_own_name_is_there() -> None:
    known = messages("login", "ja")
    ours = {
        name
        for page in LOGIN.glob("*.ftl")
        for name in re.findall(r"msg\(['\"]([A-Za-z]+)['\"]", page.read_text())
    }
    assert {"regionName", "totpLead", "passkeyLead", "neighbourTitle"} <= ours
    assert ours <= set(known), "Keycloak would show the name itself, or a text of its own"


@pytest.mark.parametrize(
    "path", sorted(LOGIN.rglob("*.ftl")) + sorted(LOGIN.rglob("region.css")), ids=lambda path: path.name
)
def test_nothing_comes_from_elsewhere_and_no_script_stands_in_an_attribute(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
    assert not re.search(r"\son[a-z]+=|javascript:|\sstyle=", text)
