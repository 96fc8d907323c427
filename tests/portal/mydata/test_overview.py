"""わたしのデータ over HTTP: who sees what, and how a stop takes hold."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from gadgets import queries as gadget_queries
from gadgets.models import Gadget
from identity import actions, queries
from identity.consent import Notice
from identity.models import Resident
from tests import cast
from tests.portal.mydata.conftest import LUNCH, RIVER, WASTE

SignIn = Callable[[Resident], Client]


def grant(resident: Resident, recipient: str, items: list[str], level: str = "audience") -> None:
    actions.grant(
        resident_id=resident.id,
        recipient=recipient,
        purpose="card",
        items=items,
        declared=items,
        level=level,
        notice=Notice("ja", "見せた文"),
        controller="Example Waste Ltd",
        by=cast.as_actor(resident),
    )


def page(client: Client, path: str = "/my-data/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    return response.content.decode()


def test_a_guest_is_sent_to_sign_in_and_comes_back() -> None:
    response = cast.portal_client().get("/en/my-data/")
    assert response.status_code == 302
    assert response["Location"] == "/sign-in/?next=%2Fen%2Fmy-data%2F"


def test_a_closed_account_with_a_live_session_is_a_guest(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    Resident.objects.filter(id=hanako.id).update(is_active=False)
    assert client.get("/my-data/").status_code == 302


def test_every_recipient_says_what_it_sees_why_since_when_and_how_often(
    hanako: Resident, signed_in: SignIn
) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    grant(hanako, LUNCH, ["household.school_years"], "pairwise")
    for _ in range(3):
        actions.record_release(resident_id=hanako.id, recipient=WASTE, items=["area.waste_zone"], via="card")
    html = page(signed_in(hanako))
    assert "ごみ収集の区域: 区域7" in html
    assert "収集日を調べるため" in html
    assert "お子さんの学年: 就学前、小学3年" in html
    assert "この提供者だけが使う仮の番号が伝わります" in html
    assert "おすすめ（この窓口の並べかえ）" in html
    assert "<dd>3</dd>" in html
    assert "カードの表示" in html
    assert html.count("停止する</button>") == 3


def test_somebody_new_shows_nothing_to_nobody(signed_in: SignIn) -> None:
    html = page(signed_in(cast.newcomer()))
    assert "だれにも見せていません。" in html
    assert "お知らせは新しい順に並びます" in html
    assert "まだありません。" in html


@pytest.mark.parametrize(
    ("prefix", "said"),
    [("", "ごみ収集の区域"), ("/en", "Waste collection zone"), ("/ja-simple", "区域(くいき)")],
)
def test_it_speaks_three_languages(hanako: Resident, signed_in: SignIn, prefix: str, said: str) -> None:
    assert said in page(signed_in(hanako), f"{prefix}/my-data/")


def test_the_number_of_queries_does_not_grow_with_recipients(
    hanako: Resident, signed_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(hanako)
    page(client)
    for number in range(12):
        grant(hanako, f"example.other.gadget{number}", ["age_band"])
        actions.record_release(
            resident_id=hanako.id, recipient=f"example.other.gadget{number}", items=["age_band"], via="card"
        )
    with django_assert_max_num_queries(6):
        page(client)


def test_a_stop_holds_at_once_and_is_offered_again(hanako: Resident, signed_in: SignIn) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    client = signed_in(hanako)
    response = client.post(f"/my-data/stop/{WASTE}/")
    assert (response.status_code, response["Location"]) == (302, "/my-data/")
    assert queries.granted(hanako.id, WASTE, ["area.waste_zone"]) == {}
    html = page(client)
    assert "「ごみ収集日」への提供を止めました。" in html
    assert "もう一度たずねる" in html
    assert f'href="/consent/{WASTE}/"' in html


def test_stopping_what_was_never_given_says_so_and_writes_nothing(
    hanako: Resident, signed_in: SignIn
) -> None:
    client = signed_in(hanako)
    before = Resident.objects.get(id=hanako.id).consent_version
    response = client.post(f"/my-data/stop/{RIVER}/", follow=True)
    assert "提供している項目はありませんでした。" in response.content.decode()
    assert Resident.objects.get(id=hanako.id).consent_version == before


def test_a_stop_needs_a_post_a_session_and_the_form_token(hanako: Resident, signed_in: SignIn) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    assert signed_in(hanako).get(f"/my-data/stop/{WASTE}/").status_code == 405
    assert cast.portal_client().post(f"/my-data/stop/{WASTE}/")["Location"] == "/sign-in/?next=%2Fmy-data%2F"
    strict = cast.sign_in(cast.portal_client(enforce_csrf_checks=True), hanako)
    assert strict.post(f"/my-data/stop/{WASTE}/").status_code == 403
    assert queries.granted(hanako.id, WASTE, ["area.waste_zone"])


def test_taro_cannot_stop_what_hanako_gave(hanako: Resident, signed_in: SignIn) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    signed_in(cast.taro()).post(f"/my-data/stop/{WASTE}/")
    assert queries.granted(hanako.id, WASTE, ["area.waste_zone"])


def test_a_suspended_gadget_keeps_its_row_and_can_be_stopped(
    hanako: Resident, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    Gadget.objects.filter(gadget_id=WASTE).update(state="suspended")
    monkeypatch.setattr(gadget_queries, "_held", None)
    client = signed_in(hanako)
    html = page(client)
    assert WASTE in html
    assert "いまは公開されていません" in html
    client.post(f"/my-data/stop/{WASTE}/")
    assert queries.granted(hanako.id, WASTE, ["area.waste_zone"]) == {}
    assert f'href="/consent/{WASTE}/"' not in page(client)
