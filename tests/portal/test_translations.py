"""Every text for people has its English; what residents read has its easy Japanese; the compiled files are fresh."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import packages

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ("en", "ja_Simple")
# What only providers, editors and operators read needs English, but no easy Japanese.
DESKS = ("core/dates.py", "portal/content/", "portal/city/", "portal/templates/city/", "gadgets/words.py", "gadgets/life/",
         "gadgets/pages/web.py", "gadgets/pages/views_api.py", "gadgets/pages/views_life.py",
         "gadgets/pages/views_organisation.py", "gadgets/pages/views_preview.py", "gadgets/pages/views_provider",
         *(f"gadgets/templates/gadgets/{name}" for name in (
             "checks.html", "report.html", "console.html", "outcomes.html", "organisation.html", "join.html",
             "preview.html", "road.html", "thread.html", "state_notice.txt", "changes.html", "contracts.html",
             "version.html", "provider_")))  # fmt: skip


def entries(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """msgid → (texts, files it stands in); a plural has several texts."""
    found = {}
    for block in path.read_text().split("\n\n")[1:]:
        msgid = re.search(r'msgid ((?:"(?:[^"\\]|\\.)*"\n?)+)', block)
        if msgid is None or block.startswith("#~"):
            continue
        texts = re.findall(r'msgstr(?:\[\d\])? ((?:"(?:[^"\\]|\\.)*"\n?)+)', block)
        key = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', msgid.group(1)))
        found[key] = (
            ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)) for text in texts],
            re.findall(r"^#: (.+)$", block, re.M),
        )
    return found


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The texts as they stand in the code now, merged with what is translated."""
    packages.ensure(packages.GETTEXT)
    copy = tmp_path_factory.mktemp("texts")
    for name in ("portal", "gadgets", "identity", "recommender", "core"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(ROOT / "manage.py", copy)
    command = [sys.executable, "manage.py", "makemessages", "--add-location=file", "--no-obsolete", "-v0"]
    subprocess.run(
        [*command, *(f"-l{locale}" for locale in LOCALES)],
        cwd=copy, check=True, env={**os.environ, "DEMO": "1", "VAR_DIR": str(copy / "var")},
    )  # fmt: skip
    return copy / "portal" / "locale"


def test_every_text_has_its_english(extracted: Path) -> None:
    texts = entries(extracted / "en" / "LC_MESSAGES" / "django.po")
    assert len(texts) > 300
    assert sorted(key for key, (values, _) in texts.items() if not all(values)) == []


def test_what_residents_read_has_its_easy_japanese(extracted: Path) -> None:
    texts = entries(extracted / "ja_Simple" / "LC_MESSAGES" / "django.po")
    missing = [
        key
        for key, (values, files) in texts.items()
        if not all(values) and not all(file.startswith(DESKS) for line in files for file in line.split())
    ]
    assert sorted(missing) == []


def test_no_text_is_marked_as_doubtful() -> None:
    for locale in LOCALES:
        assert "fuzzy" not in (ROOT / "portal" / "locale" / locale / "LC_MESSAGES" / "django.po").read_text()


@pytest.mark.parametrize("locale", LOCALES)
def test_the_compiled_file_is_of_this_text(locale: str, tmp_path: Path) -> None:
    packages.ensure(packages.GETTEXT)
    folder = ROOT / "portal" / "locale" / locale / "LC_MESSAGES"
    fresh = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", fresh, folder / "django.po"], check=True)
    assert fresh.read_bytes() == (folder / "django.mo").read_bytes(), "run manage.py compilemessages"
