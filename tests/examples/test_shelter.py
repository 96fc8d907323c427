"""The shelter provider: a page that only the portal may frame, and answers to a frame's token only."""

from collections.abc import Iterator
from typing import Any

import pytest

from examples.shelter.places import SHOWN, near
from examples.shelter.provider import build
from gadgets.contract import card as wire
from gadgets.contract import manifest as manifests
from tests.examples.support import Running, World, running

DISTRICT = "area.district"


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
    answer = places(shelter, token(shelter, world, claims={DISTRICT: "busshozan"}))
    assert answer.status_code == 200
    body = answer.json()
    assert body["centre"]["ja"] == "仏生山"
    assert len(body["places"]) == SHOWN
    assert [one["km"] for one in body["places"]] == sorted(one["km"] for one in body["places"])
    assert places(shelter, token(shelter, world)).json()["centre"]["ja"] == near(None)[0].ja


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
