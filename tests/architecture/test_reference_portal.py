"""Addresses, commands, errors, data and promises: the reference names each, and each that it names is there."""

import argparse
import importlib
import inspect
import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import BaseCommand

from portal.management.commands import publish_alert
from tests.architecture.tables import DOCS, REFERENCE, ROOT, codes, first_codes, rows
from tests.portal.access.routes import routes

OURS = ("portal.", "gadgets.", "identity.", "recommender.")
ERRORS = {
    "identity": "identity.errors",
    "gadgets": "gadgets.errors",
    "recommender": "recommender.errors",
    "portal.content": "portal.content.errors",
    "portal.home": "portal.home.errors",
}


def told_addresses(*, on_the_id: bool) -> set[str]:
    """The first cell of each row; one that ends in `…` is the beginning of many addresses."""
    return {
        codes(cells[0])[0]
        for heading, cells in rows(REFERENCE / "urls.md")
        if heading.startswith("ID") is on_the_id
    }


@pytest.mark.parametrize(("urlconf", "on_the_id"), [("portal.urls", False), ("identity.embedded.urls", True)])
def test_every_address_stands_on_the_page_those_of_frameworks_too(urlconf: str, on_the_id: bool) -> None:
    told = told_addresses(on_the_id=on_the_id)
    beginnings = tuple(address[:-1] for address in told if address.endswith("…"))
    found = {route.template for route in routes(urlconf)}
    assert {address for address in found if not address.startswith(beginnings)} == {
        address for address in told if not address.endswith("…")
    }
    assert [begin for begin in beginnings if not any(address.startswith(begin) for address in found)] == []


def test_a_beginning_on_the_page_covers_no_address_of_ours() -> None:
    """But those that `portal.web.views` closes."""
    beginnings = tuple(address[:-1] for address in told_addresses(on_the_id=False) if address.endswith("…"))
    ours = (route for route in routes("portal.urls") if route.view.startswith(OURS))
    assert [
        one for one in ours if one.template.startswith(beginnings) and one.view != "portal.web.views"
    ] == []


def commands() -> dict[str, str]:
    """The module of each management command of ours, by the command's name."""
    found = (
        path
        for package in (*OURS, "demo.")
        for path in ROOT.glob(f"{package.rstrip('.')}/management/commands/*.py")
    )
    return {
        path.stem: ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in found
        if path.stem != "__init__"
    }


def options(parser: argparse.ArgumentParser) -> set[str]:
    """The long options of a command and of what stands under it."""
    found: set[str] = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {text for under in action.choices.values() for text in options(under)}
        found |= {text for text in action.option_strings if text.startswith("--")}
    return found


def test_every_command_and_its_options_stand_on_the_page() -> None:
    told: dict[str, set[str]] = {}
    for heading, cells in rows(REFERENCE / "management-commands.md"):
        known = told.setdefault(heading.strip("`"), set())
        known |= {code for code in codes(cells[0]) if code.startswith("--")}
    assert set(told) == set(commands())
    base = options(BaseCommand().create_parser("manage.py", "any"))
    for name, module in commands().items():
        parser = importlib.import_module(module).Command().create_parser("manage.py", name)
        assert told[name] == options(parser) - base, name


def test_the_kinds_of_alert_stand_on_the_page() -> None:
    page = (REFERENCE / "management-commands.md").read_text(encoding="utf-8")
    assert [kind for kind in publish_alert.KINDS if f"`{kind}`" not in page] == []


@pytest.mark.parametrize(("heading", "name"), ERRORS.items())
def test_every_error_stands_on_the_page_with_whether_to_try_again(heading: str, name: str) -> None:
    module = importlib.import_module(name)
    classes = {
        key: found.retry
        for key, found in vars(module).items()
        if inspect.isclass(found) and issubclass(found, Exception) and found.__module__ == name
    }
    told = {
        codes(cells[0])[0]: cells[1] == "yes"
        for under, cells in rows(REFERENCE / "errors.md")
        if under == heading
    }
    assert told == classes


