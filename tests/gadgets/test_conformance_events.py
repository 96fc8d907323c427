"""Check 14 finds what a provider does wrong with events, and says how to put it right."""

import json
import threading
from typing import Any

import pytest

from examples.lunch.provider import build as build_lunch
from gadgets import conformance
from gadgets.conformance import Subject
from gadgets.conformance.checks import events as conformance_events
from gadgets.protocol.conformance_lines import Line
from gadgets.registration import manifest_source
from gadgets.webhooks.event_wire import MEDIA_TYPE
from tests.gadgets import life, whole
from tests.gadgets.providers import Handler, reply

ANSWERS = 4
BAD = {
    "Refuses an expired event",
    "Refuses an event for another gadget",
    "Refuses a request token as an event",
    "Refuses an unsigned event",
    "Refuses an event signed by an unknown key",
    "Refuses a replayed event",
}


def lines_of(url: str) -> list[Line]:
    fetched = manifest_source.fetch(url)
    subject = Subject(fetched.raw, url, fetched.manifest.id)
    return [line for line in conformance.check(subject, whole.environment()) if line.number == 14]


def wrong(careless: life.Careless) -> dict[str, Line]:
    return {line.title["en"]: line for line in lines_of(careless.url) if line.ok is False}


@pytest.fixture
def bins(careless: life.Careless) -> life.Careless:
    careless.pairwise()
    return careless


def test_the_example_provider_passes_every_line() -> None:
    with life.example(build_lunch, "lunch") as lunch:
        lines = lines_of(lunch.config.url("/gadget.json"))
    assert [line.message["en"] for line in lines if not line.ok] == []
    assert {line.title["en"] for line in lines} > BAD


def test_a_provider_that_verifies_nothing_fails_each_forged_event(bins: life.Careless) -> None:
    found = wrong(bins)
    assert set(found) == BAD
    assert "204" in found["Refuses an expired event"].message["ja"]
    assert all(line.remedy["ja"] and line.remedy["en"] for line in found.values())


def test_one_that_takes_no_events_at_all_reads_how_to(bins: life.Careless) -> None:
    bins.event = reply(b"", status=404)
    found = wrong(bins)
    answers = [line for title, line in found.items() if title.startswith("Answers")]
    assert len(answers) == ANSWERS + 1
    assert "404" in found["Answers an erasure"].message["ja"]
    assert MEDIA_TYPE in found["Answers an erasure"].remedy["en"]
    assert "first use" in found["Refuses a replayed event"].message["en"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"records": "none"}', "$.records"),
        (b"{}", "$.records"),
        (b"ok", "line 1"),
        (b'{"records": 7}', "7"),
    ],
)
def test_an_answer_that_says_the_wrong_thing_is_named(bins: life.Careless, body: bytes, says: str) -> None:
    bins.event = reply(body, content_type="application/json")
    found = wrong(bins)
    assert says in found["Answers an erasure"].message["ja"]
    assert says in found["Answers the dry run of an erasure"].message["en"]
    assert "Answers a withdrawal of consent" not in found


def test_an_erasure_that_comes_again_must_get_the_same_answer(bins: life.Careless) -> None:
    counts = iter(range(1000))

    def answer(handler: Handler) -> None:
        reply(json.dumps({"records": next(counts)}).encode(), content_type="application/json")(handler)

    bins.event = answer
    line = wrong(bins)["Answers an erasure that comes again"]
    assert "txn" in line.remedy["ja"]
    bins.event = reply(b"", status=401)
    assert "401" in wrong(bins)["Answers an erasure that comes again"].message["en"]
    bins.event = reply(b"[]", content_type="application/json")
    assert "$" in wrong(bins)["Answers an erasure that comes again"].message["en"]


def test_a_slow_provider_is_told_so(bins: life.Careless, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CALL_SECONDS", "DRY_RUN_SECONDS"):
        monkeypatch.setattr(conformance_events, name, 0.1)
    released = threading.Event()

    def slow(_: Any) -> None:
        released.wait(10)

    bins.event = slow
    found = wrong(bins)
    released.set()
    assert len(found) == ANSWERS + 1 + len(BAD)


def test_without_the_endpoint_one_line_says_what_residents_read(careless: life.Careless) -> None:
    careless.pairwise(events=False)
    (line,) = lines_of(careless.url)
    assert line.ok
    assert "residents read" in line.message["en"]


def test_other_levels_have_no_such_line(careless: life.Careless) -> None:
    (line,) = lines_of(careless.url)
    assert line.ok
    assert "at level none" in line.message["en"]


def test_a_link_that_knows_residents_is_checked_too(bins: life.Careless) -> None:
    bins.document["kind"] = "link"
    del bins.document["endpoints"]["card"]
    assert set(wrong(bins)) == BAD
