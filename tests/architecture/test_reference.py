"""The reference names everything that a reader may set or call."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_setting_stands_in_the_reference() -> None:
    source = (ROOT / "portal" / "settings.py").read_text()
    reference = (ROOT / "docs" / "reference" / "settings.md").read_text()
    names = set(re.findall(r'(?:env\.\w+|_signing_key)\(\s*"([A-Z_]+)"', source))
    assert len(names) > 20
    assert sorted(name for name in names if f"`{name}`" not in reference) == []


def test_every_setting_in_the_reference_exists() -> None:
    source = (ROOT / "portal" / "settings.py").read_text()
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs" / "reference" / "settings.md").read_text(), re.M)
    names = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert sorted(name for name in names if f'"{name}"' not in source) == []


def test_every_decision_is_numbered_once() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("0*.md")]
    assert len(numbers) == len(set(numbers)) > 0


def test_modules_begin_with_one_sentence() -> None:
    missing = []
    for package in ("portal", "gadgets", "identity", "recommender", "core"):
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            text = path.read_text().lstrip()
            if text and not text.startswith('"""'):
                missing.append(str(path.relative_to(ROOT)))
    assert missing == []
