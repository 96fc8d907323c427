"""A query's template: what is wrong is named with its place and its remedy, and what is missing is never made up."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gadgets.cityos import template
from gadgets.cityos.places import Point, metres, middle_of, middle_of_region, point_of
from gadgets.cityos.pointers import MISSING, resolve
from gadgets.protocol import card as cards
from gadgets.protocol import manifest
from gadgets.types import Source
from tests.gadgets import samples

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
CLAIM = {
    "name": "area.district",
    "need": "optional",
    "retention": "P0D",
    "purpose": {"ja": "最寄りを選ぶため", "en": "To choose the nearest"},
}
DATA = {
    "name": "gauge",
    "mode": "read",
    "type": "WaterLevelObserved",
    "attrs": ["waterLevel", "dateObserved"],
    "select": {"near": "claim:area.district", "max": 2},
    "need": "required",
    "purpose": {"ja": "水位を表示するため", "en": "To show the level"},
}
METRIC = {
    "type": "metric",
    "label": {"ja": "水位", "en": "Level"},
    "value": {"$": "/gauge/0/waterLevel/value"},
    "unit": "m",
    "observed": {"$": "/gauge/0/dateObserved/value"},
}


def parsed(*blocks: Any, summary: Any = None, **changes: Any) -> manifest.Manifest:
    whole = {
        "kind": "query",
        "endpoints": None,
        "claims": [CLAIM],
        "data": [DATA],
        "template": {
            "summary": summary or {"ja": "川の水位", "en": "River"},
            "blocks": list(blocks) or [METRIC],
        },
    }
    return manifest.parse(samples.document(**(whole | changes)), url=samples.URL)


def problems(found: manifest.Manifest) -> list[tuple[str, str, str]]:
    return [
        (one.path, one.message["en"], one.remedy["en"]) for one in template.check(found, datetime.now(UTC))
    ]


def filled(*blocks: Any, data: Any = None, locale: str = "ja") -> list[dict[str, Any]]:
    terms = template.Terms(locale, NOW, timedelta(hours=1), Source("市", "CC BY 4.0"))
    raw = template.card({"summary": "x", "blocks": list(blocks)}, data or {}, terms)
    return list(json.loads(raw)["blocks"])


def test_the_example_of_the_specification_has_nothing_wrong() -> None:
    assert problems(parsed()) == []


@pytest.mark.parametrize(
    ("pointer", "words", "remedy"),
    [
        ("gauge/0/waterLevel", "does not point into the data", "/gauge/0/"),
        ("/gauge", "does not point into the data", "/gauge/0/"),
        ("/river/0/waterLevel/value", "no entry named 'river'", "gauge"),
        ("/gauge/2/waterLevel/value", "not below select.max (2)", "0 to 1"),
        ("/gauge/first/waterLevel/value", "not below select.max", "0 to 1"),
        ("/gauge/0/flow/value", "not among this entry's attrs", "waterLevel"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_named_with_its_place(pointer: str, words: str, remedy: str) -> None:
    ((path, told, mend),) = problems(parsed({**METRIC, "value": {"$": pointer}}))
    assert path == "$.template.blocks[0].value.$"
    assert words in told
    assert remedy in mend


def test_a_pointer_has_nothing_beside_it_and_is_a_text() -> None:
    both = parsed({**METRIC, "value": {"$": "/gauge/0/waterLevel/value", "else": 0}})
    number = parsed({**METRIC, "value": {"$": 0}})
    assert [path for found in (both, number) for path, _, _ in problems(found)] == [
        "$.template.blocks[0].value.$"
    ] * 2


def test_a_block_that_is_no_block_is_named_in_the_manifest() -> None:
    path, _, _ = problems(parsed({**METRIC, "colour": "red"}))[0]
    assert path.startswith("$.template.blocks[0]")
    (path, _, _) = problems(parsed({"type": "text", "text": "[x](https://elsewhere.example/)"}))[0]
    assert path.startswith("$.template.blocks[0]")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"claims": []}, "$.claims"),
        ({"claims": [CLAIM, {**CLAIM, "name": "age_band"}]}, "$.claims[1].name"),
        ({"data": [{**DATA, "select": {"max": 2}}]}, "$.claims[0].name"),
        ({"data": [DATA, deepcopy(DATA)]}, "$.data[1].name"),
        ({"identity": "pairwise"}, "$.identity"),
    ],
    ids=["no-claim", "more-claims", "unused-claim", "same-name", "pairwise"],
)
def test_a_query_asks_for_what_it_uses_and_nothing_else(changes: dict[str, Any], path: str) -> None:
    found = problems(parsed(**changes))
    assert [one for one, _, _ in found] == [path]
    assert all(remedy for _, _, remedy in found)


def test_a_gadget_of_another_kind_has_no_template_to_check() -> None:
    assert template.check(manifest.parse(samples.document(), url=samples.URL), NOW) == []


@pytest.mark.parametrize("locale", ["ja", "en", "ja-simple"])
def test_the_samples_are_valid_cards_with_data_and_without(locale: str) -> None:
    found = parsed()
    names = []
    for name, raw in template.samples(found, locale, NOW):
        cards.parse(raw, manifest=found)
        names.append(name)
    assert names == ["all", "nothing"]


def test_an_entry_of_which_nothing_is_known_goes_and_an_empty_block_says_so() -> None:
    data = {"gauge": [{"name": {"value": "荒川"}}]}
    items = [
        {"label": "1", "value": {"$": "/gauge/0/name/value"}},
        {"label": "2", "value": {"$": "/gauge/1/name/value"}},
    ]
    (block,) = filled({"type": "facts", "items": items}, data=data)
    assert block["items"] == [{"label": "1", "value": "荒川"}]
    (block,) = filled({"type": "facts", "items": items[1:]}, data=data, locale="en")
    assert block == {"type": "text", "text": "No information"}


def test_a_place_that_is_not_known_is_not_on_the_map() -> None:
    def feature(number: int) -> dict[str, Any]:
        at = {"$": f"/g/{number}/location/value/coordinates"}
        return {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": at},
            "properties": {"label": str(number)},
        }

    data = {"g": [{"location": {"value": {"type": "Point", "coordinates": [134.0, 34.3]}}}]}
    geojson = {"type": "FeatureCollection", "features": [feature(0), feature(1)]}
    (block,) = filled({"type": "map", "caption": "x", "geojson": geojson}, data=data)
    assert [one["properties"]["label"] for one in block["geojson"]["features"]] == ["0"]
    assert block["geojson"]["features"][0]["geometry"]["coordinates"] == [134.0, 34.3]


def test_numbers_and_truth_become_words_where_words_stand_and_gaps_stay_gaps() -> None:
    data = {"g": [{"a": {"value": 3}, "b": {"value": True}}]}
    items = [{"label": "a", "value": {"$": "/g/0/a/value"}}, {"label": "b", "value": {"$": "/g/0/b/value"}}]
    (block,) = filled({"type": "facts", "items": items}, data=data, locale="en")
    assert [one["value"] for one in block["items"]] == ["3", "Yes"]
    series = [{"label": "x", "values": [{"$": "/g/0/a/value"}, {"$": "/g/1/a/value"}]}]
    (block,) = filled({"type": "chart", "series": series}, data=data)
    assert block["series"][0]["values"] == [3, None]


def test_a_date_without_a_date_goes_and_a_whole_without_its_size_is_not_shown() -> None:
    dates = [{"date": {"$": "/g/0/day/value"}, "label": {"$": "/g/0/name/value"}}]
    data = {"g": [{"name": {"value": "x"}}]}
    assert filled({"type": "dates", "items": dates}, data=data)[0]["type"] == "text"
    progress = {"type": "progress", "label": "x", "value": 1, "max": {"$": "/g/0/all/value"}}
    assert filled(progress, data=data)[0]["type"] == "text"


def test_a_link_or_remark_that_is_missing_goes() -> None:
    item = {"text": "図書館", "href": {"$": "/g/0/url/value"}}
    assert filled({"type": "list", "items": [{**item, "text": "a"}, "b"]})[0]["items"] == ["b"]
    data = {"g": [{"name": {"value": "図書館"}}]}
    named = {**item, "text": {"$": "/g/0/name/value"}}
    assert filled({"type": "list", "items": [named]}, data=data)[0]["items"] == [{"text": "図書館"}]


@pytest.mark.parametrize("pointer", ["/g/5/a", "/g/-1/a", "/g/x", "/h", "/g/0/a/value/deeper", "/g/0/null"])
def test_a_pointer_that_finds_nothing_finds_missing(pointer: str) -> None:
    assert resolve({"g": [{"a": {"value": "text"}, "null": None}]}, pointer) is MISSING


def test_names_with_slashes_and_tildes_are_escaped_as_the_standard_says() -> None:
    assert resolve({"g": [{"a/b~c": 1}]}, "/g/0/a~1b~0c") == 1


def test_distances_and_middles() -> None:
    assert metres(Point(34.0, 134.0), Point(34.0, 134.0)) == 0
    assert metres(Point(34.0, 134.0), Point(35.0, 134.0)) == pytest.approx(111_195, rel=1e-3)
    busshozan, region = middle_of("busshozan"), middle_of_region()
    assert busshozan is not None
    assert metres(busshozan, region) < 20_000
    assert middle_of("nowhere") is None


@pytest.mark.parametrize(
    "location",
    [None, {}, {"value": {"type": "Polygon", "coordinates": []}}, {"value": {"type": "Point", "coordinates": [1]}},
     {"value": {"type": "Point", "coordinates": ["a", "b"]}}, {"value": {"type": "Point", "coordinates": [0, 91]}},
     {"value": {"type": "Point", "coordinates": [True, False]}}],
    ids=["none", "empty", "empty-polygon", "short", "texts", "off-the-globe", "bools"],
)  # fmt: skip
def test_what_is_no_point_is_nowhere(location: Any) -> None:
    assert point_of({"location": location}) is None
