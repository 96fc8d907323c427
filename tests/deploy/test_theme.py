"""The theme of the ID's screens: whole in both languages, nothing from elsewhere, the portal's own tokens."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from core.region import theme
from core.region.current import DEFAULT
from core.region.region_file import read
from identity.keycloak import theme_files

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


def test_the_colours_are_those_of_the_sample_region() -> None:
    assert (THEME / theme_files.COLOURS).read_text() == theme.stylesheet(read(DEFAULT))
    css = (LOGIN / "resources" / "css" / "region.css").read_text()
    assert set(re.findall(r"var\((--region-[a-z-]+),", css)) == set(
        re.findall(r"(--region-[a-z-]+):", (THEME / theme_files.COLOURS).read_text())
    )
    styles = re.search(r"^styles=(.+)$", (LOGIN / "theme.properties").read_text(), re.MULTILINE)
    assert styles
    assert "css/region-colours.css" in styles[1].split()


def test_another_region_has_a_theme_with_its_own_names_and_colours(tmp_path: Path) -> None:
    region = read(ROOT / "demo" / "regions" / "minamo.toml")
    awkward = replace(region, portal_name={**region.portal_name, "en": "King's {Desk}"})
    theme_files.write(awkward, tmp_path / "made")
    texts = {path.name: path.read_text() for path in (tmp_path / "made").rglob("*.properties")}
    assert (
        "regionName=みなもポータル" in (tmp_path / "made/login/messages/messages_ja.properties").read_text()
    )
    english = (tmp_path / "made/login/messages/messages_en.properties").read_text()
    assert "regionName=King's {Desk}\n" in english
    mail = (tmp_path / "made/email/messages/messages_en.properties").read_text()
    assert "King''s '{'Desk'}'" in mail
    assert (tmp_path / "made" / theme_files.COLOURS).read_text() == theme.stylesheet(region)
    city = read(DEFAULT)
    for text in texts.values():
        assert not any(word in text for word in city.portal_name.values())
    with pytest.raises(CommandError, match="もうあります"):
        call_command("keycloak_theme", str(tmp_path / "made"))
    call_command("keycloak_theme", str(tmp_path / "city"), stdout=StringIO())
    for path in (one for one in THEME.rglob("*") if one.is_file()):
        assert (tmp_path / "city" / path.relative_to(THEME)).read_bytes() == path.read_bytes()


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
