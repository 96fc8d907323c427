"""The page of the events says what is sent, when, and what is taken as an answer."""

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from gadgets.models import EventDelivery
from gadgets.webhooks import erasure, event_wire, events
from tests.architecture.tables import REFERENCE, codes, rows

PAGE = REFERENCE / "gadget-events.md"


def named(heading: str) -> list[str]:
    return [code for under, cells in rows(PAGE) if under == heading for code in codes(cells[0])[:1]]


def test_the_claims_and_the_kinds() -> None:
    event = event_wire.Event("erasure", "example.a", "sub", "txn")
    claims = list(event_wire.claims(event, now=timezone.now()))
    kinds = {*EventDelivery.Kind.values, event_wire.ERASURE_CHECK}
    assert set(named("The request")) == {*claims, *kinds}
    text = PAGE.read_text(encoding="utf-8")
    assert event_wire.TOKEN_TYPE in text
    assert f"{event_wire.TOKEN_SECONDS} seconds later" in text


def test_the_answer() -> None:
    client = Client(headers={"host": urlsplit(settings.PORTAL_URL).netloc})
    answer = client.get("/schemas/event-answer-1.0.json")
    assert answer.headers["Content-Type"] == "application/schema+json"
    schema = json.loads(answer.content)
    inner = schema["properties"]["kept"]["items"]["properties"]
    assert named("The answer") == [*schema["properties"], *(f"kept[].{name}" for name in inner)]
    text = PAGE.read_text(encoding="utf-8")
    assert f"at most {event_wire.ANSWER_BYTES // 1024} KB" in text
    assert f"at most {inner['what']['maxLength']} characters" in text
    assert f"at most {schema['properties']['kept']['maxItems']} things" in text


@pytest.mark.parametrize(
    "words",
    [
        "after 10 seconds, 1 minute, 10 minutes, 1 hour, then every 6 hours, for 30 days",
        f"One call takes {events.CALL_SECONDS:.0f} seconds",
        f"({erasure.CHECK_SECONDS:.0f} seconds)",
        f"remembered for {events.REMEMBERED.days} days after it was told",
    ],
)
def test_the_figures(words: str) -> None:
    assert words in " ".join(PAGE.read_text(encoding="utf-8").split())
    minutes = [wait / timedelta(minutes=1) for wait in (*events.WAITS, events.LATER)]
    assert minutes == [pytest.approx(1 / 6), 1, 10, 60, 360]
