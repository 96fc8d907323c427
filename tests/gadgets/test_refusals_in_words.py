"""Every refusal is said in the language of whoever called: no kind of error and no text at its place is left out."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext

from core.sentences import sentence
from gadgets import actions, web
from gadgets.errors import GadgetError, LifeError, Problem, SchemaError
from gadgets.providers import api_views
from tests.gadgets.test_provider_api import GADGETS, World, world  # noqa: F401  (a fixture)

ROOT = Path(__file__).resolve().parents[2]
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
PLACES = re.compile(r"%\((\w+)\)s")
TEXTS = {"ja": "だめです。", "en": "It is wrong."}


def kinds(root: type[Any]) -> Iterator[type[Any]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def made(kind: type[GadgetError]) -> GadgetError:
    """One of this kind, with plain English where something is quoted."""
    if issubclass(kind, SchemaError) and "place" not in inspect.signature(kind).parameters:
        return kind(Problem("$.id", TEXTS, TEXTS))
    if kind.__init__ is Exception.__init__:
        return kind()
    given: dict[str, Any] = {"status": 503, "seconds": 5}
    needed = [
        parameter.name
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind is not parameter.VAR_KEYWORD
        and parameter.kind is not parameter.VAR_POSITIONAL
    ]
    if kind is api_views._BadCallError:
        return kind(api_views.HTTPStatus.BAD_REQUEST, "not_json", "x", "y")  # type: ignore[call-arg, arg-type]
    return kind(*(given.get(name, "https://one.example/") for name in needed))


class Refusing:
    """A step that this error stops."""

    def __init__(self, error: GadgetError) -> None:
        self.error = error

    def __call__(self, **_given: Any) -> str:
        raise self.error


ALL = sorted({kind for kind in kinds(GadgetError) if kind.__module__.startswith("gadgets.")}, key=str)


@pytest.mark.django_db
def test_every_kind_of_refusal_is_english_for_who_asks_in_english(
    world: World,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(ALL) > 60
    monkeypatch.setattr("gadgets.providers.api_keys.CALLS_A_MINUTE", 1000)
    left = {}
    for kind in ALL:
        monkeypatch.setattr(actions, "register", Refusing(made(kind)))
        answer = world.tool.post(GADGETS, {"url": "https://one.example/gadget.json"}, "en")
        document = json.loads(answer.content)
        assert answer["Content-Type"] == api_views.PROBLEM, kind
        if JAPANESE.search(json.dumps(document, ensure_ascii=False)):
            left[kind.__name__] = document
        with translation.override("en"):
            if JAPANESE.search(web.tell(made(kind))):
                left[kind.__name__] = web.tell(made(kind))
    assert left == {}


def test_every_kind_has_its_japanese_and_its_easy_japanese() -> None:
    for kind in ALL:
        error = made(kind)
        with translation.override("ja"):
            assert JAPANESE.search(sentence(error)) or not JAPANESE.search(error.message), kind
        with translation.override("ja-simple"):
            assert "%(" not in sentence(error), kind


def raised() -> Iterator[tuple[str, ast.expr]]:
    """Where a step is refused, and the text that stands there."""
    names = {kind.__name__ for kind in kinds(LifeError)}
    for path in sorted((ROOT / "gadgets").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Raise)
                and isinstance(node.exc, ast.Call)
                and ast.unparse(node.exc.func) in names
            ):
                for given in node.exc.args:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", given


def test_every_text_at_its_place_has_its_english() -> None:
    found = list(raised())
    assert len(found) > 50
    plain = [place for place, given in found if JAPANESE.search(ast.unparse(given)) and not _marked(given)]
    assert plain == [], "a text is marked with gettext_noop, and what changes in it is a value"
    for place, given in found:
        if not _marked(given):
            continue
        msgid = ast.literal_eval(given.args[0])  # type: ignore[attr-defined]
        with translation.override("en"):
            english = gettext(msgid)
        assert not JAPANESE.search(english), place
        assert sorted(PLACES.findall(english)) == sorted(PLACES.findall(msgid)), place


def _marked(given: ast.expr) -> bool:
    return isinstance(given, ast.Call) and ast.unparse(given.func) == "gettext_noop"


def test_a_refusal_holds_its_values_in_each_language() -> None:
    error = LifeError("点検の予定は%(most)s件までです。", most=20)
    assert str(error) == "点検の予定は20件までです。"
    with translation.override("en"):
        assert sentence(error) == "20 plans of maintenance at most."
