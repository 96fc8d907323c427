"""Each kind has its checks, and each that does not apply says so: query, link, frame, card."""

import json
from typing import Any

import pytest

from examples.kit.web import Request
from gadgets import conformance
from gadgets.conformance import Subject
from gadgets.protocol.conformance_lines import Line
from tests.gadgets import life, whole
from tests.gadgets.whole import Whole

TEMPLATE: dict[str, Any] = {
    "summary": {"ja": "川の水位", "en": "River level"},
    "blocks": [
        {
            "type": "metric",
            "label": {"ja": "水位", "en": "Level"},
            "value": {"$": "/gauge/0/waterLevel/value"},
            "unit": "m",
            "observed": {"$": "/gauge/0/dateObserved/value"},
        }
    ],
}


@pytest.fixture
def river(careless: life.Careless) -> life.Careless:
    """A query: its manifest lies on a web server, its card is made by the portal."""
    document = careless.document
    del document["endpoints"]
    document |= {"kind": "query", "identity": "none", "template": TEMPLATE}
    document["data"] = [
        {
            "name": "gauge",
            "mode": "read",
            "type": "WaterLevelObserved",
            "attrs": ["waterLevel", "dateObserved"],
            "need": "required",
            "purpose": {"ja": "水位を表示するため", "en": "To show the level"},
        }
    ]
    return careless


def report(careless: life.Careless, chromium: str = "") -> list[Line]:
    raw = json.dumps(careless.document, ensure_ascii=False).encode()
    return list(conformance.check(Subject(raw, careless.url), whole.environment(chromium, "ja", "en")))


def not_applicable(lines: list[Line]) -> list[int]:
    assert all(
        line.message["ja"].startswith("対象外です。") for line in lines if "Does not" in line.message["en"]
    )
    return [line.number for line in lines if line.message["en"].startswith("Does not apply: ")]


def test_a_query_has_the_checks_of_its_template(river: life.Careless) -> None:
    lines = report(river)
    assert whole.failing(lines) == []
    assert {line.number for line in lines} == set(range(1, 15))
    assert not_applicable(lines) == [3, 5, 6, 7, 8, 9, 12, 14]
    (made,) = (line for line in lines if line.number == 4)
    assert "All 4 cards" in made.message["en"]  # two languages, with data and without


def test_a_template_that_points_to_nothing_fails_check_4_alone(river: life.Careless) -> None:
    river.document["template"] = json.loads(json.dumps(TEMPLATE).replace("waterLevel/value", "depth/value"))
    lines = report(river)
    (wrong,) = whole.failing(lines)
    assert wrong.number == 4
    for language in ("ja", "en"):
        assert "$.template.blocks[0].value" in wrong.remedy[language]
        assert "waterLevel" in wrong.remedy[language]
    assert {line.number for line in lines if line.ok is None} == {10, 11}


def test_a_link_of_a_query_stays_in_the_declared_origins(river: life.Careless) -> None:
    action = {"type": "open", "label": {"ja": "ひらく"}, "href": "https://elsewhere.example/"}
    river.document["template"] = {**TEMPLATE, "blocks": [{"type": "actions", "items": [action]}]}
    wrong = whole.failing(report(river))
    assert {line.number for line in wrong} == {4}
    assert "link_origins" in wrong[0].message["en"]


def test_a_frame_whose_fallback_is_a_site_has_no_card_and_is_framed(careless: life.Careless) -> None:
    origin = careless.provider.origin
    careless.document["kind"] = "frame"
    careless.document["endpoints"] = {"login": f"{origin}/oidc/start"}
    careless.document["frame"] = {
        "src": f"{origin}/frame",
        "csp": {},
        "permissions": [],
        "height": {"min": 200, "max": 400},
    }
    lines = report(careless)
    assert not_applicable(lines) == [*range(3, 12), 14]
    assert {line.number for line in whole.failing(lines)} == {12}
    assert "text/html" in whole.failing(lines)[0].remedy["en"]


def test_at_level_pairwise_a_card_may_be_ones_own() -> None:
    def greets(card: dict[str, Any], token: Any, _: Request) -> None:
        card["blocks"][0]["text"] += token.sub or ""

    lines = whole.report(Whole(pairwise=True, card=greets))
    assert whole.failing(lines) == []
    assert not_applicable(lines) == [6, 12]
