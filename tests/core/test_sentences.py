"""An error says what is wrong in the reader's language: each kind of error, and each text where one is raised."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from core.sentences import sentence
from core.texts import filled
from identity.errors import DerivedAttribute, IdentityError, InvalidToken, UnknownAttribute, UnknownItem
from portal.home.errors import HomeError
from recommender.errors import RecommenderError

ROOT = Path(__file__).resolve().parents[2]
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
MARKS = {"gettext_noop", "gettext_lazy", "gettext", "_"}
COMMAND_LINE = {
    "admin_api.py",
    "sync.py",
    "sync_account.py",
    "realm_file.py",
    "keycloak_sync.py",
    "keycloak_theme.py",
}
"""Read by operators on the command line, which is Japanese as a whole."""


def kinds(root: type[Any]) -> Iterator[type[Any]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


ALL = [kind for root in (IdentityError, HomeError, RecommenderError) for kind in kinds(root)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_kind_of_error_has_its_english(kind: type[Any]) -> None:
    error = kind.__new__(kind)
    error.message, error.values = kind.message, {}
    assert kind is InvalidToken or JAPANESE.search(error.message)
    with translation.override("en"):
        assert not JAPANESE.search(sentence(error))


def test_every_text_at_a_raise_is_marked_for_the_catalogues() -> None:
    files = [
        file
        for folder in ("identity", "recommender", "portal/home")
        for file in (ROOT / folder).rglob("*.py")
    ]
    assert len(files) > 100
    bare = []
    for file in files:
        if file.name in COMMAND_LINE or "evaluation" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                bare += [
                    f"{file.name}:{text.lineno}" for text in unmarked(node.exc) if JAPANESE.search(text.value)
                ]
    assert bare == []


def unmarked(node: ast.AST) -> Iterator[Any]:
    """Texts below a node that no mark of the catalogues encloses."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MARKS:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from unmarked(child)


def test_a_value_is_in_the_readers_language_too() -> None:
    names = {"ja": "地区", "en": "district"}
    error = DerivedAttribute("area.district", "%(name)sは、ほかの属性から自動で決まります。", name=names)
    assert str(error) == "地区は、ほかの属性から自動で決まります。"
    with translation.override("en"):
        assert sentence(error) == "“district” follows from your other answers and cannot be set by itself."
    assert filled("%(name)s", {"name": names}, "ja-simple") == "地区"


@pytest.mark.parametrize("error", [UnknownAttribute("100%"), UnknownItem("%(item)s")])
def test_what_was_sent_is_quoted_as_it_came(error: IdentityError) -> None:
    assert str(next(iter(error.values.values()))) in sentence(error)
    assert str(next(iter(error.values.values()))) in str(error)
