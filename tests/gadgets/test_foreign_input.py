"""What a provider sends breaks no page, no API and no tool: it is a finding, or a counted fault of that gadget."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.core.cache import cache
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from gadgets.cards import render
from gadgets.cityos import template
from gadgets.cityos.pointers import resolve
from gadgets.errors import CardError
from gadgets.metrics import recent_faults
from gadgets.protocol import wire
from gadgets.providers import api_keys
from gadgets.registration import check_runs
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.providers import Handler, card_document, reply
from tests.gadgets.test_cityos_template import parsed
from tests.gadgets.test_provider_api import GADGETS, Tool
from tests.gadgets.test_rgadget import Shell
from tests.sites import free_ports

HALF = "\ud800"
QUERY = parsed()
SENT: dict[str, Any] = {
    "a field's name": {f"x{HALF}": 1},
    "a text": {"summary": f"あ{HALF}"},
    "a text inside": {"blocks": [{"type": "text", "text": HALF}]},
    "a key inside": {"source": {"publisher": "a", "licence": "b", HALF: "c"}},
    "marks of direction in a name": {"\u202efield": 1},
    "a sign that steers terminals in a name": {"\x1b[2Jx": 1},
}


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return Shell(tmp_path, capsys)


def boom(*_: object, **__: object) -> NoReturn:
    raise OverflowError("a secret of the card")


@pytest.fixture
def published(careless: life.Careless, desk: DeskFor, django_capture_on_commit_callbacks: Any) -> str:
    return life.publish(careless.url, django_capture_on_commit_callbacks)


def safe(page: str) -> str:
    assert page.encode()
    for sign in (HALF, "\u202e", "\x1b"):
        assert sign not in page
    return page


@pytest.mark.django_db
@pytest.mark.parametrize("name", SENT)
def test_what_cannot_be_written_is_a_finding_everywhere(
    name: str, careless: life.Careless, desk: DeskFor, published: str
) -> None:
    careless.card = reply(json.dumps(card_document(**SENT[name])).encode())
    guest = desk(None)
    cache.clear()
    assert 'data-status="not_available"' in safe(guest.page(reverse("gadgets_wire:card", args=[published])))
    safe(guest.page(reverse("gadgets:page", args=[published])))
    (fault,) = recent_faults.recent(published).faults[:1]
    safe(fault.detail)


@pytest.mark.django_db
@pytest.mark.parametrize("name", SENT)
def test_console_preview_and_api_answer_all_the_same(
    name: str, careless: life.Careless, desk: DeskFor, django_capture_on_commit_callbacks: Any
) -> None:
    person = cast.busco()
    member = desk(person)
    organisation = member.organisation()
    key = api_keys.make_api_key(provider_id=organisation, name="build server", by=cast.as_actor(person))
    tool = Tool(key, django_capture_on_commit_callbacks)
    careless.card = reply(json.dumps(card_document(**SENT[name])).encode())
    assert tool.post(GADGETS, {"url": careless.url}).status_code == 201
    with django_capture_on_commit_callbacks(execute=True):
        check_runs.run_waiting()
    console = reverse("gadgets:provider_gadget", args=[careless.id])
    assert "$" in safe(member.page(console))
    safe(member.page(reverse("gadgets:provider_preview", args=[careless.id])))
    answer = tool.get(f"{GADGETS}/{careless.id}")
    assert answer.status_code == 200
    failed = [line for line in json.loads(answer.content)["checks"]["lines"] if line["ok"] is False]
    assert failed
    safe(json.dumps(failed, ensure_ascii=False))


@pytest.mark.parametrize("name", SENT)
def test_the_tool_prints_a_finding(name: str, terminal: Shell, careless: life.Careless) -> None:
    careless.card = reply(json.dumps(card_document(**SENT[name])).encode())
    code, out, errors = terminal.run("test", careless.url, "--port", free_ports())
    assert code == 1, errors
    assert "✘  4" in safe(out), errors
    assert "Traceback" not in safe(errors) + out


@pytest.mark.django_db
def test_a_manifest_with_half_a_letter_is_refused_by_name(
    careless: life.Careless,
    desk: DeskFor,
    django_capture_on_commit_callbacks: Any,
    terminal: Shell,
) -> None:
    plain = careless.provider.answer
    manifest = json.dumps({**careless.document, f"x{HALF}": 1}).encode()

    def answer(handler: Handler) -> None:
        (reply(manifest, content_type="application/json") if handler.path == "/gadget.json" else plain)(
            handler
        )

    careless.provider.answer = answer
    person = cast.busco()
    member = desk(person)
    organisation = member.organisation()
    page = member.register(careless.url, organisation)
    assert page.status_code == 422
    assert "サロゲート" in safe(page.content.decode())
    key = api_keys.make_api_key(provider_id=organisation, name="build server", by=cast.as_actor(person))
    refused = Tool(key, django_capture_on_commit_callbacks).post(GADGETS, {"url": careless.url})
    assert 400 <= refused.status_code < 500
    safe(refused.content.decode())
    code, _, errors = terminal.run("validate", careless.url)
    assert code == 1
    assert "\\ud800" in safe(errors)


@pytest.mark.django_db
def test_an_address_with_half_a_letter_is_no_error_of_ours(
    desk: DeskFor, django_capture_on_commit_callbacks: Any
) -> None:
    person = cast.busco()
    key = api_keys.make_api_key(provider_id=desk(person).organisation(), name="a", by=cast.as_actor(person))
    tool = Tool(key, django_capture_on_commit_callbacks)
    for body in (r'{"url": "https://a.example/\ud800"}', r'{"\ud800": "x", "url": "https://a.example/"}'):
        answer = tool.post(GADGETS, body)
        assert 400 <= answer.status_code < 500


@given(
    st.recursive(
        st.text(st.characters(exclude_categories=())),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner),
        max_leaves=6,
    )
)
def test_what_is_read_can_be_written(value: Any) -> None:
    """Whatever the JSON, what comes out of the reader is text that UTF-8 can hold, or a problem that can be shown."""
    try:
        found = wire.loads(json.dumps(value).encode(), error=CardError, max_bytes=10_000, max_depth=20)
    except CardError as error:
        assert error.in_words("ja").encode()
        assert error.in_words("en").encode()
    else:
        assert json.dumps(found, ensure_ascii=False).encode()


# --- a card that keeps the rules and breaks our code ------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["get_template", "moment", "number"])
def test_a_card_that_cannot_be_drawn_is_a_counted_fault_and_every_page_is_whole(
    place: str,
    careless: life.Careless,
    desk: DeskFor,
    published: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    metric = {
        "type": "metric", "label": "水位", "value": 1, "unit": "m", "status": "current", "observed": "2026-04-01T09:00:00+09:00",
    }  # fmt: skip
    careless.card = card_document(blocks=[metric])
    monkeypatch.setattr(render, place, boom)
    cache.clear()
    guest = desk(None)
    with caplog.at_level(logging.WARNING):
        fragment = guest.page(reverse("gadgets_wire:card", args=[published]))
    assert 'data-status="not_available"' in fragment
    assert "いまは内容を取得できません" in fragment
    assert "いまは内容を取得できません" in guest.page(reverse("gadgets:page", args=[published]))
    (fault, *_) = recent_faults.recent(published).faults
    assert fault.code == "card_not_drawn"
    assert "OverflowError" in fault.detail
    assert f"card of {published} failed: card_not_drawn (OverflowError" in caplog.text
    assert "secret" not in caplog.text + fault.detail


@pytest.mark.django_db
def test_the_preview_shows_why_a_card_cannot_be_drawn(
    careless: life.Careless, desk: DeskFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    monkeypatch.setattr("gadgets.cards.render.moment", boom)
    careless.card = card_document(blocks=[{"type": "dates", "items": [{"date": "2026-04-01", "label": "a"}]}])
    assert "ポータルが表示できませんでした" in member.page(
        reverse("gadgets:provider_preview", args=[careless.id])
    )


def test_the_tool_says_where_a_card_cannot_be_drawn(
    terminal: Shell,
    careless: life.Careless,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gadgets.cards.render.moment", boom)
    careless.card = card_document(blocks=[{"type": "dates", "items": [{"date": "2026-04-01", "label": "a"}]}])
    code, out, errors = terminal.run("test", careless.url, "--port", free_ports())
    assert code == 1
    assert "could not draw it (OverflowError" in out
    assert "Traceback" not in out + errors


# --- templates of queries ----------------------------------------------------------------------------------------

PARTS = st.sampled_from(
    ["gauge", "0", "00", "9" * 5000, "１", "²", "-1", "waterLevel", "value", "", "~1", "x"]
)
POINTERS = st.lists(PARTS, min_size=1, max_size=5).map(lambda parts: {"$": "/" + "/".join(parts)})
GOOD = st.sampled_from([{"$": "/gauge/0/waterLevel/value"}, {"$": "/gauge/1/dateObserved/value"}])
KEYS = st.sampled_from(
    ["type", "items", "value", "observed", "text", "label", "ja", "max", "geojson", "features"]
)
VALUES = st.recursive(
    GOOD | POINTERS | st.sampled_from(["a", "", "2026-04-01"]) | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=6,
)
KINDS = st.sampled_from(["metric", "progress", "list", "facts", "map", "dates", "table", "chart", "text"])
BLOCKS = st.builds(
    lambda kind, fields: {**fields, "type": kind}, KINDS | VALUES, st.dictionaries(KEYS, VALUES, max_size=4)
)


@given(st.lists(BLOCKS, min_size=1, max_size=2), VALUES)
@settings(max_examples=150, deadline=None)
def test_a_template_is_refused_with_words_or_makes_a_card(blocks: list[Any], summary: Any) -> None:
    made = replace(QUERY, template={"summary": summary, "blocks": blocks})
    for found in template.check(made, datetime(2026, 4, 1, tzinfo=UTC)):
        assert found.path.startswith("$")
        assert "could not draw" not in found.message["en"], found.message["en"]


@given(
    POINTERS,
    st.recursive(st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(PARTS, inner)),
)
def test_a_pointer_finds_something_or_nothing(pointer: dict[str, str], data: Any) -> None:
    resolve({"gauge": [data]}, pointer["$"])
