"""The shelter provider: a page that only the portal may frame, and answers to a frame's token only."""

from collections.abc import Iterator
from typing import Any

import pytest

from examples.kit.loopback import new_session
from examples.shelter import places as data
from examples.shelter.alerts import Alerts
from examples.shelter.places import SHOWN, district_of, near
from examples.shelter.provider import build
from gadgets.protocol import card as wire
from gadgets.protocol import manifest as manifests
from tests.examples.support import Running, World, running

DISTRICT = "area.district"


@pytest.fixture(autouse=True)
def _no_memory_of_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.shelter.alerts.KEPT", 0.0)


@pytest.fixture
def shelter(world: World) -> Iterator[Running]:
    with running(build, "shelter", world) as it:
        yield it


def token(it: Running, world: World, *, header: dict[str, Any] | None = None, **over: Any) -> str:
    """A good token of a frame, unless spoilt."""
    frame = it.get("/gadget.json").json()["frame"]["src"]
    claims = {"origin": manifests.origin_of(frame), "htm": None, "ctx": {"locale": "ja", "settings": {}}}
    return world.request_token(
        aud=it.get("/gadget.json").json()["id"],
        htu=frame,
        header={"typ": "rgadget-frame+jwt"} | (header or {}),
        **claims | over,
    )


def context(locale: str) -> dict[str, Any]:
    return {"locale": locale, "size": "M", "settings": {}}


def places(it: Running, raw: str) -> Any:
    return it.get("/places", headers={"Authorization": f"Bearer {raw}"})


def test_manifest_and_card_hold(shelter: Running) -> None:
    answer = shelter.get("/gadget.json")
    parsed = manifests.parse(answer.content, url=shelter.origin + "/gadget.json")
    assert parsed.frame is not None
    assert manifests.origin_of(parsed.frame.src) != shelter.origin
    for claims in ({}, {DISTRICT: "busshozan"}, {DISTRICT: "nowhere"}):
        card = shelter.card(claims=claims, granted=sorted(claims))
        assert wire.parse(card.content, manifest=parsed).blocks


def test_only_the_portal_may_frame_the_page(shelter: Running, world: World) -> None:
    page = shelter.get("/map")
    policy = page.headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors {world.portal}")
    assert "'none'" not in policy.split("frame-ancestors")[1]
    assert "unsafe" not in policy
    assert "Set-Cookie" not in page.headers
    assert "frame-ancestors 'none'" in shelter.get("/").headers["Content-Security-Policy"]


def test_a_token_brings_the_places_near_the_district(shelter: Running, world: World) -> None:
    body = places(shelter, token(shelter, world, claims={DISTRICT: "busshozan"})).json()
    assert body["centre"]["ja"] == "仏生山"
    assert len([one for one in body["places"] if not one["closed"]]) == SHOWN
    assert [one["km"] for one in body["places"]] == sorted(one["km"] for one in body["places"])


@pytest.mark.parametrize("claims", [{}, {DISTRICT: "nowhere"}])
def test_without_a_district_nothing_is_near(shelter: Running, world: World, claims: dict[str, str]) -> None:
    body = places(shelter, token(shelter, world, claims=claims)).json()
    assert (body["centre"], body["places"]) == (None, [])
    for locale in ("ja", "en", "ja-simple"):
        said = str(shelter.card(claims=claims, granted=sorted(claims), ctx=context(locale)).json())
        assert " km" not in said
        assert not any(place.name in said for place in data.places())


def alert(kind: str, level: int = 4, districts: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"kind": kind, "level": level, "districts": list(districts)}


def card_words(shelter: Running, district: str, locale: str = "ja") -> list[str]:
    """The sentences of the card, its list entries among them."""
    blocks = shelter.card(claims={DISTRICT: district}, granted=[DISTRICT], ctx=context(locale)).json()[
        "blocks"
    ]
    return [
        said if isinstance(said, str) else f"{said['label']}: {said['value']}"
        for block in blocks
        for said in ([block["text"]] if "text" in block else block["items"])
        if isinstance(said, str) or "value" in said
    ]


@pytest.mark.parametrize(
    ("kind", "column"),
    [("flood", "flood_L2"), ("landslide", "sedimentDisaster"), ("storm_surge", "stormSurge"), ("tsunami", "tunami"),
     ("earthquake", "earthquake"), ("rain", "inundation")],
)  # fmt: skip
def test_while_a_hazard_is_in_force_only_fitting_places_are_offered_and_it_is_named_first(
    shelter: Running, world: World, kind: str, column: str
) -> None:
    world.alerts = [alert("heat", 2), alert(kind)]
    offered = places(shelter, token(shelter, world, claims={DISTRICT: "busshozan"})).json()
    assert offered["in_force"][0] == column
    assert all(
        one["hazards"][column] in ("yes", "condition") for one in offered["places"] if not one["closed"]
    )
    name = data.HAZARDS[column]["ja"]
    said = card_words(shelter, "busshozan")
    assert name in said[0]
    listed = [one for one in said if " km) " in one]
    assert len(listed) == 3
    for one in listed:
        assert one.partition(" km) ")[2].partition(": ")[2].startswith(name)
        assert all(texts["ja"] in one for texts in data.HAZARDS.values())


