"""The desk for other regions: looking, comparing keys, adding, and taking a gadget over in one step to its review."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from joserfc.jwk import ECKey

from gadgets import queries
from gadgets.models import Gadget, GadgetVersion, Provider, Region, ReviewNote
from gadgets.registration import check_runs
from tests import cast
from tests.gadgets.life import Careless, careless
from tests.gadgets.neighbour import CODE, Neighbour, neighbour

pytestmark = pytest.mark.django_db


@pytest.fixture
def next_door() -> Iterator[Neighbour]:
    with neighbour() as region:
        yield region


@pytest.fixture
def bins() -> Iterator[Careless]:
    with careless() as provider:
        yield provider


@pytest.fixture
def desk() -> Client:
    return cast.sign_in(cast.portal_client(), cast.operator())


def offer(next_door: Neighbour, provider: Careless, **more: Any) -> None:
    next_door.offer(json.dumps(provider.document).encode(), provider.url, **more)


def add(desk: Client, region: Neighbour) -> Any:
    shown = desk.post(reverse("city_region_look"), {"portal": region.origin}).content.decode()
    assert region.key.thumbprint() in shown
    return desk.post(
        reverse("city_region_trust"), {"portal": region.origin, "print": [region.key.thumbprint()]}
    )


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_region_is_looked_at_compared_and_added(desk: Client, next_door: Neighbour) -> None:
    assert "まだありません" in text(desk.get(reverse("city_regions")))
    answer = add(desk, next_door)
    assert (answer.status_code, answer["Location"]) == (302, reverse("city_region", args=[CODE]))
    page = text(desk.get(reverse("city_regions")))
    assert "となりの窓口" in page
    assert next_door.key.thumbprint() in page
    again = text(desk.post(reverse("city_region_look"), {"portal": next_door.origin}))
    assert "登録してある鍵と同じ" in again


def test_other_keys_than_before_are_shown_beside_the_old(desk: Client, next_door: Neighbour) -> None:
    from tests.gadgets.neighbour import keys_of

    add(desk, next_door)
    old, new = next_door.key.thumbprint(), ECKey.generate_key("P-256")
    next_door.key_set = keys_of(new)
    page = text(desk.post(reverse("city_region_look"), {"portal": next_door.origin}))
    assert "登録してある鍵と違います" in page
    assert old in page
    assert new.thumbprint() in page
    answer = desk.post(reverse("city_region_trust"), {"portal": next_door.origin, "print": [old]})
    assert answer.status_code == 422
    assert "指紋を見比べて" in text(answer)
    assert Region.objects.get().keys["keys"][0]["kid"] == old


def test_an_address_that_does_not_answer_says_so_and_keeps_what_was_typed(desk: Client) -> None:
    answer = desk.post(reverse("city_region_look"), {"portal": "http://nobody.localhost:9/"})
    assert answer.status_code == 422
    assert "接続できません" in text(answer)
    assert "http://nobody.localhost:9/" in text(answer)


def test_one_step_takes_a_gadget_over_to_its_review(
    desk: Client, next_door: Neighbour, bins: Careless, django_capture_on_commit_callbacks: Any
) -> None:
    add(desk, next_door)
    offer(next_door, bins)
    assert "取り込む" in text(desk.get(reverse("city_region", args=[CODE])))
    answer = desk.post(reverse("city_region_take"), {"region": CODE, "gadget": bins.id})
    assert answer["Location"] == reverse("city_review_gadget", args=[bins.id])
    version = GadgetVersion.objects.get()
    assert bytes(version.manifest) == json.dumps(bins.document).encode()
    assert (version.region_id, version.state) == (Region.objects.get().pk, "draft")
    assert Provider.objects.get(host="waste.localhost").name == "BusCo"
    assert ReviewNote.objects.get(decision="imported").who_id == cast.operator().pk
    check_runs.run_waiting()
    version.refresh_from_db()
    failed = [line.message for line in version.runs.get().lines.filter(ok=False)]
    # The provider takes every token: here, too, it is told so, and the draft waits for a better one.
    assert failed
    assert version.state == "draft"


def test_what_passes_its_checks_here_waits_for_a_decision(
    desk: Client, next_door: Neighbour, bins: Careless
) -> None:
    from gadgets import actions
    from gadgets.models import CheckRun

    add(desk, next_door)
    offer(next_door, bins)
    desk.post(reverse("city_region_take"), {"region": CODE, "gadget": bins.id})
    CheckRun.objects.update(state="running")
    actions.finish_checks(run_id=CheckRun.objects.get().pk, ok=True)
    assert Gadget.objects.get().state == "in_review"
    assert [view.id for view in queries.review_queue() if queries.waits(view)] == [bins.id]


def test_a_package_comes_as_a_file_too(desk: Client, next_door: Neighbour, bins: Careless) -> None:
    add(desk, next_door)
    offer(next_door, bins)
    file = SimpleUploadedFile("bins.rgadget", next_door.packages[bins.id])
    answer = desk.post(reverse("city_region_take"), {"package": file})
    assert answer["Location"] == reverse("city_review_gadget", args=[bins.id])


def test_the_same_again_is_nothing_new(desk: Client, next_door: Neighbour, bins: Careless) -> None:
    add(desk, next_door)
    offer(next_door, bins)
    for status in (302, 422):
        answer = desk.post(reverse("city_region_take"), {"region": CODE, "gadget": bins.id})
        assert answer.status_code == status
    assert GadgetVersion.objects.count() == 1


@pytest.mark.parametrize("fault", ["key", "region", "portal", "elsewhere", "unknown", "no file"])
def test_what_cannot_be_taken_over_leaves_nothing(
    desk: Client, next_door: Neighbour, bins: Careless, fault: str
) -> None:
    add(desk, next_door)
    data: dict[str, Any] = {"region": CODE, "gadget": bins.id}
    if fault == "key":
        offer(next_door, bins, key=ECKey.generate_key("P-256"))
        expected = "署名が"
    elif fault == "region":
        offer(next_door, bins, region="999999")
        expected = "登録されていません"
    elif fault == "portal":
        offer(next_door, bins)
        Region.objects.update(portal_url="https://portal.moved.example")
        file = SimpleUploadedFile("bins.rgadget", next_door.packages[bins.id])
        data, expected = {"package": file}, "登録し直して"
    elif fault == "elsewhere":
        bins.document["regions"] = ["999999"]
        offer(next_door, bins)
        file = SimpleUploadedFile("bins.rgadget", next_door.packages[bins.id])
        data, expected = {"package": file}, "この地域向けではありません"
    elif fault == "unknown":
        offer(next_door, bins)
        data["gadget"], expected = "localhost.nobody.here", "この地域向けではありません"
    else:
        data, expected = {"package": SimpleUploadedFile("x.rgadget", b"\x00\x01")}, "読めません"
    answer = desk.post(reverse("city_region_take"), data)
    assert answer.status_code == 422
    assert expected in text(answer)
    assert not Gadget.objects.exists()
    assert not GadgetVersion.objects.exists()


def test_a_feed_that_is_away_says_so(desk: Client, next_door: Neighbour) -> None:
    add(desk, next_door)
    Region.objects.update(portal_url="http://portal.neighbour.localhost:9")
    answer = desk.get(reverse("city_region", args=[CODE]))
    assert answer.status_code == 422
    assert "接続できません" in text(answer)


def test_a_region_is_taken_off_the_list(desk: Client, next_door: Neighbour) -> None:
    add(desk, next_door)
    assert desk.post(reverse("city_region_forget", args=[CODE])).status_code == 302
    assert not Region.objects.exists()
    assert desk.post(reverse("city_region_forget", args=[CODE])).status_code == 404
    assert desk.get(reverse("city_region", args=[CODE])).status_code == 404


def test_a_name_that_is_taken_here_gets_its_host_beside_it(
    desk: Client, next_door: Neighbour, bins: Careless
) -> None:
    Provider.objects.create(name="BusCo", kind="company", contact="a@b.example")
    add(desk, next_door)
    offer(next_door, bins)
    desk.post(reverse("city_region_take"), {"region": CODE, "gadget": bins.id})
    assert Provider.objects.get(host="waste.localhost").name == "BusCo（waste.localhost）"


def test_a_provider_with_people_here_speaks_for_itself(
    desk: Client, next_door: Neighbour, bins: Careless
) -> None:
    theirs = Provider.objects.create(
        name="BusCo", kind="company", contact="a@b.example", host="waste.localhost"
    )
    theirs.members.create(resident=cast.busco(), role="owner")
    add(desk, next_door)
    offer(next_door, bins)
    answer = desk.post(reverse("city_region_take"), {"region": CODE, "gadget": bins.id})
    assert answer.status_code == 422
    assert "自分で登録しています" in text(answer)
    assert not GadgetVersion.objects.exists()


def test_the_desk_is_for_operators_only(next_door: Neighbour) -> None:
    hanako = cast.sign_in(cast.portal_client(), cast.hanako())
    for name in ("city_regions", "city_region_look", "city_region_trust", "city_region_take"):
        method = hanako.get if name == "city_regions" else hanako.post
        assert method(reverse(name), {"portal": next_door.origin}).status_code in {302, 403}
    assert not Region.objects.exists()
