"""The family's pages: adding, acting for somebody and coming back, codes, answers, ends, and what is never mixed up."""

import re
import time
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from identity import actions, queries
from identity.domain.roles import OPERATOR, Actor
from identity.household import authority, guardianships
from identity.models import AuditEntry, ConsentReceipt, Guardianship, Resident
from identity.sessions.portal_sessions import AUTH_TIME
from portal.mydata.account import erasing
from tests import cast
from tests.consents import granted
from tests.portal.mydata.conftest import LUNCH

SignIn = Callable[[Resident], Client]
YEARS = ["household.school_years"]
ALL = [*YEARS, "age_band"]
HOUSEHOLD = "/my-data/household/"
BANNER = "はなさんの代わりに見ています"
NOBODY = "00000000-0000-4000-8000-00000000dead"


def proven(client: Client) -> Client:
    """As after a sign-in just now."""
    session = client.session
    session[AUTH_TIME] = int(time.time())
    session.save()
    return client


@pytest.fixture
def browser(hanako: Resident, signed_in: SignIn) -> Client:
    return proven(signed_in(hanako))


@pytest.fixture
def hana(hanako: Resident) -> UUID:
    """Hanako's child in the third year."""
    return guardianships.add_child(
        guardian=hanako.id,
        name="はな",
        ends_on=authority.end_of_school(timezone.localdate(), ("e3",)),
        values={"area.district": "busshozan", "household.school_years": ("e3",)},
        by=Actor(id=hanako.id),
    )


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(answer.content.decode()))


def act(client: Client, ward: UUID) -> Any:
    return client.post(f"{HOUSEHOLD}act/", {"ward": str(ward)}, follow=True)


def back(client: Client) -> Any:
    return client.post(f"{HOUSEHOLD}act/", {"back": "1"}, follow=True)


def allow(client: Client) -> Any:
    """Answers the lunch gadget's question with yes, as its page asks it."""
    page = client.get(f"/consent/{LUNCH}/").content.decode()
    form = page.partition(f'action="/consent/{LUNCH}/grant/"')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', form))
    return client.post(f"/consent/{LUNCH}/grant/", hidden | {"items": ALL})


def token_of(answer: Any) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.content.decode())
    assert found is not None
    return found.group(1)


# --- adding --------------------------------------------------------------------------------------------------


def test_a_child_is_added_with_a_name_a_district_and_a_school_year(browser: Client, hanako: Resident) -> None:
    form = text(browser.get(f"{HOUSEHOLD}add/"))
    assert '<option value="busshozan" selected>' in form  # hers by default
    assert "誕生日は聞きません" in form
    answer = browser.post(
        f"{HOUSEHOLD}add/",
        {"name": " はな ", "district": "busshozan", "year": "e3", "until": ""},
        follow=True,
    )
    assert "はなさんを加えました" in text(answer)
    row = authority.wards(hanako.id, timezone.now())[0]
    assert (row.name, row.holds) == ("はな", True)
    assert row.ends_on == authority.end_of_school(timezone.localdate(), ("e3",))
    bundle = queries.bundle(row.ward)
    assert bundle is not None
    assert bundle.attributes["household.school_years"] == ("e3",)
    assert (row.ends_on - timedelta(days=1)).isoformat() in text(answer)