def test_every_place_that_is_not_fit_for_a_tsunami_stays_out_during_one() -> None:
    assert any(place.hazards["tunami"] == data.NO for place in data.places())
    for district in data.districts().values():
        offered = [place for place in near(district) if place.fits(["tunami"])]
        assert all(place.hazards["tunami"] in (data.YES, data.CONDITION) for place in offered)


def test_an_alert_for_other_districts_is_not_this_ones(shelter: Running, world: World) -> None:
    world.alerts = [alert("tsunami", districts=("ajicho",))]
    assert places(shelter, token(shelter, world, claims={DISTRICT: "busshozan"})).json()["in_force"] == []


def test_alerts_that_cannot_be_read_are_never_none_in_force(shelter: Running, world: World) -> None:
    world.alerts = None
    assert places(shelter, token(shelter, world, claims={DISTRICT: "busshozan"})).json()["in_force"] is None
    assert "確認できません" in card_words(shelter, "busshozan")[0]
    assert "cannot be checked" in card_words(shelter, "busshozan", "en")[0]


def test_alerts_are_asked_for_once_a_minute_and_the_failure_is_kept_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.shelter.alerts.KEPT", 60.0)
    now = [0.0]
    alerts = Alerts(world.portal + "/alerts.json", new_session(), lambda: now[0])
    world.alerts = [alert("flood", 3), alert("tsunami", 5)]
    assert alerts.hazards(None) == ("tunami", "flood_L2")
    world.alerts = None
    now[0] = 59.0
    assert alerts.hazards(None) == ("tunami", "flood_L2")
    now[0] = 61.0
    assert alerts.hazards(None) is None
    world.alerts = []
    assert alerts.hazards(None) is None
    now[0] = 122.0
    assert alerts.hazards(None) == ()


def test_a_closed_place_is_never_offered_and_says_so_in_every_language(shelter: Running) -> None:
    closed = [place for place in data.places() if place.closed]
    assert [place.name for place in closed] == ["中央公園", "中央図書館"]
    assert all(
        place.closed in data.CLOSED.values() for place in closed
    )  # each reason of the table is translated
    assert not any(place.fits([]) for place in closed)
    for locale, words in (
        ("ja", "使えません"),
        ("en", "closed for building work"),
        ("ja-simple", "使（つか）えません"),
    ):
        said = card_words(shelter, "yobancho", locale)
        assert not any("中央公園" in one for one in said if " km) " in one)
        assert any("中央公園" in one and words in one for one in said)


def test_nothing_said_is_never_a_yes_and_a_pin_without_an_address_is_no_place() -> None:
    assert "新規マップピン" not in {place.name for place in data.places()}
    silent = [place for place in data.places() if data.UNKNOWN in place.hazards.values()]
    assert silent
    for place in silent:
        unsaid = [name for name, mark in place.hazards.items() if mark == data.UNKNOWN]
        assert not place.fits(unsaid)


def test_a_district_is_one_of_the_table() -> None:
    assert district_of("busshozan") is not None
    assert district_of(None) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        {"origin": "https://evil.example"},
        {"origin": None},
        {"htu": "https://evil.example/map"},
        {"aud": "localhost.other.map"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"jti": None},
        {"header": {"typ": "rgadget+jwt"}},
    ],
    ids=["origin", "no-origin", "page", "gadget", "issuer", "old", "no-id", "type"],
)
def test_every_other_token_is_refused(shelter: Running, world: World, spoilt: dict[str, Any]) -> None:
    if "htu" in spoilt or "aud" in spoilt:
        good = {
            "aud": shelter.get("/gadget.json").json()["id"],
            "htu": shelter.get("/gadget.json").json()["frame"]["src"],
        }
        origin = manifests.origin_of(good["htu"])
        raw = world.request_token(**good | spoilt, header={"typ": "rgadget-frame+jwt"}, origin=origin)
    else:
        raw = token(shelter, world, **spoilt)
    assert places(shelter, raw).status_code == 401


def test_a_token_is_good_once(shelter: Running, world: World) -> None:
    raw = token(shelter, world)
    assert places(shelter, raw).status_code == 200
    assert places(shelter, raw).status_code == 401
    assert shelter.get("/places").status_code == 401
