"""The first visit: three steps that can be left, a live sample, and nothing written before a step's last button."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from identity import queries
from identity.domain.attributes import DISTRICTS
from identity.domain.roles import SYSTEM
from identity.errors import NoSuchResident, NotAllowed
from identity.models import ConsentReceipt, Resident
from identity.residents import onboarding
from identity.residents.onboarding import Arrival
from portal.home.guest import choose
from portal.home.index import content_index as catalogues
from portal.mydata import welcome
from tests import cast
from tests.portal.home.samples import NOW, catalogue, entry

SignIn = Callable[[Resident], Client]
STEPS = ("/welcome/", "/welcome/district/", "/welcome/topics/")


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
    """News of two topics and of one district stand in the catalogue, at a fixed time."""
    time_machine.move_to(NOW, tick=False)
    entries = [
        entry("plain"),
        entry("music", title="音楽会のお知らせ", topics=("music",)),
        entry("sports", title="運動会のお知らせ", topics=("sports",)),
        entry("place", title="仏生山のお知らせ", places=("busshozan",)),
    ]
    version = catalogues.versions()
    monkeypatch.setattr(catalogues, "_held", catalogue(entries, version=version))


@pytest.fixture
def newcomer() -> Resident:
    return cast.newcomer()


def held(resident: Resident) -> queries.Bundle:
    found = queries.bundle(resident.id)
    assert found is not None
    return found


def onboarded(resident: Resident) -> bool:
    return Resident.objects.get(id=resident.id).onboarded_at is not None


def first(html: str) -> str:
    """The title of the first entry of the sample."""
    return html.split('class="entry__title">')[1].split("<")[0]


# --- who is welcomed -----------------------------------------------------------------------------------------


def arrival(**changes: Any) -> Arrival:
    given = {"resident_id": uuid4(), "onboarded": False, "plain": True, "attributes": {}}
    return Arrival(**{**given, **changes})


@pytest.mark.parametrize(
    ("who", "cookie", "expected"),
    [
        (arrival(), "", "/welcome/?next=%2Fall-news%2F"),
        (arrival(plain=False), "", "/all-news/"),
        (arrival(onboarded=True), "", "/all-news/"),
        (arrival(onboarded=True), "1.busshozan.", "/welcome/guest/?next=%2Fall-news%2F"),
        (arrival(), "1.busshozan.", "/welcome/?next=%2Fall-news%2F"),
        (arrival(onboarded=True, attributes={"area.district": "busshozan"}), "1.busshozan.", "/all-news/"),
        (arrival(onboarded=True), "1.nowhere.", "/all-news/"),
    ],
)
def test_who_goes_where_after_sign_in(who: Arrival, cookie: str, expected: str) -> None:
    request = RequestFactory().get("/sign-in/callback")
    request.COOKIES[settings.GUEST_COOKIE_NAME] = cookie
    assert welcome.first_stop(request, who, "/all-news/") == expected


@pytest.mark.parametrize(("target", "prefix"), [("/en/", "/en"), ("/ja-simple/", "/ja-simple"), ("/", "")])
def test_the_welcome_speaks_the_language_of_the_page_before(target: str, prefix: str) -> None:
    request = RequestFactory().get("/sign-in/callback")
    assert welcome.first_stop(request, arrival(), target).startswith(f"{prefix}/welcome/?next=")


def test_the_row_of_a_resident_says_who_is_new_and_who_is_more_than_a_resident(newcomer: Resident) -> None:
    request = RequestFactory().get("/sign-in/callback")
    assert onboarding.target_of(request, newcomer, "/").startswith("/welcome/")
    assert onboarding.target_of(request, cast.editor(), "/admin/") == "/admin/"
    onboarding.set_onboarded(resident_id=newcomer.id, by=SYSTEM, now=timezone.now())
    assert onboarding.target_of(request, Resident.objects.get(id=newcomer.id), "/") == "/"


def test_the_first_time_counts_and_nobody_else_says_it(newcomer: Resident, hanako: Resident) -> None:
    with pytest.raises(NotAllowed):
        onboarding.set_onboarded(resident_id=newcomer.id, by=cast.as_actor(hanako), now=NOW)
    by = cast.as_actor(newcomer)
    onboarding.set_onboarded(resident_id=newcomer.id, by=by, now=NOW)
    onboarding.set_onboarded(resident_id=newcomer.id, by=by, now=NOW.replace(year=2027))
    assert Resident.objects.get(id=newcomer.id).onboarded_at == NOW
    with pytest.raises(NoSuchResident):
        onboarding.set_onboarded(resident_id=uuid4(), by=SYSTEM, now=NOW)


# --- the steps -----------------------------------------------------------------------------------------------


def test_three_steps_from_the_first_page_to_where_she_was_going(
    newcomer: Resident, signed_in: SignIn
) -> None:
    client = signed_in(newcomer)
    page = client.get("/welcome/?next=/all-news/")
    assert page["Cache-Control"] == "private, no-store"
    assert "3つのうち1つめ" in page.content.decode()
    sent = {"next": "/all-news/", "language": "ja", "access_needs": ["furigana"]}
    answer = client.post("/welcome/", sent)
    assert answer["Location"] == "/welcome/district/?next=%2Fall-news%2F"
    answer = client.post("/welcome/district/", {"next": "/all-news/", "area.district": "busshozan"})
    assert answer["Location"] == "/welcome/topics/?next=%2Fall-news%2F"
    page = client.get(answer["Location"])
    assert not onboarded(newcomer)
    sent = {"next": "/all-news/", "interests": ["music"], "choice": "on", "shown": page.context["shown"]}
    assert client.post("/welcome/topics/", sent)["Location"] == "/all-news/"
    now = held(newcomer)
    assert now.attributes["area.district"] == "busshozan"
    assert now.attributes["access_needs"] == ("furigana",)
    assert now.attributes["interests"] == ("music",)
    assert now.personalised
    assert onboarded(newcomer)
    kept = ConsentReceipt.objects.select_related("notice").get()
    assert kept.notice is not None
    assert kept.notice.sha256 == page.context["shown"]


def test_the_chosen_language_is_the_language_of_the_next_step_and_of_the_way_back(
    newcomer: Resident, signed_in: SignIn
) -> None:
    answer = signed_in(newcomer).post("/welcome/", {"next": "/all-news/", "language": "en"})
    assert answer["Location"] == "/en/welcome/district/?next=%2Fen%2Fall-news%2F"


def test_newest_first_ends_the_steps_too_and_nothing_is_opted_in(
    newcomer: Resident, signed_in: SignIn
) -> None:
    answer = signed_in(newcomer).post("/welcome/topics/", {"interests": ["music"], "choice": "off"})
    assert answer["Location"] == "/"
    assert not held(newcomer).personalised
    assert held(newcomer).attributes["interests"] == ("music",)
    assert onboarded(newcomer)
    assert not ConsentReceipt.objects.exists()


@pytest.mark.parametrize("path", STEPS)
def test_later_leaves_every_step_and_writes_nothing_else(
    newcomer: Resident, signed_in: SignIn, path: str
) -> None:
    client = signed_in(newcomer)
    page = client.get(f"{path}?next=/all-news/").content.decode()
    assert 'formaction="/welcome/later/"' in page
    assert client.post("/welcome/later/", {"next": "/all-news/"})["Location"] == "/all-news/"
    assert onboarded(newcomer)
    assert held(newcomer).attributes == {}


def test_going_back_keeps_what_was_chosen_and_reloading_changes_nothing(
    newcomer: Resident, signed_in: SignIn
) -> None:
    client = signed_in(newcomer)
    client.post("/welcome/district/", {"area.district": "yashima"})
    page = client.get("/welcome/topics/?next=/all-news/").content.decode()
    assert 'href="/welcome/district/?next=/all-news/"' in page or "next=%2Fall-news%2F" in page
    version = Resident.objects.get(id=newcomer.id).consent_version
    for _ in range(2):
        assert 'value="yashima" selected' in client.get("/welcome/district/").content.decode()
    assert Resident.objects.get(id=newcomer.id).consent_version == version


def test_the_steps_can_be_taken_again_and_start_from_what_holds(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    assert 'href="/welcome/"' in client.get("/my-data/").content.decode()
    assert 'value="busshozan" selected' in client.get("/welcome/district/").content.decode()
    assert 'value="music" checked' in client.get("/welcome/topics/").content.decode()


def test_the_live_sample_follows_choices_that_are_not_saved(newcomer: Resident, signed_in: SignIn) -> None:
    client = signed_in(newcomer)
    for topic, title in (("music", "音楽会のお知らせ"), ("sports", "運動会のお知らせ")):
        piece = client.post("/welcome/sample/", {"interests": [topic]}).content.decode()
        assert first(piece) == title
        assert "選んだテーマ:" in piece
        page = client.post("/welcome/topics/", {"interests": [topic], "action": "sample"}).content.decode()
        assert first(page) == title
        assert f'value="{topic}" checked' in page
    assert held(newcomer).attributes == {}
    assert not onboarded(newcomer)


def test_the_sample_knows_the_district_of_the_step_before(newcomer: Resident, signed_in: SignIn) -> None:
    client = signed_in(newcomer)
    client.post("/welcome/district/", {"area.district": "busshozan"})
    assert first(client.get("/welcome/topics/").content.decode()) == "仏生山のお知らせ"


def test_the_order_is_asked_with_its_text_and_a_text_that_was_not_shown_counts_for_nothing(
    newcomer: Resident, signed_in: SignIn
) -> None:
    client = signed_in(newcomer)
    for shown in ({}, {"shown": "0" * 64}):
        answer = client.post("/welcome/topics/", {"interests": ["music"], "choice": "on", **shown})
        assert answer.status_code == 409
        html = answer.content.decode()
        assert "お見せした内容が変わりました" in html
        assert 'value="music" checked' in html
    assert client.post("/welcome/topics/", {"interests": ["music"]}).status_code == 400
    assert held(newcomer).attributes == {}
    assert not onboarded(newcomer)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/welcome/", {"language": "klingon"}),
        ("/welcome/", {"access_needs": ["wings"]}),
        ("/welcome/district/", {"area.district": "atlantis"}),
        ("/welcome/topics/", {"interests": ["gossip"], "choice": "off"}),
        ("/welcome/topics/", {"interests": ["gossip"], "action": "sample"}),
        ("/welcome/sample/", {"interests": ["gossip"]}),
    ],
)
def test_what_is_outside_the_vocabulary_is_said_and_not_written(
    newcomer: Resident, signed_in: SignIn, path: str, sent: dict[str, Any]
) -> None:
    answer = signed_in(newcomer).post(path, sent)
    assert answer.status_code == 422
    assert held(newcomer).attributes == {}
    assert not onboarded(newcomer)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ぶっしょう", {"busshozan"}),
        ("ブッショウ", {"busshozan"}),
        ("仏生山", {"busshozan"}),
        ("Busshozan", {"busshozan"}),
        ("こくぶんじ", {"kokubunji-nanbu", "kokubunji-hokubu"}),
    ],
)
def test_the_district_is_found_by_kana_too(
    newcomer: Resident, signed_in: SignIn, words: str, found: set[str]
) -> None:
    answer = signed_in(newcomer).post("/welcome/district/", {"search": words, "action": "search"})
    codes = {code for _, names in answer.context["rows"] for code, _ in names}
    assert codes == found
    assert answer.context["chosen"] == (found.pop() if len(found) == 1 else "")
    assert held(newcomer).attributes == {}


def test_a_search_without_a_hit_shows_the_whole_list(newcomer: Resident, signed_in: SignIn) -> None:
    answer = signed_in(newcomer).post("/welcome/district/", {"search": "札幌", "action": "search"})
    assert "見つかりませんでした" in answer.content.decode()
    assert sum(len(names) for _, names in answer.context["rows"]) == len(DISTRICTS)


def test_the_language_of_the_rows(newcomer: Resident, signed_in: SignIn) -> None:
    client = signed_in(newcomer)
    assert [heading for heading, _ in client.get("/welcome/district/").context["rows"]][:2] == [
        "あ行",
        "か行",
    ]
    assert client.get("/en/welcome/district/").context["rows"][0][0] == "A"


@pytest.mark.parametrize("path", [*STEPS, "/welcome/guest/"])
def test_a_guest_signs_in_first(path: str) -> None:
    assert cast.portal_client().get(path)["Location"].startswith("/sign-in/?next=%2Fwelcome%2F")


def test_the_last_button_and_later_need_a_post_and_the_form_token(
    newcomer: Resident, signed_in: SignIn
) -> None:
    assert signed_in(newcomer).get("/welcome/later/").status_code == 405
    strict = cast.sign_in(cast.portal_client(enforce_csrf_checks=True), newcomer)
    for path in ("/welcome/later/", "/welcome/sample/", "/welcome/topics/"):
        assert strict.post(path, {"choice": "off"}).status_code == 403
    assert not onboarded(newcomer)


def test_the_way_on_never_leads_to_another_site(newcomer: Resident, signed_in: SignIn) -> None:
    sent = {"next": "https://evil.example/"}
    assert signed_in(newcomer).post("/welcome/later/", sent)["Location"] == "/"


@pytest.mark.parametrize(
    ("path", "most"), [("/welcome/", 3), ("/welcome/district/", 3), ("/welcome/topics/", 4)]
)
def test_a_step_costs_few_queries(
    newcomer: Resident,
    signed_in: SignIn,
    path: str,
    most: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = signed_in(newcomer)
    client.get(path)
    with django_assert_max_num_queries(most):
        client.get(path)


# --- what was chosen as a guest ------------------------------------------------------------------------------


def with_cookie(client: Client, district: str, *topics: str) -> Client:
    client.cookies[settings.GUEST_COOKIE_NAME] = choose(district, topics).cookie
    return client


def cookie_is_gone(answer: Any) -> bool:
    return (
        settings.GUEST_COOKIE_NAME in answer.cookies
        and answer.cookies[settings.GUEST_COOKIE_NAME]["max-age"] == 0
    )


def test_a_guests_choices_are_asked_about_on_the_first_step(newcomer: Resident, signed_in: SignIn) -> None:
    client = with_cookie(signed_in(newcomer), "busshozan", "childcare")
    html = client.get("/welcome/?next=/all-news/").content.decode()
    assert "ゲストのときに選んだ「仏生山・子育て」を、あなたの設定に入れますか。" in html
    assert held(newcomer).attributes == {}
    back = "/welcome/?next=/all-news/"
    answer = client.post("/welcome/guest/", {"next": back, "choice": "take"})
    assert answer["Location"] == back
    assert cookie_is_gone(answer)
    assert held(newcomer).attributes["area.district"] == "busshozan"
    assert held(newcomer).attributes["interests"] == ("childcare",)
    client.cookies.pop(settings.GUEST_COOKIE_NAME)
    assert "ゲストのときに選んだ" not in client.get(back).content.decode()


def test_who_says_no_keeps_what_holds_and_is_not_asked_again(hanako: Resident, signed_in: SignIn) -> None:
    client = with_cookie(signed_in(hanako), "yashima")
    before = held(hanako).attributes
    answer = client.post("/welcome/guest/", {"next": "/all-news/", "choice": "leave"})
    assert answer["Location"] == "/all-news/"
    assert cookie_is_gone(answer)
    assert held(hanako).attributes == before


def test_of_two_districts_she_says_which(hanako: Resident, signed_in: SignIn) -> None:
    client = with_cookie(signed_in(hanako), "yashima", "sports")
    page = client.get("/welcome/guest/?next=/all-news/").content.decode()
    assert "仏生山" in page
    assert "どちらの地区にしますか" in page
    for which in ({}, {"district": "moon"}):
        answer = client.post("/welcome/guest/", {"choice": "take", **which})
        assert answer.status_code == 422
        assert "どちらの地区にするかを、えらんでください。" in answer.content.decode()
    assert held(hanako).attributes["area.district"] == "busshozan"
    client.post("/welcome/guest/", {"choice": "take", "district": "held"})
    assert held(hanako).attributes["area.district"] == "busshozan"
    assert "sports" in held(hanako).attributes["interests"]  # type: ignore[operator]
    assert "music" in held(hanako).attributes["interests"]  # type: ignore[operator]


def test_the_guests_district_when_she_says_so(hanako: Resident, signed_in: SignIn) -> None:
    client = with_cookie(signed_in(hanako), "yashima")
    client.post("/welcome/guest/", {"choice": "take", "district": "guest"})
    assert held(hanako).attributes["area.district"] == "yashima"


def test_with_nothing_to_ask_about_she_goes_straight_on(hanako: Resident, signed_in: SignIn) -> None:
    client = with_cookie(signed_in(hanako), "busshozan")
    answer = client.get("/welcome/guest/?next=/all-news/")
    assert answer["Location"] == "/all-news/"
    assert cookie_is_gone(answer)


def test_an_answer_that_is_none_asks_again_and_later_keeps_the_question(
    newcomer: Resident, signed_in: SignIn
) -> None:
    client = with_cookie(signed_in(newcomer), "busshozan")
    assert client.post("/welcome/guest/", {"choice": "maybe"}).status_code == 422
    assert "guest" not in client.post("/welcome/later/").cookies
    assert cookie_is_gone(client.post("/welcome/topics/", {"choice": "off"}))
