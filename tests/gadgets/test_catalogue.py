"""What residents and guests read of a gadget before they use it, and what machines read of the portal."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from core import versions
from examples.kit.provider import Provider as ExampleProvider
from gadgets import actions, queries
from gadgets.cards import signing
from gadgets.models import Gadget, GadgetHour, GadgetVersion, Placement, bump_registry
from identity.domain.roles import SYSTEM
from identity.models import Resident
from tests import cast
from tests.gadgets.conftest import DeskFor


def test_the_catalogue_says_who_offers_it_what_it_wants_and_how_much_it_learns(
    desk: DeskFor, published: str
) -> None:
    page = desk(None).page(reverse("gadgets:catalogue"))
    assert "WasteCo" in page
    assert "お住まいの地区の収集日を調べるため" in page
    assert "誰のものかは伝わりません" in page
    assert "保存しません" in page
    assert reverse("gadgets:add", args=[published]) not in page
    assert reverse("gadgets:add", args=[published]) in desk(cast.hanako()).page(reverse("gadgets:catalogue"))


def test_the_catalogue_in_english_and_easy_japanese(desk: DeskFor, published: str) -> None:
    assert "Waste collection" in desk(None).page("/en/gadgets/")
    assert "ごみの 日" in desk(None).page("/ja-simple/gadgets/")


def test_what_is_searched_is_found_or_it_says_that_nothing_is(desk: DeskFor, published: str) -> None:
    guest = desk(None)
    address = reverse("gadgets:catalogue")
    found = guest.page(f"{address}?q=ゴミ&category=environment")
    assert reverse("gadgets:page", args=[published]) in found
    assert "1件見つかりました" in found
    nothing = guest.page(f"{address}?q=図書館")
    assert reverse("gadgets:page", args=[published]) not in nothing
    assert "0件見つかりました" in nothing
    assert "ことばを短くするか" in nothing


def test_what_it_wants_to_know_stands_there_before_it_is_added(desk: DeskFor, published: str) -> None:
    page = desk(cast.hanako()).page(reverse("gadgets:catalogue"))
    assert "ごみ収集の区域（必須）" in page
    assert "anonymous=1" not in page
    only = desk(None).page(f"{reverse('gadgets:catalogue')}?anonymous=1")
    assert reverse("gadgets:page", args=[published]) not in only


@pytest.mark.parametrize(("homes", "said"), [(19, None), (20, "約20人"), (26, "約30人")])
def test_on_how_many_homes_it_stands_in_tens_and_never_a_few(
    desk: DeskFor, published: str, homes: int, said: str | None
) -> None:
    people = [
        Resident(issuer="test", subject=f"reach-{number}", username=f"reach-{number}")
        for number in range(homes + 1)
    ]
    Resident.objects.bulk_create(people)
    Placement.objects.bulk_create(
        Placement(resident=one, gadget_id=published, position=0, hidden=one is people[-1]) for one in people
    )
    page = desk(None).page(reverse("gadgets:catalogue"))
    assert (said in page) if said else ("人がホームに置いています" not in page)


@pytest.mark.parametrize(
    ("calls", "failed", "said"), [(99, 0, None), (100, 0, "100回は"), (1000, 5, "99回は")]
)
def test_how_reliable_it_is_once_there_were_enough_calls(
    desk: DeskFor, published: str, calls: int, failed: int, said: str | None
) -> None:
    GadgetHour.objects.create(gadget_id=published, hour=timezone.now(), calls=calls, successes=calls - failed)
    GadgetHour.objects.create(
        gadget_id=published, hour=timezone.now() - timedelta(days=31), calls=500, successes=0
    )
    page = desk(None).page(reverse("gadgets:catalogue"))
    assert (said in page) if said else ("答えました" not in page)


def test_a_list_of_many_costs_no_more_queries(
    desk: DeskFor, published: str, django_assert_max_num_queries: Any
) -> None:
    guest, address = desk(None), reverse("gadgets:catalogue")
    guest.page(address)  # what a process keeps is there now
    with django_assert_max_num_queries(4):
        guest.page(address)


def test_an_empty_catalogue_says_so(desk: DeskFor) -> None:
    assert "いま公開されているサービスはありません" in desk(None).page(reverse("gadgets:catalogue"))


def test_a_gadgets_page_draws_the_card_without_scripts(desk: DeskFor, published: str) -> None:
    page = desk(None).page(reverse("gadgets:page", args=[published]))
    assert "現在" in page
    assert "出典" in page
    assert "最新" in page
    assert "<script" not in page


def test_a_signed_in_resident_is_led_to_the_question(desk: DeskFor, published: str) -> None:
    page = desk(cast.hanako()).page(reverse("gadgets:page", args=[published]))
    assert reverse("mydata:consent", args=[published]) in page
    assert "まだ聞いていません" in page
    assert "あなたの情報を使わない形で表示しています" in page


def test_an_unknown_gadget_is_not_found(desk: DeskFor) -> None:
    for name in ("gadgets:page", "gadgets_wire:card", "gadgets_wire:manifest"):
        assert desk(None).get(reverse(name, args=["localhost.nobody.here"])).status_code == 404


@pytest.mark.parametrize("name", ["manifest-1.0", "card-1.0"])
def test_the_schemas_are_published(desk: DeskFor, name: str) -> None:
    answer = desk(None).get(f"/schemas/{name}.json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/schema+json"
    assert json.loads(answer.content)["$schema"].startswith("https://json-schema.org/")
    assert desk(None).get("/schemas/secret.json").status_code == 404


def test_the_key_set_holds_public_halves_only(desk: DeskFor) -> None:
    served = desk(None).get("/.well-known/jwks.json").json()
    assert served == signing.jwks()
    assert all("d" not in key for key in served["keys"])


def test_the_approved_bytes_are_served_as_they_were_reviewed(
    desk: DeskFor, published: str, waste: ExampleProvider
) -> None:
    served = desk(None).get(reverse("gadgets_wire:manifest", args=[published])).content
    assert served == bytes(GadgetVersion.objects.get(gadget__gadget_id=published).manifest)


def test_the_registry_costs_no_query_while_its_number_stands(
    desk: DeskFor, published: str, django_assert_num_queries: object
) -> None:
    queries.registry()
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert published in queries.registry().gadgets


def test_a_number_that_the_cache_lost_is_read_from_the_table(
    desk: DeskFor, published: str, django_assert_num_queries: object
) -> None:
    queries.registry()
    cache.delete(queries.VERSION_KEY)
    with django_assert_num_queries(1):  # type: ignore[operator]
        held = queries.registry()
    assert held.version == versions.read(queries.VERSION_KEY)
    assert cache.get(queries.VERSION_KEY) == held.version


def test_a_gadget_whose_approved_manifest_no_longer_parses_is_left_out(
    desk: DeskFor, published: str, caplog: pytest.LogCaptureFixture
) -> None:
    GadgetVersion.objects.update(manifest=b"{}")
    actions.suspend(gadget_id=published, reason="試験", by=SYSTEM)
    actions.resume(gadget_id=published, by=SYSTEM)
    number = versions.read(queries.VERSION_KEY)
    assert queries.registry(number).gadgets == {}
    assert published in caplog.text


def test_a_gadget_for_others_is_not_offered(
    desk: DeskFor, published: str, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        Gadget.objects.update(audience={"area.district": ["yashima"]})
        bump_registry()
    assert "ごみ収集日" not in desk(cast.hanako()).page(reverse("gadgets:catalogue"))
    assert "ごみ収集日" in desk(cast.taro()).page(reverse("gadgets:catalogue"))
