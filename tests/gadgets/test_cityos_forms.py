"""The forms in which brokers answer an entity all come to one card: the right value, or none and the reason."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.cityos import gateway, template
from gadgets.cityos.gateway import Grant
from gadgets.cityos.ngsi_ld import NgsiLd
from gadgets.cityos.normal_form import DEFAULT_CONTEXT, ByLanguage, centre_of, normal
from gadgets.cityos.places import Point
from gadgets.cityos.pointers import AMBIGUOUS
from gadgets.types import DataSpec
from tests.gadgets.providers import Provider, reply

CASES = json.loads((Path(__file__).parents[1] / "data/cityos/ngsi_ld_forms.json").read_text())
NOW = datetime(2026, 12, 1, 8, 20, tzinfo=UTC)
KIND = "WaterLevelObserved"
ATTRS = ("name", "waterLevel", "location")
HERE = Point(34.34, 134.05)
RIGHT = {
    "default instance beside one with datasetId": 1.23,
    "array of one": 1.23,
    "only instances with datasetId": None,
    "type is a list": 1.23,
    "LanguageProperty": 1.23,
    "expanded type": 1.23,
    "location a polygon": 1.23,
}
BLOCKS = [
    {"type": "metric", "label": "水位", "value": {"$": "/gauge/0/waterLevel/value"}, "unit": "m",
     "observed": {"$": "/gauge/0/waterLevel/observedAt"}},
    {"type": "facts", "items": [{"label": "川", "value": {"$": "/gauge/0/name/value"}}]},
    {"type": "map", "caption": "場所", "geojson": {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {
            "type": "Point", "coordinates": {"$": "/gauge/0/location/value/coordinates"}}}]}},
]  # fmt: skip


def spec() -> DataSpec:
    return DataSpec(
        name="gauge", type=KIND, attrs=ATTRS, near="claim:area.district", most=1, need="required",
        purpose={"ja": "x"},
    )  # fmt: skip


def card(entities: list[Any], locale: str = "ja") -> list[Any]:
    """The blocks of the card, read from a broker over HTTP."""
    planned = gateway.Plan(((spec(), Grant(frozenset(ATTRS), "", ""), HERE),), ())
    body = json.dumps(entities).encode()
    with Provider.running(reply(body, content_type="application/json")) as broker:
        source = NgsiLd(f"http://127.0.0.1:{broker.port}")
        found = gateway.read(planned, source=source, deadline=5, unstated="-")
    terms = template.Terms(locale, NOW, timedelta(hours=1), found.source, found.middles)
    blocks: list[Any] = json.loads(template.card({"summary": "x", "blocks": BLOCKS}, found.data, terms))[
        "blocks"
    ]
    return blocks


def test_every_form_of_the_file_has_a_right_value_here() -> None:
    assert {case["name"] for case in CASES} == set(RIGHT)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_form_that_brokers_answer_is_read_rightly(case: dict[str, Any]) -> None:
    metric, facts, _map, *remarks = card([case["entity"]])
    assert metric["value"] == RIGHT[case["name"]]
    assert metric["status"] == ("not_available" if RIGHT[case["name"]] is None else "current")
    assert facts["items"] == [{"label": "川", "value": "見本川"}]
    said = [remark["text"] for remark in remarks]
    assert (template.SEVERAL["ja"] in said) is (RIGHT[case["name"]] is None)
    assert (template.MIDDLE["ja"] in said) is (case["name"] == "location a polygon")


@pytest.mark.parametrize(
    ("locale", "name"), [("ja", "見本川"), ("en", "Sample river"), ("ja-simple", "見本川")]
)
def test_a_text_by_language_is_the_readers(locale: str, name: str) -> None:
    case = next(case for case in CASES if case["name"] == "LanguageProperty")
    assert card([case["entity"]], locale)[1]["items"][0]["value"] == name


def test_an_area_is_shown_at_its_centroid() -> None:
    case = next(case for case in CASES if case["name"] == "location a polygon")
    at = card([case["entity"]])[2]["geojson"]["features"][0]["geometry"]["coordinates"]
    assert at == pytest.approx([134.06667, 34.33333], abs=1e-4)


def test_the_reader_of_another_language_reads_the_reason_too() -> None:
    case = next(case for case in CASES if case["name"] == "only instances with datasetId")
    assert card([case["entity"]], "en")[-1]["text"] == template.SEVERAL["en"]


BASE = {"id": "urn:x", "type": KIND}


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (1.5, 1.5),
        ({"value": 1.5}, 1.5),
        ({"type": "Point", "coordinates": [1, 2]}, {"type": "Point", "coordinates": [1, 2]}),
        ({"type": "VocabProperty", "vocab": "open"}, "open"),
        ({"type": "ListProperty", "valueList": [1, 2]}, [1, 2]),
        ({"type": "JsonProperty", "json": {"a": 1}}, {"a": 1}),
        ([1, 2], [1, 2]),
        ({"type": "LanguageProperty", "languageMap": {"en": ["a", "b"]}}, ByLanguage({"en": "a"})),
    ],
)  # fmt: skip
def test_simplified_concise_and_special_forms_have_their_value(raw: Any, value: Any) -> None:
    assert normal({**BASE, "x": raw}, KIND)["x"]["value"] == value  # type: ignore[index]


@pytest.mark.parametrize("raw", [None, {"type": "LanguageProperty", "languageMap": {}}])
def test_what_holds_nothing_is_left_out(raw: Any) -> None:
    assert normal({**BASE, "x": raw}, KIND) == BASE


def test_two_defaults_are_none() -> None:
    assert normal({**BASE, "x": [{"value": 1}, {"value": 2}]}, KIND) == {**BASE, "x": AMBIGUOUS}


@pytest.mark.parametrize(
    "entity",
    [{"id": "urn:x"}, {"id": 1, "type": KIND}, {"id": "urn:x", "type": ["Other"]}, {**BASE, "type": 3}],
)
def test_another_type_or_none_is_not_taken(entity: dict[str, Any]) -> None:
    assert normal(entity, KIND) is None


def test_expanded_names_of_attributes_are_compacted_too() -> None:
    found = normal(
        {"@id": "urn:x", "@type": [DEFAULT_CONTEXT + KIND], DEFAULT_CONTEXT + "x": {"value": 1}}, KIND
    )
    assert found == {**BASE, "x": {"value": 1}}


@pytest.mark.parametrize(
    ("geometry", "centre"),
    [
        ({"type": "Point", "coordinates": [1, 2, 3]}, ((1, 2), False)),
        ({"type": "MultiPoint", "coordinates": [[0, 0], [2, 4]]}, ((1, 2), True)),
        ({"type": "LineString", "coordinates": [[0, 0], [2, 4]]}, ((1, 2), True)),
        ({"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}, ((2, 2), True)),
        ({"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]],
                                             [[0, 0], [0, 4], [2, 4], [2, 0], [0, 0]]]}, ((3, 2), True)),
        ({"type": "Polygon", "coordinates": [[[1, 1], [1, 1], [1, 1], [1, 1]]]}, ((1, 1), True)),
        ({"type": "Polygon", "coordinates": [[[0, 0], [400, 0], [0, 4], [0, 0]]]}, None),
        ({"type": "GeometryCollection", "geometries": []}, None),
        ("somewhere", None),
    ],
)  # fmt: skip
def test_the_middle_of_a_geometry(geometry: Any, centre: Any) -> None:
    assert centre_of(geometry) == centre


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "value", "languageMap", "datasetId", "coordinates", "ja", "valueList", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_no_answer_of_a_broker_breaks_the_reading(attribute: Any, location: Any) -> None:
    found = normal({**BASE, "x": attribute, "location": location}, KIND)
    assert found is not None
    gateway._covered(found, ("x", "location"))