def test_an_earlier_end_may_be_chosen(browser: Client, hanako: Resident) -> None:
    year = timezone.localdate().year + 2
    browser.post(f"{HOUSEHOLD}add/", {"name": "はな", "year": "e3", "until": str(year)})
    assert authority.wards(hanako.id, timezone.now())[0].ends_on == date(year, 4, 1)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": ""}, "呼び名を入れてください"),
        ({"name": "は\u202eな"}, "呼び名を、50文字まで"),
        ({"name": "はな", "district": "mars"}, "一覧からえらんでください"),
        ({"name": "はな", "year": "e9"}, "一覧からえらんでください"),
        ({"name": "はな", "until": "1999"}, "一覧からえらんでください"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_added(browser: Client, form: dict[str, str], said: str) -> None:
    answer = browser.post(f"{HOUSEHOLD}add/", form)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not Guardianship.objects.exists()


def test_a_minor_is_told_that_they_cannot(browser: Client, hanako: Resident) -> None:
    actions.set_attributes(resident_id=hanako.id, values={"age_band": "0-17"}, by=Actor(id=hanako.id))
    answer = browser.post(f"{HOUSEHOLD}add/", {"name": "母"})
    assert answer.status_code == 422
    assert "18歳になっていない方" in text(answer)


@pytest.mark.parametrize(
    "path",
    ["add/", "represent/", "join/", "code/", f"{NOBODY}/answer/", f"{NOBODY}/end/", f"code/{NOBODY}/"],
)
def test_every_act_of_guardianship_asks_who_it_is_once_more(
    hanako: Resident, signed_in: SignIn, path: str
) -> None:
    answer = signed_in(hanako).post(HOUSEHOLD + path)
    assert answer.status_code == 302
    assert "/sign-in/?fresh=1" in answer["Location"]


@pytest.mark.parametrize("path", ["", "add/", "represent/", "join/", "code/"])
def test_a_guest_is_asked_to_sign_in(path: str) -> None:
    answer = cast.portal_client().get(HOUSEHOLD + path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")
    assert cast.portal_client().post(f"{HOUSEHOLD}act/").status_code == 302


# --- acting for somebody -------------------------------------------------------------------------------------


def test_while_acting_every_page_says_so_and_shows_the_ward(browser: Client, hana: UUID) -> None:
    assert BANNER in text(act(browser, hana))
    for path in ("/", "/my-data/", "/my-data/attributes/", f"/gadgets/{LUNCH}/", "/gadgets/", "/all-news/",
                 "/home/arrange/", f"/consent/{LUNCH}/"):  # fmt: skip
        page = text(browser.get(path))
        assert BANNER in page, path
        assert "自分に戻る" in page
    overview = text(browser.get("/my-data/"))
    assert "小学3年" in overview
    assert "就学前" not in overview  # hers
    assert BANNER not in text(back(browser))
    assert "就学前" in text(browser.get("/my-data/"))


def test_the_childs_consent_and_hers_are_two(browser: Client, hanako: Resident, hana: UUID) -> None:
    assert allow(browser).status_code == 302
    act(browser, hana)
    assert granted(hana, LUNCH, YEARS) == {}
    assert allow(browser).status_code == 302
    assert granted(hana, LUNCH, YEARS) == {"household.school_years": ("e3",)}
    browser.post(f"/my-data/stop/{LUNCH}/")
    assert granted(hana, LUNCH, YEARS) == {}
    assert granted(hanako.id, LUNCH, YEARS) == {"household.school_years": ("preschool", "e3")}
    handles = {str(person.handle) for person in Resident.objects.filter(id__in=[hanako.id, hana])}
    for kind in ("granted", "withdrawn"):
        last = AuditEntry.objects.filter(kind=kind).latest("seq")
        assert {last.who, last.by} == handles
        assert last.by == str(hanako.handle)


def test_attributes_and_layout_are_changed_for_the_ward_alone(
    browser: Client, hanako: Resident, hana: UUID
) -> None:
    act(browser, hana)
    browser.post("/my-data/attributes/", {"area-district": "yashima", "age_band": "0-17"})
    browser.post(f"/gadgets/{LUNCH}/add")
    ward, own = queries.bundle(hana), queries.bundle(hanako.id)
    assert ward is not None
    assert own is not None
    assert ward.attributes["area.district"] == "yashima"
    assert own.attributes["area.district"] == "busshozan"
    assert "ホームから外す" in text(browser.get(f"/gadgets/{LUNCH}/"))
    back(browser)
    assert "ホームに追加" in text(browser.get(f"/gadgets/{LUNCH}/"))


def test_personalisation_is_switched_for_the_ward_alone(
    browser: Client, hanako: Resident, hana: UUID
) -> None:
    act(browser, hana)
    browser.post("/my-data/personalisation/", {"choice": "off"})
    assert queries.bundle(hanako.id).personalised  # type: ignore[union-attr]
    assert not queries.bundle(hana).personalised  # type: ignore[union-attr]


def test_a_gadgets_page_says_whose_id_opens_the_providers_site(browser: Client, hana: UUID) -> None:
    act(browser, hana)
    page = text(browser.get(f"/gadgets/{LUNCH}/"))
    if "提供者のサイトを開く" in page:
        assert "提供者のサイトには、あなた自身として入ります" in page
    assert "提供者のサイトにはあなた自身の地域IDで入ります" not in page
    back(browser)
    assert "提供者のサイトにはあなた自身の地域IDで入ります" in text(browser.get(HOUSEHOLD))


@pytest.mark.parametrize("name", ["mydata:household", "mydata:household_add", "mydata:closing"])
def test_what_is_the_accounts_own_is_not_offered(browser: Client, hana: UUID, name: str) -> None:
    act(browser, hana)
    assert f'href="{reverse(name)}"' not in text(browser.get("/my-data/"))
    answer = browser.get(reverse(name), follow=True)
    assert "先に「自分に戻る」を押してください" in text(answer)
    assert BANNER in text(browser.get("/my-data/"))


def test_the_providers_console_stays_the_accounts(browser: Client, hanako: Resident, hana: UUID) -> None:
    act(browser, hana)
    browser.post("/provider/organisations/", {"name": "花子組", "kind": "npo", "contact": "a@b.example"})
    from gadgets import queries as gadget_queries

    assert [one.name for one in gadget_queries.organisations(hanako.id)] == ["花子組"]
    assert gadget_queries.organisations(hana) == ()


@pytest.mark.parametrize("ward", [NOBODY, "me", "", "stranger", "guardian"])
def test_nobody_acts_for_somebody_who_is_not_theirs(signed_in: SignIn, hana: UUID, ward: str) -> None:
    taro = cast.taro()
    client = signed_in(taro)
    wanted = {"stranger": str(hana), "guardian": str(Guardianship.objects.get().guardian_id)}.get(ward, ward)
    answer = client.post(f"{HOUSEHOLD}act/", {"ward": wanted}, follow=True)
    assert answer.status_code in {200, 404}
    assert "の代わりに見ています" not in text(client.get("/"))
    assert authority.FOR not in client.session


@pytest.mark.parametrize("planted", ["hana", "hanako", "not an id", NOBODY])
def test_a_planted_session_value_opens_nothing(
    signed_in: SignIn, hanako: Resident, hana: UUID, planted: str
) -> None:
    client = signed_in(cast.taro())
    session = client.session
    session[authority.FOR] = {"hana": str(hana), "hanako": str(hanako.id)}.get(planted, planted)
    session.save()
    page = text(client.get("/my-data/"))
    assert "の代わりに見ています" not in page
    assert "小学3年" not in page
    assert authority.FOR not in client.session


# --- nothing reaches the wrong person ------------------------------------------------------------------------


def test_a_form_drawn_for_oneself_is_void_once_one_acts(hanako: Resident, hana: UUID) -> None:
    client = cast.sign_in(cast.portal_client(enforce_csrf_checks=True), hanako)
    old = token_of(client.get(f"/consent/{LUNCH}/"))
    household_page = client.get(HOUSEHOLD)
    answer = client.post(
        f"{HOUSEHOLD}act/", {"ward": str(hana), "csrfmiddlewaretoken": token_of(household_page)}
    )
    assert answer.status_code == 302
    answer = client.post(f"/consent/{LUNCH}/grant/", {"items": ALL, "csrfmiddlewaretoken": old})
    assert answer.status_code == 403
    assert allow(client).status_code == 302
    assert [receipt.resident_id for receipt in ConsentReceipt.objects.filter(recipient=LUNCH)] == [hana]


@pytest.mark.parametrize(
    "path", [f"/consent/{LUNCH}/grant/", "/my-data/attributes/", f"/gadgets/{LUNCH}/add"]
)
def test_a_form_sent_after_the_end_is_done_to_nobody(
    browser: Client, hanako: Resident, hana: UUID, path: str
) -> None:
    act(browser, hana)
    before = queries.bundle(hanako.id)
    guardianships.end(guardianship_id=Guardianship.objects.get().id, by=Actor(id=hanako.id))
    answer = browser.post(path, {"items": ALL, "area-district": "yashima"}, follow=True)
    assert "代わりに見ることは終わりました。何も変えていません" in text(answer)
    assert queries.bundle(hanako.id) == before
    assert "ホームに追加" in text(browser.get(f"/gadgets/{LUNCH}/"))
    assert authority.FOR not in browser.session


def test_acting_ends_by_itself_on_the_day(browser: Client, hana: UUID) -> None:
    act(browser, hana)
    Guardianship.objects.update(ends_on=timezone.localdate())
    page = text(browser.get("/my-data/"))
    assert "の代わりに見ています" not in page
    assert "就学前" in page


def test_signing_out_ends_it(browser: Client, hanako: Resident, hana: UUID) -> None:
    act(browser, hana)
    browser.post("/sign-out/")
    assert authority.FOR not in browser.session
    cast.sign_in(browser, hanako)
    assert BANNER not in text(browser.get("/"))


# --- codes, answers, ends ------------------------------------------------------------------------------------


def test_a_second_guardian_joins_by_the_code(browser: Client, hana: UUID, signed_in: SignIn) -> None:
    page = text(browser.post(f"{HOUSEHOLD}code/{hana}/"))
    code = re.search(r'class="code">([A-Z0-9-]+)<', page)
    assert code is not None
    taro = cast.taro()
    other = proven(signed_in(taro))
    assert "この番号は使えません" in text(other.post(f"{HOUSEHOLD}join/", {"code": "ABCDE-FGHJK"}))
    assert "番号を入れてください" in text(other.post(f"{HOUSEHOLD}join/", {"code": ""}))
    answer = other.post(f"{HOUSEHOLD}join/", {"code": code.group(1)}, follow=True)
    assert "加えました" in text(answer)
    assert "高松 花子" in text(answer)
    assert BANNER in text(act(other, hana))


def test_the_code_of_a_strangers_child_is_not_there(signed_in: SignIn, hana: UUID) -> None:
    client = proven(signed_in(cast.taro()))
    assert client.get(f"{HOUSEHOLD}code/{hana}/").status_code == 404
    assert client.post(f"{HOUSEHOLD}code/{hana}/").status_code == 404


def test_a_guardian_is_told_why_no_code_for_themselves(browser: Client, hana: UUID) -> None:
    answer = browser.post(f"{HOUSEHOLD}code/")
    assert answer.status_code == 422
    assert "だれかに代わってもらっている方は" in text(answer)


def test_an_adult_shows_a_code_sees_who_asks_and_says_yes(browser: Client, signed_in: SignIn) -> None:
    taro = cast.taro()
    his = proven(signed_in(taro))
    code = re.search(r'class="code">([A-Z0-9-]+)<', text(his.post(f"{HOUSEHOLD}code/")))
    assert code is not None
    assert "市の確認を待っています" in text(
        browser.post(f"{HOUSEHOLD}join/", {"code": code.group(1)}, follow=True)
    )
    row = Guardianship.objects.get()
    page = text(his.get(HOUSEHOLD))
    assert f"{HOUSEHOLD}{row.id}/answer/" in page
    assert "高松 花子さんが、あなたの代わりになりたい" in text(his.get(f"{HOUSEHOLD}{row.id}/answer/"))
    assert "認めました" in text(his.post(f"{HOUSEHOLD}{row.id}/answer/", {"answer": "yes"}, follow=True))
    answer = his.post(f"{HOUSEHOLD}{row.id}/answer/", {"answer": "yes"})
    assert answer.status_code == 422
    desk = Actor(id=uuid4(), roles=frozenset({OPERATOR}))
    guardianships.decide(guardianship_id=row.id, approve=True, reason="power_of_attorney", by=desk)
    assert "屋島 太郎さんの代わりに見ています" in text(act(browser, taro.id))
    assert "終わりにしました" in text(his.post(f"{HOUSEHOLD}{row.id}/end/", follow=True))
    assert "代わりに見ています" not in text(browser.get("/"))


def test_an_adult_says_no(browser: Client, hanako: Resident, signed_in: SignIn) -> None:
    taro = cast.taro()
    code = guardianships.make_code(ward=taro.id, by=Actor(id=taro.id))
    guardianships.redeem(guardian=hanako.id, code=code, by=Actor(id=hanako.id))
    row = Guardianship.objects.get()
    assert browser.post(f"{HOUSEHOLD}{row.id}/answer/", {"answer": "yes"}).status_code == 404
    his = proven(signed_in(taro))
    assert "断りました" in text(his.post(f"{HOUSEHOLD}{row.id}/answer/", {"answer": "no"}, follow=True))
    assert "ご本人が断りました" in text(browser.get(HOUSEHOLD))


def test_an_adult_without_an_account_is_asked_for_at_the_city(browser: Client) -> None:
    answer = browser.post(f"{HOUSEHOLD}represent/", {"name": "祖父"}, follow=True)
    row = Guardianship.objects.get()
    assert "市の確認を待っています" in text(answer)
    assert row.reference in text(answer)
    assert "の代わりに見る</button>" not in text(answer)
    assert "この方の代わりに見ることはできません" in text(act(browser, row.ward_id))


def test_the_end_is_looked_at_once_more_and_says_what_goes(
    browser: Client, hana: UUID, signed_in: SignIn
) -> None:
    row = Guardianship.objects.get()
    assert "この人の情報と許可は消えます" in text(browser.get(f"{HOUSEHOLD}{row.id}/end/"))
    assert proven(signed_in(cast.taro())).post(f"{HOUSEHOLD}{row.id}/end/").status_code == 404
    assert "終わりにしました" in text(browser.post(f"{HOUSEHOLD}{row.id}/end/", follow=True))
    assert queries.bundle(hana) is None
    assert browser.get(f"{HOUSEHOLD}{row.id}/end/").status_code == 404


def test_a_ward_who_lost_the_last_guardian_is_erased_by_the_next_sweep(
    browser: Client, hanako: Resident, hana: UUID
) -> None:
    act(browser, hana)
    assert allow(browser).status_code == 302
    back(browser)
    browser.post(f"{HOUSEHOLD}{Guardianship.objects.get().id}/end/")
    assert erasing.carry_out() == 1
    assert not Resident.objects.filter(id=hana).exists()
    assert not Guardianship.objects.exists()
    assert not ConsentReceipt.objects.filter(recipient=LUNCH).exists()
    assert queries.bundle(hanako.id) is not None
    assert erasing.carry_out() == 0


def test_a_protected_household_says_where_to_ask(browser: Client, hanako: Resident, hana: UUID) -> None:
    Resident.objects.filter(id=hanako.id).update(confidential=True)
    answer = browser.post(f"{HOUSEHOLD}code/{hana}/")
    assert answer.status_code == 422
    assert "市の窓口にご相談ください" in text(answer)


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("refused", "papers_missing", "書類が足りません"),
        ("refused", "not_entitled", "書類で確かめられませんでした"),
        ("refused", "other", "市の窓口にお問い合わせください"),
    ],
)
def test_a_refusal_says_why_as_far_as_it_may(
    browser: Client, hanako: Resident, state: str, reason: str, said: str
) -> None:
    key = guardianships.ask_to_represent(guardian=hanako.id, name="祖父", by=Actor(id=hanako.id))
    desk = Actor(id=uuid4(), roles=frozenset({OPERATOR}))
    guardianships.decide(guardianship_id=key, approve=False, reason=reason, by=desk)
    assert said in text(browser.get(HOUSEHOLD))
    assert Guardianship.objects.get().state == state


@pytest.mark.parametrize("today", [date(2027, 3, 31), date(2027, 4, 1), date(2028, 2, 29)])
def test_every_year_that_is_offered_is_allowed(today: date) -> None:
    from portal.mydata.account.household import _years

    offered = [date(year, 4, 1) for year in _years(today)]
    assert all(today < day <= authority.latest_end(today) for day in offered)
    assert authority.end_of_school(today, ()) == offered[-1]
