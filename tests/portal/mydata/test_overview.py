"""わたしのデータ over HTTP: who sees what, and how a stop takes hold."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from core.markup import html_id
from gadgets.models import EventDelivery, Gadget
from identity import actions, idp, queries
from identity.domain.consent import Notice
from identity.models import Resident
from identity.residents import protection
from portal.mydata import places
from tests import cast
from tests.consents import granted
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
        cast.released(hanako, WASTE, ["area.waste_zone"], via="card")
    html = page(signed_in(hanako))
    assert "ごみ収集の区域: 区域7" in html
    assert "収集日を調べるため" in html
    assert "お子さんの学年: 就学前、小学3年" in html
    assert "この提供者だけが使う仮の番号が伝わります" in html
    assert "おすすめ（この窓口の並べかえ）" in html
    assert "<dd>3</dd>" in html
    assert "カードの表示" in html
    assert html.count("見せるのを止める</button>") == 3


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
        cast.released(hanako, f"example.other.gadget{number}", ["age_band"], via="card")
    with django_assert_max_num_queries(9):
        page(client)


def test_a_stop_holds_at_once_and_is_offered_again(hanako: Resident, signed_in: SignIn) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    client = signed_in(hanako)
    response = client.post(f"/my-data/stop/{WASTE}/")
    assert (response.status_code, response["Location"]) == (302, f"/my-data/#to-{html_id(WASTE)}")
    assert granted(hanako.id, WASTE, ["area.waste_zone"]) == {}
    html = page(client)
    assert "「ごみ収集日」への提供を止めました。" in html
    assert "もう一度たずねる" in html
    assert f'href="/consent/{WASTE}/?next=/my-data/%23to-{html_id(WASTE)}"' in html


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
    assert cast.portal_client().post(f"/my-data/stop/{WASTE}/")["Location"] == (
        "/sign-in/?next=%2Fmy-data%2F%3Fkept%3D0"
    )
    strict = cast.sign_in(cast.portal_client(enforce_csrf_checks=True), hanako)
    assert strict.post(f"/my-data/stop/{WASTE}/").status_code == 403
    assert granted(hanako.id, WASTE, ["area.waste_zone"])


def test_taro_cannot_stop_what_hanako_gave(hanako: Resident, signed_in: SignIn) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    signed_in(cast.taro()).post(f"/my-data/stop/{WASTE}/")
    assert granted(hanako.id, WASTE, ["area.waste_zone"])


def test_a_suspended_gadget_keeps_its_row_and_can_be_stopped(
    hanako: Resident, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(hanako, WASTE, ["area.waste_zone"])
    Gadget.objects.filter(gadget_id=WASTE).update(state="suspended")
    monkeypatch.setattr("gadgets.registry._held", None)
    client = signed_in(hanako)
    html = page(client)
    assert WASTE in html
    assert "いまは公開されていません" in html
    client.post(f"/my-data/stop/{WASTE}/")
    assert granted(hanako.id, WASTE, ["area.waste_zone"]) == {}
    assert f'href="/consent/{WASTE}/' not in page(client)


def test_a_protected_person_reads_that_nothing_is_told(hanako: Resident, signed_in: SignIn) -> None:
    Resident.objects.filter(id=hanako.id).update(confidential=True)
    assert "サービスの提供者には、何も伝えません。" in page(signed_in(hanako))


def test_a_resident_of_a_neighbour_changes_the_password_there(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    assert "パスワードを変える" in page(client)
    Resident.objects.filter(id=hanako.id).update(home_region="neighbour")
    html = page(client)
    assert "「となりの地域」のIDでサインインしています" in html
    assert "パスワードを変える" not in html


def test_only_what_this_id_can_do_is_offered(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ID_PROVIDER = "embedded"
    idp.provider.cache_clear()
    assert [place.label for place in places.of_the_id(back="/my-data/")] == ["パスワードを変える"]
    every = {idp.PASSWORD, idp.TOTP, idp.PASSKEYS}
    monkeypatch.setattr(type(idp.provider()), "capabilities", frozenset(every))
    monkeypatch.setattr(
        type(idp.provider()), "action_url", lambda _self, kind, *, next_path: kind + next_path
    )
    assert {place.url for place in places.of_the_id(back="/my-data/")} == {
        f"{kind}/my-data/" for kind in every
    }


@pytest.mark.parametrize(
    ("status", "said"),
    [("success", "を変えました"), ("cancelled", "は変えていません"), ("error", "を変えられませんでした")],
)
def test_what_became_of_a_change_at_the_id_is_said(
    hanako: Resident, signed_in: SignIn, status: str, said: str
) -> None:
    client = signed_in(hanako)
    assert f"地域IDの設定{said}" in page(client, f"/my-data/?kc_action_status={status}")
    assert "地域IDの設定" not in page(client, "/my-data/?kc_action_status=<b>")


# --- the access log ------------------------------------------------------------------------------------------


def release(resident: Resident, recipient: str, times: int) -> None:
    for _ in range(times):
        cast.released(resident, recipient, ["area.waste_zone"], via="card")


def test_the_log_comes_in_pages_and_for_one_recipient(hanako: Resident, signed_in: SignIn) -> None:
    release(hanako, WASTE, 60)
    release(hanako, LUNCH, 3)
    client = signed_in(hanako)
    html = page(client, "/my-data/log/")
    assert "全63件" in html
    assert html.count("<tr><td>") == 50
    assert "?page=2" in html
    assert page(client, "/my-data/log/?page=2").count("<tr><td>") == 13
    html = page(client, f"/my-data/log/?recipient={LUNCH}")
    assert html.count("<tr><td>") == 3
    assert html.count("給食</td>") == 3
    assert f'value="{LUNCH}" selected' in html
    html = page(client, f"/my-data/log/?recipient={WASTE}")
    assert f"?recipient={WASTE}&amp;page=2" in html


@pytest.mark.parametrize("query", ["page=999", "page=x", "page=-1", "recipient=nobody"])
def test_a_page_that_does_not_exist_is_answered(hanako: Resident, signed_in: SignIn, query: str) -> None:
    release(hanako, WASTE, 1)
    page(signed_in(hanako), f"/my-data/log/?{query}")


def test_nobody_reads_the_log_of_somebody_else(hanako: Resident, signed_in: SignIn) -> None:
    release(hanako, WASTE, 2)
    assert "まだありません。" in page(signed_in(cast.taro()), "/my-data/log/")
    assert cast.portal_client().get("/my-data/log/")["Location"].startswith("/sign-in/")


def test_the_log_costs_the_same_with_one_row_and_with_a_hundred(
    hanako: Resident, signed_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(hanako)
    page(client)
    for times in (1, 99):
        release(hanako, WASTE, times)
        with django_assert_max_num_queries(6):
            page(client, "/my-data/log/")


# --- what the providers were told ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("waiting", "まだ返事がありません"),
        ("done", "伝わりました"),
        ("not_confirmed", "返事がありませんでした"),
    ],
)
def test_what_became_of_a_withdrawal_at_its_provider(
    hanako: Resident, signed_in: SignIn, state: str, said: str
) -> None:
    settled = None if state == "waiting" else timezone.now()
    for kind, item in (("consent-withdrawn", "age_band"), ("session-ended", "language")):
        EventDelivery.objects.create(
            gadget_id=WASTE, kind=kind, items=[item], resident_id=hanako.id, state=state, settled_at=settled
        )
    client = signed_in(hanako)
    section = page(client).split('id="told"')[1].split("</section>")[0]
    assert said in section
    assert section.count("<tr><td>") == 1
    assert "年代" in section
    assert ("まで続けます。" in section) == (state == "waiting")
    assert 'id="told"' not in page(signed_in(cast.taro()))


def test_the_number_for_the_citys_desk_stands_there_and_finds_the_resident(
    hanako: Resident, signed_in: SignIn
) -> None:
    html = signed_in(hanako).get("/my-data/").content.decode()
    number = queries.resident_number(hanako.id)
    assert f"<strong>{number}</strong>" in html
    found = protection.find(number=number, by=cast.as_actor(cast.operator()))
    assert found.resident_id == hanako.id
    assert str(hanako.handle) not in html
