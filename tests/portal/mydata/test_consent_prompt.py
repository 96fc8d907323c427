"""The question for consent: what it shows, what the ledger keeps, and what is refused."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from core.markup import html_id
from gadgets.models import Gadget
from identity import actions
from identity.models import ConsentReceipt, Resident
from identity.residents.protection import CONFIRMATIONS
from tests import cast
from tests.consents import granted
from tests.portal.mydata.conftest import LUNCH, RIVER, WASTE, answer

SignIn = Callable[[Resident], Client]
ZONE = {"items": ["area.waste_zone"]}


def zone() -> dict[str, Any]:
    """The answer of somebody who has seen the question."""
    return answer(WASTE, "area.waste_zone")


@pytest.fixture
def hanako() -> Resident:
    return cast.hanako(opted_in=False)


def receipt() -> ConsentReceipt:
    return ConsentReceipt.objects.select_related("notice").get()


def test_the_question_shows_what_why_who_how_long_and_two_equal_answers(
    hanako: Resident, signed_in: SignIn
) -> None:
    html = signed_in(hanako).get(f"/consent/{LUNCH}/").content.decode()
    assert "給食に、次のことを伝えてよいですか" in html
    for said in (
        "お子さんの学年",
        "学校の献立をえらぶため",
        "長くて30日間保存します",
        "なくても使えます",
        "受け取るのはExample Waste Ltdです。",
        "仮の番号が伝わります",
        "許可は365日（約1年）で終わります",
        "https://waste.example/privacy",
    ):
        assert said in html
    assert '<button class="button" type="submit">許可して使う</button>' in html
    assert '<button class="button" type="submit">使わない</button>' in html


def test_what_was_on_the_page_is_what_the_ledger_keeps(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    html = unescape(client.get(f"/consent/{WASTE}/").content.decode())
    response = client.post(f"/consent/{WASTE}/grant/", {**zone(), "next": "/"})
    assert (response.status_code, response["Location"]) == (302, "/")
    kept = receipt()
    assert (kept.kind, kept.level, kept.purpose) == ("granted", "audience", "card")
    assert kept.controller == "Example Waste Ltd"
    assert kept.notice is not None
    assert kept.notice.language == "ja"
    assert "表示に使ったあと、保存しません" in kept.notice.text
    text_of_page = "".join(html.replace("<strong>", "").replace("</strong>", "").split())
    for line in kept.notice.text.splitlines():
        assert "".join(line.split()) in text_of_page
    assert granted(hanako.id, WASTE, ["area.waste_zone"], "audience") == {"area.waste_zone": "7"}
    assert client.session["consent_asked"] is True


def test_the_form_of_the_page_itself_is_accepted(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    html = client.get(f"/en/consent/{LUNCH}/?next=/en/").content.decode()
    form = html[
        html.index(f'action="/en/consent/{LUNCH}/grant/"') : html.index("</form>", html.index("/grant/"))
    ]
    sent: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form):
        sent.setdefault(name, []).append(value)
    assert sent["items"] == ["household.school_years", "age_band"]
    assert (sent["level"], sent["language"], sent["next"]) == (["pairwise"], ["en"], ["/en/"])
    assert client.post(f"/en/consent/{LUNCH}/grant/", sent).status_code == 302
    kept = receipt()
    assert kept.items == ["age_band", "household.school_years"]
    assert kept.notice is not None
    assert "To choose the school's menu" in kept.notice.text
    assert kept.notice.language == "en"


def test_a_refusal_is_remembered_and_she_may_be_asked_again(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    assert client.post(f"/consent/{WASTE}/refuse/", zone())["Location"] == f"/my-data/#to-{html_id(WASTE)}"
    assert receipt().kind == "refused"
    assert granted(hanako.id, WASTE, ["area.waste_zone"]) == {}
    html = client.get("/my-data/").content.decode()
    assert "断った内容" in html
    assert "もう一度たずねる" in html
    assert "許可して使う" in client.get(f"/consent/{WASTE}/").content.decode()
    client.post(f"/consent/{WASTE}/grant/", zone())
    assert granted(hanako.id, WASTE, ["area.waste_zone"])


def test_only_what_is_not_held_yet_is_asked(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    client.post(f"/consent/{LUNCH}/grant/", answer(LUNCH, "age_band"))
    context = client.get(f"/consent/{LUNCH}/").context
    assert [item.name for item in context["items"]] == ["household.school_years"]
    client.post(f"/consent/{LUNCH}/grant/", answer(LUNCH, "household.school_years"))
    html = client.get(f"/consent/{LUNCH}/").content.decode()
    assert "新しくお聞きすることはありません" in html


def test_a_gadget_that_asks_nothing_has_no_question(hanako: Resident, signed_in: SignIn) -> None:
    html = signed_in(hanako).get(f"/consent/{RIVER}/").content.decode()
    assert "新しくお聞きすることはありません" in html
    assert "許可して使う" not in html


@pytest.mark.parametrize("said_how", ["grant", "refuse"])
@pytest.mark.parametrize(
    ("gadget", "items", "said"),
    [
        (WASTE, [], "項目が一つも選ばれていません"),
        (WASTE, ["age_band"], "このサービスが求めていない項目"),
        (WASTE, ["area.waste_zone", "shoe_size"], "このサービスが求めていない項目"),
        (RIVER, ["area.waste_zone"], "このサービスが求めていない項目"),
    ],
)
def test_an_answer_to_what_was_not_asked_is_refused_in_words(
    hanako: Resident, signed_in: SignIn, said_how: str, gadget: str, items: list[str], said: str
) -> None:
    response = signed_in(hanako).post(f"/consent/{gadget}/{said_how}/", {"items": items})
    assert response.status_code == 400
    assert said in response.content.decode()
    assert not ConsentReceipt.objects.exists()


def test_a_protected_person_is_told_so_and_grants_nothing(hanako: Resident, signed_in: SignIn) -> None:
    operator = cast.as_actor(cast.operator())
    actions.set_confidential(resident_id=hanako.id, on=True, by=operator, confirmed=CONFIRMATIONS)
    client = signed_in(hanako)
    said = "提供者には何も伝えない設定になっています"
    page = client.get(f"/consent/{WASTE}/").content.decode()
    assert said in page
    assert "許可して使う" not in page
    response = client.post(f"/consent/{WASTE}/grant/", ZONE)
    assert response.status_code == 400
    assert said in response.content.decode()
    assert not ConsentReceipt.objects.filter(kind="granted").exists()


@pytest.mark.parametrize(
    "other", [{"shown": "0" * 64}, {"level": "none"}, {"purpose": "ranking"}, {"language": "en"}]
)
def test_when_the_question_has_changed_it_is_asked_again(
    hanako: Resident, signed_in: SignIn, other: dict[str, Any]
) -> None:
    response = signed_in(hanako).post(f"/consent/{WASTE}/grant/", {**zone(), **other})
    assert response.status_code == 409
    html = response.content.decode()
    assert "お見せした内容が変わりました" in html
    assert "許可して使う" in html
    assert not ConsentReceipt.objects.exists()


@pytest.mark.parametrize("said_how", ["grant", "refuse"])
def test_an_answer_that_names_no_question_gets_the_question(
    hanako: Resident, signed_in: SignIn, said_how: str
) -> None:
    response = signed_in(hanako).post(f"/consent/{WASTE}/{said_how}/", ZONE)
    assert response.status_code == 409
    assert "許可して使う" in response.content.decode()
    assert not ConsentReceipt.objects.exists()


def test_what_is_held_is_asked_about_for_another_year(
    hanako: Resident, signed_in: SignIn, time_machine: Any
) -> None:
    client = signed_in(hanako)
    client.post(f"/consent/{WASTE}/grant/", zone())
    assert "続けるかどうか決める" not in client.get("/my-data/").content.decode()
    first = receipt().expires_at
    assert first is not None
    time_machine.move_to(first - timedelta(days=29))
    client = signed_in(hanako)
    html = client.get("/my-data/").content.decode()
    assert "もうすぐ終わります" in html
    assert f'href="/consent/{WASTE}/?renew=1&amp;next=/my-data/%23to-{html_id(WASTE)}"' in html
    page = client.get(f"/consent/{WASTE}/?renew=1")
    assert [item.name for item in page.context["items"]] == ["area.waste_zone"]
    client.post(f"/consent/{WASTE}/grant/", {**zone(), "shown": page.context["shown"]})
    time_machine.move_to(first + timedelta(days=1))
    assert granted(hanako.id, WASTE, ["area.waste_zone"])


def test_a_no_to_what_is_held_takes_it_back(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    client.post(f"/consent/{WASTE}/grant/", zone())
    client.post(f"/consent/{WASTE}/refuse/", zone())
    kinds = ConsentReceipt.objects.order_by("given_at").values_list("kind", flat=True)
    assert list(kinds) == ["granted", "withdrawn", "refused"]
    assert granted(hanako.id, WASTE, ["area.waste_zone"]) == {}


@pytest.mark.parametrize("path", ["/consent/{}/", "/consent/{}/grant/", "/consent/{}/refuse/"])
def test_nothing_is_asked_for_a_gadget_that_is_not_published(
    hanako: Resident, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    Gadget.objects.filter(gadget_id=WASTE).update(state="suspended")
    monkeypatch.setattr("gadgets.registry._held", None)
    client = signed_in(hanako)
    for gadget in (WASTE, "example.unknown.gadget"):
        url = path.format(gadget)
        response = client.get(url) if url.endswith(f"{gadget}/") else client.post(url, ZONE)
        assert response.status_code == 404
    assert not ConsentReceipt.objects.exists()


def test_a_guest_is_asked_to_sign_in_first() -> None:
    assert cast.portal_client().get(f"/consent/{WASTE}/")["Location"] == (
        "/sign-in/?next=%2Fconsent%2Fexample.waste.calendar%2F"
    )
    assert (
        cast.portal_client().post(f"/consent/{WASTE}/grant/", ZONE)["Location"]
        == "/sign-in/?next=%2Fconsent%2Fexample.waste.calendar%2F%3Fkept%3D0"
    )
    assert not ConsentReceipt.objects.exists()


def test_an_answer_needs_a_post_and_the_form_token(hanako: Resident, signed_in: SignIn) -> None:
    assert signed_in(hanako).get(f"/consent/{WASTE}/grant/").status_code == 405
    strict = cast.sign_in(cast.portal_client(enforce_csrf_checks=True), hanako)
    assert strict.post(f"/consent/{WASTE}/grant/", ZONE).status_code == 403
    assert not ConsentReceipt.objects.exists()


def test_an_answer_never_leads_to_another_site(hanako: Resident, signed_in: SignIn) -> None:
    sent = {**zone(), "next": "https://evil.example/"}
    assert (
        signed_in(hanako).post(f"/consent/{WASTE}/grant/", sent)["Location"]
        == f"/my-data/#to-{html_id(WASTE)}"
    )


def test_the_portals_own_ordering_has_its_own_page(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    assert client.get("/consent/recommender/")["Location"] == "/my-data/personalisation/"
    assert client.post("/consent/recommender/grant/", ZONE).status_code == 404
