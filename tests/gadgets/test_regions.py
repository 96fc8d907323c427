"""Regions: what this one offers, whose keys an operator confirms, what the others offer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from joserfc.jwk import ECKey

from core.region.current import current_region
from gadgets.cards import signing
from gadgets.errors import (
    DoorError,
    KeysChangedError,
    LifeError,
    ManifestError,
    NoSuchGadgetError,
    NoSuchRegionError,
    NotPermittedError,
)
from gadgets.federation import regions
from gadgets.models import CheckLine, Region
from gadgets.protocol import package
from identity.domain.roles import SYSTEM, Actor
from identity.models import AuditEntry
from tests import cast
from tests.gadgets.conftest import DeskFor
from tests.gadgets.neighbour import CODE, Neighbour, keys_of, neighbour
from tests.gadgets.samples import URL, raw


@pytest.fixture
def next_door() -> Iterator[Neighbour]:
    with neighbour() as region:
        yield region


def added(region: Neighbour) -> regions.RegionView:
    seen = regions.look(portal_url=region.origin, by=SYSTEM)
    regions.trust(seen=seen, confirmed=seen.prints, by=SYSTEM)
    return seen


# --- what this region offers ---


def test_the_feed_lists_what_is_published_and_where_its_package_is(desk: DeskFor, published: str) -> None:
    answer = desk(None).get(reverse("gadgets_wire:feed"))
    assert answer["Content-Type"] == "application/json"
    assert answer["Access-Control-Allow-Origin"] == "*"
    feed = json.loads(answer.content)
    assert (feed["region"], feed["portal"]) == (current_region().code, settings.PORTAL_URL)
    (entry,) = feed["gadgets"]
    assert entry["id"] == published
    assert entry["package"].endswith(reverse("gadgets_wire:package", args=[published]))


def test_the_feed_keeps_to_its_own_schema(desk: DeskFor, published: str) -> None:
    from gadgets.protocol.wire import check_schema, schema

    feed = json.loads(desk(None).get(reverse("gadgets_wire:feed")).content)
    assert list(check_schema(feed, schema("feed-1.0"))) == []


def test_a_package_holds_the_approved_bytes_and_the_report(desk: DeskFor, published: str) -> None:
    guest = desk(None)
    answer = guest.get(reverse("gadgets_wire:package", args=[published]))
    assert answer["Content-Type"] == package.MEDIA_TYPE
    assert f"{published}.rgadget" in answer["Content-Disposition"]
    found = package.verify(answer.content, signing.jwks())
    assert found.raw == guest.get(reverse("gadgets_wire:manifest", args=[published])).content
    assert (found.region, found.portal) == (current_region().code, settings.PORTAL_URL)
    assert [line.number for line in found.report] == list(CheckLine.objects.values_list("number", flat=True))
    assert all(line.ok is not False for line in found.report)


def test_what_is_not_published_has_no_package(desk: DeskFor) -> None:
    assert desk(None).get(reverse("gadgets_wire:package", args=["localhost.nobody.here"])).status_code == 404
    with pytest.raises(NoSuchGadgetError):
        regions.export("localhost.nobody.here")


# --- whom an operator trusts ---


def test_an_operator_looks_compares_and_adds(clean: None, db: None, next_door: Neighbour) -> None:
    seen = regions.look(portal_url=f"{next_door.origin}/ja/?x=1", by=SYSTEM)
    assert (seen.code, seen.portal_url) == (CODE, next_door.origin)
    assert seen.prints == (next_door.key.thumbprint(),)
    assert not Region.objects.exists()
    regions.trust(seen=seen, confirmed=seen.prints, by=SYSTEM)
    (kept,) = regions.known()
    assert AuditEntry.objects.get(kind="region_trusted").detail["keys"] == list(seen.prints)
    assert (kept.code, kept.prints) == (CODE, seen.prints)


def test_only_the_public_half_of_a_key_is_kept(clean: None, db: None, next_door: Neighbour) -> None:
    next_door.key_set = {"keys": [{**next_door.key.as_dict(private=True), "kid": "1"}]}
    added(next_door)
    assert "d" not in Region.objects.get().keys["keys"][0]


def test_keys_that_nobody_confirmed_are_not_kept(clean: None, db: None, next_door: Neighbour) -> None:
    seen = regions.look(portal_url=next_door.origin, by=SYSTEM)
    for confirmed in ((), ("another",), (*seen.prints, "more")):
        with pytest.raises(KeysChangedError):
            regions.trust(seen=seen, confirmed=confirmed, by=SYSTEM)
    assert not Region.objects.exists()


def test_new_keys_are_another_decision(clean: None, db: None, next_door: Neighbour) -> None:
    old = added(next_door)
    next_door.key_set = keys_of(ECKey.generate_key("P-256"))
    assert regions.one(CODE).prints == old.prints
    assert added(next_door).prints != old.prints
    assert Region.objects.count() == 1


def test_a_portal_under_another_name_is_refused(clean: None, db: None, next_door: Neighbour) -> None:
    next_door.said["portal"] = "https://portal.elsewhere.example"
    with pytest.raises(LifeError, match="別のアドレス"):
        regions.look(portal_url=next_door.origin, by=SYSTEM)


def test_keys_from_another_place_are_refused(clean: None, db: None, next_door: Neighbour) -> None:
    next_door.said["jwks_uri"] = "https://keys.elsewhere.example/jwks.json"
    with pytest.raises(LifeError, match="別のアドレス"):
        regions.look(portal_url=next_door.origin, by=SYSTEM)


def test_this_region_itself_is_refused(clean: None, db: None, next_door: Neighbour) -> None:
    next_door.said["region"] = current_region().code
    with pytest.raises(LifeError, match="この窓口自身"):
        regions.look(portal_url=next_door.origin, by=SYSTEM)


@pytest.mark.parametrize(
    "key_set", [{"keys": [{"kty": "RSA"}]}, {"keys": [{"kty": "EC", "crv": "P-256"}]}], ids=["rsa", "broken"]
)
def test_keys_that_cannot_be_used_are_refused(
    clean: None, db: None, next_door: Neighbour, key_set: Any
) -> None:
    next_door.key_set = key_set
    with pytest.raises(LifeError, match="鍵"):
        regions.look(portal_url=next_door.origin, by=SYSTEM)


def test_what_is_no_portal_says_what_is_missing(clean: None, db: None, next_door: Neighbour) -> None:
    next_door.said.pop("jwks_uri")
    with pytest.raises(ManifestError) as caught:
        regions.look(portal_url=next_door.origin, by=SYSTEM)
    assert "region-portal.json" in caught.value.path
    assert "jwks_uri" in caught.value.in_words("ja")


@pytest.mark.parametrize("address", ["", "portal.example", "http://10.0.0.1/", "https://127.0.0.1/"])
def test_an_address_that_is_none_is_refused(clean: None, db: None, address: str) -> None:
    with pytest.raises(DoorError):
        regions.look(portal_url=address, by=SYSTEM)


def test_two_codes_at_one_address_are_refused(clean: None, db: None, next_door: Neighbour) -> None:
    added(next_door)
    next_door.said["region"] = "999999"
    with pytest.raises(LifeError, match="別の地域"):
        added(next_door)
    assert Region.objects.get().code == CODE


def test_a_region_is_forgotten(clean: None, db: None, next_door: Neighbour) -> None:
    added(next_door)
    regions.forget(code=CODE, by=SYSTEM)
    assert regions.known() == ()
    assert AuditEntry.objects.get(kind="region_forgotten").detail == {"region": CODE}
    with pytest.raises(NoSuchRegionError):
        regions.forget(code=CODE, by=SYSTEM)


# --- what they offer ---


def test_offers_say_what_is_here_already(desk: DeskFor, published: str, next_door: Neighbour) -> None:
    added(next_door)
    manifest = json.loads(desk(None).get(reverse("gadgets_wire:manifest", args=[published])).content)
    url = manifest["endpoints"]["card"].replace("/g/card", "/gadget.json")
    next_door.offer(json.dumps(manifest).encode(), url)
    (same,) = regions.offers(code=CODE, by=SYSTEM)
    assert (same.id, same.here, same.newer) == (published, manifest["version"], False)
    next_door.feed["gadgets"][0]["version"] = "99.0.0"
    (newer,) = regions.offers(code=CODE, by=SYSTEM)
    assert newer.newer


def test_what_is_for_other_regions_only_is_not_offered(clean: None, db: None, next_door: Neighbour) -> None:
    added(next_door)
    next_door.offer(raw(regions=["999999"]), URL)
    assert regions.offers(code=CODE, by=SYSTEM) == ()
    next_door.offer(raw(regions=[current_region().code]), URL)
    assert len(regions.offers(code=CODE, by=SYSTEM)) == 1


def test_a_package_from_another_address_is_not_offered(clean: None, db: None, next_door: Neighbour) -> None:
    added(next_door)
    next_door.offer(raw(), URL)
    next_door.feed["gadgets"][0]["package"] = "https://elsewhere.example/x.rgadget"
    assert regions.offers(code=CODE, by=SYSTEM) == ()


def test_a_feed_that_breaks_its_rules_says_where(clean: None, db: None, next_door: Neighbour) -> None:
    added(next_door)
    next_door.offer(raw(), URL)
    next_door.feed["gadgets"][0]["title"] = {"ja": "なりすまし\u202e"}
    with pytest.raises(ManifestError) as caught:
        regions.offers(code=CODE, by=SYSTEM)
    assert "gadgets[0].title.ja" in caught.value.path


def test_the_feed_of_nobody_is_refused(clean: None, db: None) -> None:
    for code in ("", "999999"):
        with pytest.raises(NoSuchRegionError):
            regions.offers(code=code, by=SYSTEM)


def test_nobody_but_an_operator_may(clean: None, db: None, next_door: Neighbour) -> None:
    stranger = Actor(id=cast.hanako().pk)
    seen = regions.look(portal_url=next_door.origin, by=SYSTEM)
    for act in (
        lambda: regions.look(portal_url=next_door.origin, by=stranger),
        lambda: regions.trust(seen=seen, confirmed=seen.prints, by=stranger),
        lambda: regions.forget(code=CODE, by=stranger),
        lambda: regions.offers(code=CODE, by=stranger),
    ):
        with pytest.raises(NotPermittedError):
            act()
