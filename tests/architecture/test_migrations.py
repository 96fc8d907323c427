"""Migrations stand on their own, in one line for each package."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState
from django.utils import translation
from django_linear_migrations import apps as linter

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("portal", "gadgets", "recommender", "identity", "core")
MIGRATIONS = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("migrations/*.py")
    if path.stem[:4].isdigit()
)
FRAMEWORKS = {"django", "wagtail", "modelcluster", "taggit"}


def _imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, inside functions too, and by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module", "import_string", "__import__",
        ):  # fmt: skip
            yield f"({ast.unparse(node)})"


def foreign(text: str) -> list[str]:
    """What a migration imports besides the standard library and the frameworks."""
    allowed = FRAMEWORKS | sys.stdlib_module_names
    return [name for name in _imported(ast.parse(text)) if name.partition(".")[0] not in allowed]


def test_no_migration_imports_the_application() -> None:
    assert len(MIGRATIONS) > 10
    found = {str(path.relative_to(ROOT)): foreign(path.read_text(encoding="utf-8")) for path in MIGRATIONS}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "text",
    [
        "import identity.models",
        "from identity.models import people",
        "from .. import models",
        "def forwards(apps, editor):\n    from portal.content import words",
        "import importlib\nimportlib.import_module('gadgets.models')",
    ],
)
def test_each_way_of_importing_the_application_is_seen(text: str) -> None:
    assert foreign(text) != []


def test_the_linter_of_migrations_is_installed_and_has_nothing_to_say() -> None:
    assert apps.is_installed("django_linear_migrations")
    assert linter.check_max_migration_files() == []
    linted = {
        config.label for config in linter.first_party_app_configs()
        if linter.MigrationDetails(config.label).has_migrations
    }  # fmt: skip
    assert linted == {apps.get_containing_app_config(_module(path)).label for path in MIGRATIONS}


def test_the_linter_names_a_file_that_was_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text
    behind = ROOT / "identity" / "migrations" / "max_migration.txt"
    monkeypatch.setattr(
        Path, "read_text",
        lambda path, *given, **named: "0001_initial\n" if path == behind else read(path, *given, **named),
    )  # fmt: skip
    assert [error.id for error in linter.check_max_migration_files()] == ["dlm.E004"]


def test_the_models_are_what_the_migrations_make() -> None:
    translation.deactivate_all()  # as `makemigrations` does: names of Django's own fields are compared untranslated
    loader = MigrationLoader(None, ignore_no_migrations=True)
    detector = MigrationAutodetector(
        loader.project_state(), ProjectState.from_apps(apps), NonInteractiveMigrationQuestioner()
    )
    ours = {config.label for config in linter.first_party_app_configs()}
    changes = detector.changes(graph=loader.graph)
    assert {label: found for label, found in changes.items() if label in ours} == {}


def test_names_that_the_program_makes_up_are_made_by_the_model() -> None:
    """Their default stands in the model alone; the migrations hold a plain column."""
    people = get_user_model()
    made = {people().username for _ in range(20)}
    assert len(made) == 20
    _, path, _, options = people._meta.get_field("username").deconstruct()
    assert (path, "default" in options) == ("django.db.models.CharField", False)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)