def test_every_tree_of_errors_has_its_chapter() -> None:
    packages = ("portal", "gadgets", "identity", "recommender", "core")
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in packages
        for path in (ROOT / package).rglob("errors.py")
    }
    assert found == set(ERRORS)


def test_every_folder_with_data_of_others_stands_on_the_page_and_has_its_readme() -> None:
    told = set(first_codes(REFERENCE / "data-sources.md"))
    folders = {
        *ROOT.glob("*/data"),
        *ROOT.glob("*/*/data"),
        ROOT / "core" / "region" / "files",
        *ROOT.glob("vendor/*"),
    }
    found = {str(path.relative_to(ROOT)) for path in folders if path.is_dir() and path.parts[-2] != "var"}
    assert told == found
    for folder in found:
        text = (ROOT / folder / "README.md").read_text(encoding="utf-8")
        assert any(licence in text for licence in ("CC BY 4.0", "CC0-1.0", "MIT")), folder


@pytest.mark.parametrize(("page", "least"), [("must-show.md", 40), ("attacks.md", 25)])
def test_every_promise_names_tests_and_commands_that_exist(page: str, least: int) -> None:
    text = (REFERENCE / page).read_text(encoding="utf-8")
    named = re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", text)
    assert len(named) > least
    missing = []
    for path, test in named:
        source = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).is_file() else ""
        if not source or (test and f"def {test}(" not in source):
            missing.append(f"{path}::{test}")
    assert missing == []
    assert all((ROOT / command).is_file() for command in re.findall(r"`(bin/\w+)", text))


def pages() -> list[Path]:
    return sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "examples" / "README.md"])


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_of_the_documentation_is_broken(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings as a forge makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    found = [
        str(path.relative_to(DOCS))
        for path in DOCS.rglob("*.md")
        if path.name != "README.md" and path.parent.name != "decisions"
    ]
    assert [page for page in found if f"({page})" not in index] == []
    decisions = DOCS / "decisions"
    records = (decisions / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in decisions.glob("0*.md") if f"({path.name})" not in records] == []
    assert "(decisions/README.md)" in index


def tracked() -> list[Path]:
    """The files of the repository; everything but what tools leave behind, where it is no checkout."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    apart = {".git", ".venv", "var", "__pycache__"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not apart & set(path.parts)]


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    hosts = (
        "pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com", "yarnpkg" + ".com",
        "repo1.maven" + ".org", "repo.maven." + "apache.org", "docker" + ".io", "ghcr" + ".io", "quay" + ".io",
        "proxy.golang" + ".org", "crates" + ".io",
    )  # fmt: skip
    places = [re.escape(host) for host in hosts] + ["(?<![\\w./-])/(?:root|Users|home/(?!arrange/)[a-z]+)/"]
    if len(ROOT.parts) > 2 and ROOT.parts[1] not in {"srv", "var", "opt"}:
        places.append(re.escape(str(ROOT)) + r"\b")
    wanted = re.compile("|".join(places))
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in wanted.finditer(text)]
    assert found == []


INLINE = {
    "script": re.compile(r"<script(?![^>]*\ssrc=)", re.I),
    "style element": re.compile(r"<style\b", re.I),
    "style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.I),
}


def test_no_template_has_inline_script_or_style() -> None:
    templates = [
        path for package in ("portal", "gadgets", "identity") for path in (ROOT / package).rglob("*.html")
    ]
    assert len(templates) > 50
    found = [
        f"{path.relative_to(ROOT)}: {what}"
        for path in templates
        for what, wanted in INLINE.items()
        if wanted.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("markup", "what"),
    [
        ("<script>alert(1)</script>", "script"),
        ("<style>p{}</style>", "style element"),
        ('<p class="a" style="color:red">', "style attribute"),
        ('<button type="button" onclick="go()">', "event attribute"),
    ],
)
def test_the_check_of_templates_sees_each_kind(markup: str, what: str) -> None:
    assert INLINE[what].search(markup)
    assert not INLINE["script"].search('<script type="module" src="/static/a.js"></script>')
