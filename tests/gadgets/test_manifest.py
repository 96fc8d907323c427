"""A manifest is accepted whole or refused with every place named, in Japanese and English."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.errors import ManifestError
from gadgets.protocol import manifest
from gadgets.types import clean_settings
from tests.gadgets.samples import URL, claim, document, raw


def refused(url: str = URL, **changes: Any) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        manifest.parse(raw(**changes), url=url)
    return caught.value


def test_the_example_of_the_specification_is_accepted() -> None:
    parsed = manifest.parse(raw(), url=URL)
    assert parsed.id == "example.waste.calendar"
    assert parsed.host == "waste.example"
    assert parsed.origin == "https://waste.example"
    assert parsed.claims[0].required
    assert (parsed.max_age, parsed.stale) == (21600, 172800)
    assert parsed.endpoints.all() == (
        "https://waste.example/g/card",
        "https://waste.example/g/health",
        "https://waste.example/oidc/start",
    )
    assert manifest.default_settings(parsed) == {"bins": "all"}
    assert parsed.topics == ("waste",)


def test_bytes_and_a_parsed_document_are_the_same_manifest() -> None:
    assert manifest.parse(document(), url=URL) == manifest.parse(raw(), url=URL)


def test_a_link_gadget_needs_a_login_and_no_card() -> None:
    parsed = manifest.parse(
        raw(kind="link", endpoints={"login": "https://waste.example/oidc/start"}, claims=[], identity="none"),
        url=URL,
    )
    assert parsed.endpoints.card is None
    error = refused(kind="link", endpoints={}, claims=[], identity="none")
    assert error.path == "$.endpoints.login"


def test_an_unknown_field_is_named_with_the_remedy() -> None:
    error = refused(colour="red")
    assert error.path == "$.colour"
    assert "colour" in error.message
    assert "除いて" in error.remedy
    assert "there is no field 'colour'" in error.in_words("en")


def test_an_unknown_field_deep_inside_is_named() -> None:
    assert refused(cache={"max_age": 60, "stale": 0, "forever": True}).path == "$.cache.forever"
    assert refused(claims=[{**claim("age_band"), "why": "x"}]).path == "$.claims[0].why"


FRAME = {"src": "https://map.waste.example/app", "height": {"min": 200, "max": 600}}
DATA = [
    {
        "name": "gauge",
        "mode": "read",
        "type": "WaterLevelObserved",
        "attrs": ["waterLevel", "dateObserved"],
        "select": {"near": "claim:area.district", "max": 1},
        "need": "required",
        "purpose": {"ja": "水位を表示するため"},
    }
]
TEMPLATE = {"summary": {"ja": "川の水位"}, "blocks": [{"type": "text", "text": "水位です。"}]}
GOOD: dict[str, dict[str, Any]] = {
    "card": {},
    "query": {"endpoints": None, "data": DATA, "template": TEMPLATE, "claims": [claim("area.district")]},
    "frame": {"frame": FRAME},
    "link": {"endpoints": {"login": "https://waste.example/oidc/start"}},
}


@pytest.mark.parametrize("kind", manifest.KINDS)
def test_each_kind_is_accepted_with_what_it_needs(kind: str) -> None:
    parsed = manifest.parse(raw(kind=kind, **GOOD[kind]), url=URL)
    assert parsed.kind == kind
    assert (parsed.frame is not None) == (kind == "frame")
    assert (parsed.template is not None, bool(parsed.data)) == (kind == "query", kind == "query")


def test_a_frame_and_the_data_of_a_query_are_read() -> None:
    frame = {**FRAME, "csp": {"connect": ["https://api.example"]}, "permissions": ["fullscreen"]}
    parsed = manifest.parse(raw(kind="frame", frame=frame), url=URL).frame
    assert parsed is not None
    assert (parsed.src, parsed.connect, parsed.permissions) == (
        "https://map.waste.example/app",
        ("https://api.example",),
        ("fullscreen",),
    )
    assert (parsed.min_height, parsed.max_height) == (200, 600)
    read = manifest.parse(raw(kind="query", **GOOD["query"]), url=URL).data[0]
    assert (read.name, read.type, read.near, read.most) == (
        "gauge",
        "WaterLevelObserved",
        "claim:area.district",
        1,
    )


@pytest.mark.parametrize(
    ("kind", "changes", "path"),
    [
        ("card", {"endpoints": {"health": "https://waste.example/h"}}, "$.endpoints.card"),
        ("card", {"endpoints": {"card": "https://waste.example/c"}}, "$.endpoints.health"),
        ("card", {"frame": FRAME}, "$.frame"),
        ("card", {"data": DATA}, "$.data"),
        ("card", {"template": TEMPLATE}, "$.template"),
        ("link", {"endpoints": {}}, "$.endpoints.login"),
        ("query", {"data": []}, "$.data"),
        ("query", {"template": None}, "$.template"),
        ("query", {"endpoints": {"card": "https://waste.example/c"}}, "$.endpoints.health"),
        ("frame", {"frame": None}, "$.frame"),
        ("frame", {"endpoints": {}}, "$.endpoints"),
        ("frame", {"frame": {**FRAME, "height": {"min": 1, "max": 600}}}, "$.frame.height.min"),
        ("frame", {"frame": {**FRAME, "permissions": ["camera"]}}, "$.frame.permissions[0]"),
        ("query", {"data": [{**DATA[0], "mode": "write"}]}, "$.data[0].mode"),
        ("query", {"data": [{**DATA[0], "type": "waterlevel"}]}, "$.data[0].type"),
    ],
)
def test_what_a_kind_lacks_or_may_not_have_is_named(kind: str, changes: dict[str, Any], path: str) -> None:
    error = refused(kind=kind, **{**GOOD[kind], **changes})
    assert path in {problem.path for problem in error.problems}
    assert all(problem.remedy["ja"] and problem.remedy["en"] for problem in error.problems)


def test_the_portal_makes_the_card_of_a_query() -> None:
    endpoints = {"card": "https://waste.example/c", "health": "https://waste.example/h"}
    error = refused(kind="query", **{**GOOD["query"], "endpoints": endpoints})
    assert error.path == "$.endpoints.card"


@pytest.mark.parametrize(
    "src",
    [
        "https://map.other.example/",
        "https://evilwaste.example/",
        "https://example/",
        "http://map.waste.example/",
        "https://map.waste.example:8443/",
    ],
)
def test_a_frame_lives_on_the_manifests_host_or_below_it(src: str) -> None:
    assert refused(kind="frame", frame={**FRAME, "src": src}).path == "$.frame.src"
    assert manifest.parse(raw(kind="frame", frame={**FRAME, "src": "https://waste.example/f"}), url=URL).frame


def test_forms_are_for_pairwise_gadgets_on_their_own_origin() -> None:
    endpoints = {**document()["endpoints"], "action": "https://waste.example/g/action"}
    parsed = manifest.parse(raw(identity="pairwise", endpoints=endpoints), url=URL)
    assert parsed.endpoints.action == "https://waste.example/g/action"
    for level, claims in (("audience", document()["claims"]), ("none", [])):
        error = refused(identity=level, claims=claims, endpoints=endpoints)
        assert error.path == "$.endpoints.action"
        assert "pairwise" in error.remedy
    elsewhere = {**endpoints, "action": "https://other.example/g/action"}
    assert refused(identity="pairwise", endpoints=elsewhere).path == "$.endpoints.action"


@pytest.mark.parametrize(
    ("labels", "path"),
    [
        ({"all": {"ja": "すべて"}}, "$.settings.properties.bins.labels.recycling"),
        (
            {"all": {"ja": "すべて"}, "recycling": {"ja": "資源"}, "other": {"ja": "他"}},
            "$.settings.properties.bins.labels.other",
        ),
        ({"all": {"en": "All"}, "recycling": {"ja": "資源"}}, "$.settings.properties.bins.labels.all.ja"),
    ],
)
def test_labels_name_every_choice_and_no_other(labels: dict[str, Any], path: str) -> None:
    assert refused(settings=_object({"bins": {"enum": ["all", "recycling"], "labels": labels}})).path == path


def test_labels_are_read_also_for_numbers_and_truths() -> None:
    labels = {"1": {"ja": "一"}, "true": {"ja": "はい"}}
    parsed = manifest.parse(raw(settings=_object({"a": {"enum": [1, True], "labels": labels}})), url=URL)
    assert parsed.settings[0].labels == labels


def test_every_problem_is_told_at_once() -> None:
    error = refused(version="two", category="fun", sizes=[])
    assert {problem.path for problem in error.problems} == {"$.version", "$.category", "$.sizes"}
    assert len(error.in_words("ja").splitlines()) == 3


@pytest.mark.parametrize("field", ["id", "provider", "title", "cache", "link_origins", "claims"])
def test_a_missing_field_is_named(field: str) -> None:
    assert f"$.{field}" in {problem.path for problem in refused(**{field: None}).problems}


@pytest.mark.parametrize(
    "gadget_id", ["example.other.calendar", "waste.example.calendar", "example.waste", "example.waste.a.b"]
)
def test_the_id_belongs_to_the_host(gadget_id: str) -> None:
    error = refused(id=gadget_id)
    assert error.path == "$.id"
    assert "example.waste." in error.remedy


def test_another_host_cannot_claim_the_id() -> None:
    error = refused(url="https://evil.example/gadget.json")
    assert error.path == "$.id"


def test_endpoints_live_on_the_origin_that_proved_control() -> None:
    endpoints = {"card": "https://other.example/card", "health": "https://waste.example/health"}
    assert refused(endpoints=endpoints).path == "$.endpoints.card"
    endpoints["card"] = "https://waste.example:8443/card"
    assert refused(endpoints=endpoints).path == "$.endpoints.card"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//waste.example/x",
        "https://user:pw@waste.example/",
        "https:///x",
        "https://a b/",
        "x",
    ],
)
def test_what_is_not_a_web_address_is_refused(url: str) -> None:
    assert refused(endpoints={"card": url, "health": "https://waste.example/h"}).path == "$.endpoints.card"


def test_events_are_for_pairwise_gadgets_on_their_own_origin() -> None:
    endpoints = {**document()["endpoints"], "events": "https://waste.example/g/events"}
    parsed = manifest.parse(raw(identity="pairwise", endpoints=endpoints), url=URL)
    assert parsed.endpoints.events == "https://waste.example/g/events"
    assert parsed.endpoints.events in parsed.endpoints.all()
    for level, claims in (("audience", document()["claims"]), ("none", [])):
        error = refused(identity=level, claims=claims, endpoints=endpoints)
        assert error.path == "$.endpoints.events"
        assert "pairwise" in error.remedy
        assert level in error.in_words("en")
    elsewhere = {**endpoints, "events": "https://other.example/g/events"}
    assert refused(identity="pairwise", endpoints=elsewhere).path == "$.endpoints.events"


@pytest.mark.parametrize(
    "origin", ["https://waste.example/", "https://waste.example/a", "https://WASTE.example"]
)
def test_link_origins_are_bare_origins(origin: str) -> None:
    assert refused(link_origins=[origin]).path == "$.link_origins[0]"


def test_the_version_comes_after_the_previous_one() -> None:
    assert refused(version="2.0.3").path == "$.version"
    assert refused(version="2.0.2").path == "$.version"
    assert manifest.increases("2.0.10", "2.0.9")
    assert not manifest.increases("2.0.9", "2.0.10")


def test_japanese_is_required_and_other_languages_are_known() -> None:
    assert refused(title={"en": "Waste"}).path == "$.title.ja"
    assert refused(title={"ja": "ごみ", "fr": "Déchets"}).path == "$.title.fr"
    assert refused(claims=[{**claim("age_band"), "purpose": {"en": "x"}}]).path == "$.claims[0].purpose.ja"


def test_claims_are_of_the_vocabulary_and_declared_once() -> None:
    assert refused(claims=[claim("email")]).path == "$.claims[0].name"
    assert refused(claims=[claim("age_band"), claim("age_band")]).path == "$.claims[1].name"


def test_level_none_asks_for_nothing() -> None:
    error = refused(identity="none")
    assert error.path == "$.claims"
    assert "audience" in error.remedy


def test_a_shared_card_has_at_most_64_settings() -> None:
    properties = {name: {"type": "boolean"} for name in "abcdef"}
    assert manifest.combinations(manifest.parse(raw(settings=_object(properties)), url=URL).settings) == 64
    properties["g"] = {"type": "boolean"}
    error = refused(settings=_object(properties))
    assert error.path == "$.settings"
    assert "128" in error.message
    assert manifest.parse(raw(settings=_object(properties), identity="pairwise"), url=URL).settings


def test_free_text_is_a_setting_for_pairwise_only() -> None:
    text = _object({"name": {"type": "string", "maxLength": 20}})
    assert "無数" in refused(settings=text).message
    assert manifest.parse(raw(settings=text, identity="pairwise"), url=URL).settings[0].kind == "string"


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "integer"},
        {"type": "integer", "minimum": 3, "maximum": 1},
        {"type": "integer", "minimum": 1, "maximum": 3, "default": 9},
        {"type": "object"},
        {"enum": []},
        {"enum": ["a"], "default": "b"},
        {"enum": [["nested"]]},
        {"type": "string"},
        {"type": "boolean", "pattern": "x"},
    ],
)
def test_settings_outside_the_subset_are_refused(definition: dict[str, Any]) -> None:
    assert refused(settings=_object({"a": definition})).path.startswith("$.settings.properties.a")


def test_settings_of_a_resident_are_cleaned_to_what_is_declared() -> None:
    properties = {
        "bins": {"enum": ["all", "recycling"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    }
    specs = manifest.parse(raw(settings=_object(properties)), url=URL).settings
    assert clean_settings(specs, {"bins": "recycling", "days": 3, "x": 1}) == {"bins": "recycling", "days": 3}
    assert clean_settings(specs, {"bins": "none", "days": True}) == {"bins": "all", "days": 1}
    assert clean_settings(specs, None) == {"bins": "all", "days": 1}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"\xff{}", "UTF-8"),
        (b"{", "JSON"),
        (b"", "JSON"),
        (b"\xef\xbb\xbf{}", "JSON"),
        (b'{"a":1,"a":2}', "a"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"a":1e999}', "1e999"),
        (b'{"a":' + b"9" * 5000 + b"}", "999"),
        (b"[" * 13 + b"]" * 13, "13"),
        (b"[" * 60000, "60000"),
        (b" " * (64 * 1024 + 1), "65537"),
    ],
)
def test_bytes_outside_the_limits_are_refused_before_they_are_built(bad: bytes, says: str) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest.parse(bad, url=URL)
    assert says in caught.value.message


@pytest.mark.parametrize("bad", [b"null", b"[]", b'"x"', b"3"])
def test_a_document_that_is_no_object_is_refused(bad: bytes) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest.parse(bad, url=URL)
    assert caught.value.path == "$"


def test_brackets_inside_strings_are_not_depth() -> None:
    summary = {"ja": "[" * 100 + '\\"{'}
    assert manifest.parse(raw(summary=summary), url=URL).summary == summary


@pytest.mark.parametrize("text", ["<b>太字</b>", "a<script>", "</p>", "<!-- x -->", "<?php"])
def test_html_in_a_text_is_refused_with_its_path(text: str) -> None:
    error = refused(summary={"ja": text})
    assert error.path == "$.summary.ja"
    assert "HTML" in error.message


@pytest.mark.parametrize("text", ["a\u202eb", "a\u2066b", "a\u200fb"])
def test_bidi_controls_are_refused(text: str) -> None:
    assert "向き" in refused(title={"ja": text}).message


@pytest.mark.parametrize(
    "name",
    [
        "Wаste",  # Cyrillic a
        "Gοogle",  # Greek omicron
        "хсо",  # all Cyrillic, all like Latin
        "Was\u200bte",
        "𝐖aste",
        "e\u0301cole",
    ],
)
def test_look_alike_names_are_refused(name: str) -> None:
    assert refused(title={"ja": "ごみ", "en": name}).path == "$.title.en"
    provider = {**document()["provider"], "name": name}
    assert refused(provider=provider).path == "$.provider.name"


@pytest.mark.parametrize(
    "name", ["ごみ収集日 Plus", "ＡＢＣバス", "École", "Почта России", "東京メトロ", "한국어 안내", "4℃"]
)
def test_honest_names_are_accepted(name: str) -> None:
    assert manifest.parse(raw(title={"ja": name}), url=URL).title["ja"] == name


def test_a_lone_surrogate_is_refused() -> None:
    bad = raw(summary={"ja": "SURROGATE"}).replace(b"SURROGATE", b"\\ud800")
    with pytest.raises(ManifestError) as caught:
        manifest.parse(bad, url=URL)
    assert caught.value.path == "$.summary.ja"


@given(st.binary(max_size=400))
def test_any_bytes_are_parsed_or_refused(noise: bytes) -> None:
    with pytest.raises(ManifestError):
        manifest.parse(noise, url=URL)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(document())), _json)
def test_any_value_in_any_field_is_parsed_or_refused_with_a_path(field: str, value: Any) -> None:
    changed = {**document(), field: value}
    try:
        manifest.parse(json.dumps(changed).encode(), url=URL)
    except ManifestError as error:
        assert all(problem.path.startswith("$") for problem in error.problems)
        assert all(problem.message["ja"] and problem.message["en"] for problem in error.problems)
        assert all(problem.remedy["ja"] and problem.remedy["en"] for problem in error.problems)


@given(_json)
def test_depth_is_counted_as_the_parser_builds_it(value: Any) -> None:
    from gadgets.protocol.wire import depth_of

    def depth(node: Any) -> int:
        if isinstance(node, dict):
            return 1 + max((depth(inner) for inner in node.values()), default=0)
        if isinstance(node, list):
            return 1 + max((depth(inner) for inner in node), default=0)
        return 0

    assert depth_of(json.dumps(value).encode()) == depth(value)


def test_the_schemas_are_valid_and_named_by_the_portal_path() -> None:
    from gadgets.protocol.wire import schema, schema_bytes

    for name in ("manifest-1.0", "card-1.0"):
        assert json.loads(schema_bytes(name))["$id"] == f"/schemas/{name}.json"
        assert schema(name)


def test_the_schema_and_the_vocabularies_agree() -> None:
    from gadgets.protocol.wire import schema_bytes
    from identity.domain import attributes

    published = json.loads(schema_bytes("manifest-1.0"))["properties"]
    assert published["category"]["enum"] == list(manifest.CATEGORIES) == list(manifest.CATEGORY_TOPICS)
    assert published["kind"]["enum"] == list(manifest.KINDS)
    assert set(published["claims"]["items"]["properties"]["name"]["enum"]) <= set(attributes.KEYS)
    for topics in manifest.CATEGORY_TOPICS.values():
        assert set(topics) <= set(attributes.TOPICS)
