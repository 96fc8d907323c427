"""What changed between two manifests: every difference is told, with its gate; since when a claim is asked for so."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadgets.protocol import manifest as manifests
from gadgets.protocol.manifest import Manifest
from gadgets.review.comparison import asked_again, changes, gate_of, retention_days, terms, terms_hold
from tests.gadgets.samples import claim, document

URL = "https://waste.example/gadget.json"
ZONE = document()["claims"][0]


def parsed(**changes: Any) -> Manifest:
    return manifests.parse(document(**changes), url=URL)


def changed(**new: Any) -> tuple[str, list[str]]:
    found = changes(parsed(), parsed(version="2.2.0", previous="2.1.0", **new))
    return gate_of(found), [change.text["en"] for change in found]


@pytest.mark.parametrize(
    ("new", "gate", "words"),
    [
        ({}, "checks", None),
        ({"title": {"ja": "収集日"}}, "checks", "Title"),
        ({"claims": []}, "checks", "not asked for any more"),
        ({"claims": [claim("area.waste_zone", "optional")]}, "consent", "purpose"),
        ({"sizes": ["S", "M", "L"]}, "operator", "Sizes"),
        ({"link_origins": ["https://waste.example", "https://news.example"]}, "operator", "Link origins"),
        ({"identity": "pairwise"}, "consent", "identity level"),
        ({"identity": "none", "claims": []}, "checks", "identity level"),
        (
            {"claims": [document()["claims"][0], claim("age_band", "optional")]},
            "operator",
            "Age band is asked for",
        ),
        ({"claims": [document()["claims"][0], claim("age_band")]}, "consent", "Age band is asked for"),
        ({"claims": [{**document()["claims"][0], "retention": "P30D"}]}, "consent", "is kept for 30 days"),
        ({"claims": [{**document()["claims"][0], "need": "optional"}]}, "checks", "becomes optional"),
    ],
)
def test_the_gate_follows_from_the_two_manifests(new: dict[str, Any], gate: str, words: str | None) -> None:
    found, told = changed(**new)
    assert found == gate
    assert words is None or any(words in sentence for sentence in told)


def test_a_claim_that_becomes_required_asks_again() -> None:
    before = manifests.parse(document(claims=[claim("age_band", "optional")]), url=URL)
    after = manifests.parse(document(claims=[claim("age_band")]), url=URL)
    found = changes(before, after)
    assert [change.text["ja"] for change in found] == ["「年代」が任意から必須になります。"]
    assert gate_of(found) == "consent"


def test_a_new_privacy_page_is_for_the_operator_to_read() -> None:
    provider = {**document()["provider"], "privacy": "https://waste.example/privacy-2"}
    assert changed(provider=provider)[0] == "operator"


def test_periods_are_compared_in_days() -> None:
    periods = ["P0D", "P1D", "P1W", "P1M", "P1Y"]
    days = [retention_days(period) for period in periods]
    assert days == sorted(set(days))


# --- complete: whatever differs is told -------------------------------------------------------------------------


def datum(**changes: Any) -> dict[str, Any]:
    return {
        "name": "gauge",
        "mode": "read",
        "type": "WaterLevelObserved",
        "attrs": ["waterLevel", "dateObserved"],
        "select": {"near": "claim:area.district", "max": 1},
        "need": "optional",
        "purpose": {"ja": "水位のため"},
    } | changes


def query(**changes: Any) -> dict[str, Any]:
    """A query gadget."""
    return document(
        kind="query",
        endpoints=None,
        claims=[claim("area.district", "optional")],
        data=[datum()],
        template={
            "summary": {"ja": "水位"},
            "blocks": [{"type": "text", "text": {"ja": "水位"}}],
        },
        settings=None,
        link_origins=["https://waste.example"],
    ) | {name: value for name, value in changes.items() if value is not None}


def frame(**changes: Any) -> dict[str, Any]:
    """A frame gadget; `changes` are of its `frame`."""
    part = {
        "src": "https://map.waste.example/frame",
        "csp": {"connect": [], "img": [], "font": []},
        "permissions": [],
        "height": {"min": 200, "max": 600},
    }
    return document(kind="frame", frame=part | changes)


def gates(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    """Gate and English sentence of each change."""
    old, new = manifests.parse(before, url=URL), manifests.parse(after, url=URL)
    return [(change.gate, change.text["en"]) for change in changes(old, new)]


@pytest.mark.parametrize(
    ("part", "gate", "words"),
    [
        ({"need": "required"}, "consent", "need"),
        ({"attrs": ["waterLevel"]}, "checks", "attrs"),
        ({"attrs": ["waterLevel", "dateObserved", "operator"]}, "consent", "attrs"),
        ({"type": "RainObserved"}, "consent", "type"),
        ({"select": {"near": "claim:area.district", "max": 3}}, "operator", "max"),
        ({"select": {"max": 1}}, "checks", "near"),
        ({"purpose": {"ja": "水位のため", "en": "For research"}}, "consent", "purpose"),
    ],
)
def test_how_data_is_read(part: dict[str, Any], gate: str, words: str) -> None:
    found = gates(query(), query(data=[datum(**part)]))
    assert [told[0] for told in found] == [gate]
    assert words in found[0][1]


@pytest.mark.parametrize(("need", "gate"), [("required", "consent"), ("optional", "operator")])
def test_data_that_is_read_for_the_first_time(need: str, gate: str) -> None:
    more = [datum(), datum(name="rain", need=need)]
    assert [told[0] for told in gates(query(), query(data=more))] == [gate]
    assert [told[0] for told in gates(query(data=more), query())] == ["checks"]


def test_the_template_of_a_query_is_for_the_operator() -> None:
    template = {"summary": {"ja": "川の水位"}, "blocks": [{"type": "text", "text": {"ja": "水位"}}]}
    assert [told[0] for told in gates(query(), query(template=template))] == ["operator"]


@pytest.mark.parametrize(
    ("part", "gate"),
    [
        ({"src": "https://map.waste.example/other"}, "operator"),
        ({"src": "https://app.waste.example/frame"}, "consent"),
        ({"permissions": ["geolocation"]}, "consent"),
        ({"csp": {"connect": ["https://api.example"]}}, "consent"),
        ({"csp": {"img": ["https://tiles.example"]}}, "operator"),
        ({"csp": {"font": ["https://fonts.example"]}}, "operator"),
        ({"height": {"min": 200, "max": 900}}, "checks"),
    ],
)
def test_a_frame(part: dict[str, Any], gate: str) -> None:
    assert [told[0] for told in gates(frame(), frame(**part))] == [gate]


@pytest.mark.parametrize(
    ("before", "after", "gate"),
    [
        (document(), frame(), "consent"),
        (query(), document(claims=[claim("area.district", "optional")]), "consent"),
        (frame(), document(), "operator"),
    ],
    ids=["card to frame", "query to card", "frame to card"],
)
def test_another_kind_asks_again_where_somebody_else_is_told(
    before: dict[str, Any], after: dict[str, Any], gate: str
) -> None:
    assert gate_of(changes(manifests.parse(before, url=URL), manifests.parse(after, url=URL))) == gate


def test_a_finer_claim_asks_again_even_when_it_is_optional() -> None:
    found = changes(parsed(), parsed(claims=[ZONE, claim("area.district", "optional")]))
    assert [(change.gate, change.claim) for change in found] == [("consent", "area.district")]
    assert found[0].text["ja"] == "「ごみ収集の区域」より細かい「お住まいの地区」を新しく聞きます。"


_TEXTS = st.fixed_dictionaries(
    {"ja": st.sampled_from(["ごみの日", "収集日", "地域のごみ"])},
    optional={"en": st.sampled_from(["Bins", "Days"])},
)
_CLAIMS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["area.waste_zone", "area.district", "age_band", "household.has_child"]),
            "need": st.sampled_from(["required", "optional"]),
            "retention": st.sampled_from(["P0D", "P30D", "P6M", "P1Y"]),
            "purpose": _TEXTS,
        }
    ),
    max_size=4,
    unique_by=lambda one: str(one["name"]),
)
_URL = st.sampled_from(["https://waste.example/a", "https://waste.example/b"])
_ORIGINS = st.lists(st.sampled_from(["https://a.example", "https://b.example"]), unique=True)
_DOCUMENTS = st.fixed_dictionaries(
    {
        "claims": _CLAIMS,
        "identity": st.sampled_from(["audience", "pairwise"]),
        "title": _TEXTS,
        "summary": _TEXTS,
        "category": st.sampled_from(["environment", "welfare"]),
        "sizes": st.lists(st.sampled_from(["S", "M", "L"]), min_size=1, unique=True),
        "endpoints": st.fixed_dictionaries({"card": _URL, "health": _URL}, optional={"login": _URL}),
        "link_origins": _ORIGINS,
        "cache": st.fixed_dictionaries(
            {"max_age": st.sampled_from([60, 600]), "stale": st.sampled_from([0, 60])}
        ),
        "settings": st.sampled_from(
            [
                None,
                {"type": "object", "properties": {"bins": {"enum": ["all", "few"]}}},
                {"type": "object", "properties": {"bins": {"enum": ["all"]}, "big": {"type": "boolean"}}},
            ]
        ),
        "regions": st.sampled_from([["*"], ["kagawa"], ["kagawa", "ehime"]]),
        "provides": st.sampled_from(
            [
                [],
                [{"type": "Bin", "attrs": ["fill"], "licence": "CC BY 4.0"}],
                [{"type": "Bin", "attrs": ["fill", "place"], "licence": "CC BY 4.0"}],
            ]
        ),
        "provider": st.sampled_from(
            [document()["provider"], {**document()["provider"], "support": "mailto:new@waste.example"}]
        ),
        "version": st.sampled_from(["2.1.0", "2.2.0"]),
    }
)


def _unordered(value: Any) -> Any:
    """The same without any order, and without what is no difference."""
    if isinstance(value, dict):
        return frozenset((key, _unordered(one)) for key, one in value.items() if one not in (None, []))
    if isinstance(value, list):
        return frozenset(_unordered(one) for one in value)
    return value


@given(before=_DOCUMENTS, after=_DOCUMENTS)
def test_every_difference_of_two_manifests_is_told(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = parsed(**before), parsed(**after)
    same = _unordered({**before, "version": ""}) == _unordered({**after, "version": ""})
    found = changes(old, new)
    assert (found == ()) == same
    assert all(change.text["ja"] and change.text["en"] for change in found)


@given(one=_DOCUMENTS, data=st.data())
def test_an_order_is_no_difference(one: dict[str, Any], data: st.DataObject) -> None:
    other = copy.deepcopy(one)
    for name in ("claims", "sizes", "link_origins", "regions"):
        other[name] = data.draw(st.permutations(other[name]))
    assert changes(parsed(**one), parsed(**other)) == ()


# --- since when a claim is asked for so ---------------------------------------------------------------------------


@given(before=_DOCUMENTS, after=_DOCUMENTS)
def test_terms_move_with_what_is_asked_again_and_with_nothing_else(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    old, new = parsed(**{**before, "version": "2.1.0"}), parsed(**{**after, "version": "2.2.0"})
    known = dict.fromkeys((claim.name for claim in old.claims), "1.5.0")
    found = terms(known, old, new)
    asked = asked_again(changes(old, new))
    for one in new.claims:
        anew = one.name not in known or any(change.claim in ("", one.name) for change in asked)
        assert found[one.name] == ("2.2.0" if anew else "1.5.0")


def test_the_first_version_has_no_terms_and_what_stays_as_it_was_needs_none() -> None:
    assert terms({}, None, parsed()) == {}
    assert terms({}, parsed(), parsed(version="2.2.0", title={"ja": "別の題"})) == {}


@pytest.mark.parametrize(
    ("given_under", "asked_since", "holds"),
    [
        ("", "", True),
        ("1.0.0", "", True),
        ("", "2.0.0", False),
        ("2.0.0", "2.0.0", True),
        ("1.9.0", "1.10.0", False),
        ("10.0.0", "9.0.0", True),
    ],
)
def test_a_decision_holds_when_it_is_as_new_as_the_terms(
    given_under: str, asked_since: str, holds: bool
) -> None:
    assert terms_hold(given_under, asked_since) is holds
