"""A resident's home: private, ordered by what was opted in, cards from the cache, one question for a visit."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from core.markup import html_id
from gadgets.cards import fetch
from gadgets.layout.layout import Slot
from gadgets.types import ClaimSpec, Source, StoredCard
from identity import actions
from identity.domain.consent import Notice
from identity.household import authority, guardianships
from identity.models import Resident
from identity.queries import bundle
from identity.residents.protection import CONFIRMATIONS
from tests import cast
from tests.portal.home.conftest import browser
from tests.portal.home.samples import NOW, entry, gadget

pytestmark = pytest.mark.django_db

WASTE = gadget()
LUNCH = gadget(
    "localhost.lunch.menu",
    title={"ja": "学校給食"},
    claims=(ClaimSpec("household.school_years", "optional", {"ja": "学年の献立を選ぶため"}, "P0D"),),
)
RIVER = gadget("localhost.river.level", title={"ja": "川の水位"}, identity="none", claims=())
SLOTS = [Slot(info.id, "S") for info in (WASTE, LUNCH, RIVER)]
GADGETS = (WASTE, LUNCH, RIVER)


def home(resident, path="/"):
    client = cast.sign_in(browser(), resident)
    return client.get(path)


def text(response):
    return response.content.decode()


def card_of(html, info):
    """The HTML of one gadget's frame."""
    return html.partition(f'id="gadget-{html_id(info.id)}"')[2].partition("</article>")[0]


def stored(html="<p>明日は燃えるごみ</p>", *, fresh=timedelta(hours=1), stale=timedelta(days=1)):
    return StoredCard(
        html=html,
        forms=(html, ""),
        summary="明日は燃えるごみ",
        fetched_at=NOW,
        fresh_until=NOW + fresh,
        stale_until=NOW + stale,
        observed_at=NOW - timedelta(minutes=55),
        source=Source("高松市", "CC BY 4.0", note="見本"),
    )


def keep(info, card, *, resident=None):
    """Puts a card into the cache as it is wanted by this resident, or in its public form."""
    reader = bundle(resident.id) if resident else None
    wanted = fetch.wanted_for(info, bundle=reader, locale="ja", size="S", settings={})
    cache.set(fetch.cache_key(wanted), fetch.encode(card, wanted), 3600)


def grant(resident, info, *, by=None):
    actions.grant(
        resident_id=resident.id,
        recipient=info.id,
        purpose="card",
        items=info.declared,
        declared=info.declared,
        level=info.identity,
        notice=Notice("ja", "見本"),
        controller=info.provider_name,
        by=by or cast.as_actor(resident),
    )


def test_a_residents_home_is_private(publish):
    publish([entry("a")])
    response = home(cast.hanako())
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    assert 'id="guest"' not in text(response)


def test_hanako_and_taro_see_different_orders_with_reasons_and_a_way_to_change_them(publish):
    publish([entry("school", topics=("school",)), entry("elderly", topics=("elderly",)), entry("all")])
    hanako, taro = text(home(cast.hanako())), text(home(cast.taro()))
    order = re.compile(r'class="entry__title"[^>]*><a href="/news/(\w+)/">')
    assert order.findall(hanako)[:3] == ["school", "all", "elderly"]
    assert order.findall(taro)[:3] == ["elderly", "all", "school"]
    assert 'href="/my-data/attributes/#household-school_years"' in hanako
    assert "選んだテーマ: 高齢者・介護" in taro


def test_without_opt_in_the_home_is_chronological_and_says_how_to_change_that(publish):
    publish([entry("old", places=("busshozan",), age=timedelta(days=3)), entry("new")])
    html = text(home(cast.newcomer()))
    assert html.index("newの題") < html.index("oldの題")
    assert "新しい順に並んでいます" in html
    assert 'href="/my-data/personalisation/"' in html
    assert "お住まいの地区" not in html


def test_after_opting_out_nothing_of_the_resident_orders_the_home(publish):
    publish([entry("near", places=("busshozan",), age=timedelta(days=3)), entry("new")])
    hanako = cast.hanako()
    assert text(home(hanako)).index("nearの題") < text(home(hanako)).index("newの題")
    actions.opt_out(resident_id=hanako.id, by=cast.as_actor(hanako))
    html = text(home(hanako))
    assert html.index("newの題") < html.index("nearの題")


def test_a_changed_district_changes_the_next_home(publish):
    publish([entry("near", places=("busshozan",)), entry("far", places=("yashima",))])
    hanako = cast.hanako()
    before = text(home(hanako))
    actions.set_attributes(
        resident_id=hanako.id, values={"area.district": "yashima"}, by=cast.as_actor(hanako)
    )
    after = text(home(hanako))
    assert before.index("nearの題") < before.index("farの題")
    assert after.index("farの題") < after.index("nearの題")


def test_the_first_gadget_that_wants_something_asks_and_only_that_one(publish):
    publish(gadgets=GADGETS, slots=SLOTS)
    html = text(home(cast.hanako()))
    assert html.count("許可して使う") == 1
    asked = card_of(html, WASTE)
    assert "ごみ収集の区域" in asked
    assert "収集日を調べるため" in asked
    buttons = re.findall(r'<button class="button" type="submit">(.*?)</button>', asked)
    assert buttons == ["許可して使う", "使わない"]
    assert f'action="/consent/{WASTE.id}/grant/"' in asked
    assert f'action="/consent/{WASTE.id}/refuse/"' in asked
    assert asked.count('name="csrfmiddlewaretoken"') == 2


def test_a_protected_person_is_asked_for_no_provider(publish):
    publish(gadgets=GADGETS, slots=SLOTS)
    hanako = cast.hanako()
    by = cast.as_actor(cast.operator())
    actions.set_confidential(resident_id=hanako.id, on=True, by=by, confirmed=CONFIRMATIONS)
    html = text(home(hanako))
    assert "許可して使う" not in html
    assert f'id="gadget-{html_id(WASTE.id)}"' in html


def test_what_was_granted_is_asked_anew_once_it_has_expired(publish):
    publish(gadgets=(WASTE,), slots=SLOTS[:1])
    hanako = cast.hanako()
    grant = {
        "resident_id": hanako.id,
        "recipient": WASTE.id,
        "purpose": "card",
        "items": WASTE.declared,
        "declared": WASTE.declared,
        "level": WASTE.identity,
        "notice": Notice("ja", "ごみ収集の区域を使います。"),
        "controller": WASTE.provider_name,
        "by": cast.as_actor(hanako),
    }
    actions.grant(**grant)
    assert "許可して使う" not in text(home(hanako))
    actions.grant(**grant, expires_at=timezone.now() - timedelta(seconds=1))
    assert "許可して使う" in card_of(text(home(hanako)), WASTE)


def test_after_an_answer_nothing_more_is_asked_in_this_visit(publish):
    publish(gadgets=GADGETS, slots=SLOTS)
    client = cast.sign_in(browser(), cast.hanako())
    session = client.session
    session["consent_asked"] = True
    session.save()
    assert "許可して使う" not in text(client.get("/"))


def test_a_decided_gadget_is_not_asked_about_again_and_the_next_one_is(publish):
    publish(gadgets=GADGETS, slots=SLOTS)
    hanako = cast.hanako()
    grant(hanako, WASTE)
    html = text(home(hanako))
    assert "許可して使う" not in card_of(html, WASTE)
    assert "許可して使う" in card_of(html, LUNCH)


def test_who_has_no_value_to_give_is_told_so_instead_of_being_asked(publish):
    publish(gadgets=GADGETS, slots=SLOTS)
    html = text(home(cast.newcomer()))
    assert "許可して使う" not in html
    assert "「ごみ収集の区域」を登録すると" in card_of(html, WASTE)
    assert 'href="/my-data/attributes/#area-district"' in card_of(html, WASTE)


def test_granted_shows_the_own_card_and_withdrawn_the_public_form(publish):
    publish(gadgets=[WASTE], slots=SLOTS[:1])
    hanako = cast.hanako()
    keep(WASTE, stored("<p>公開の内容</p>"))
    grant(hanako, WASTE)
    keep(WASTE, stored("<p>区域7の内容</p>"), resident=hanako)
    own = card_of(text(home(hanako)), WASTE)
    actions.withdraw(resident_id=hanako.id, recipient=WASTE.id, by=cast.as_actor(hanako))
    public = card_of(text(home(hanako)), WASTE)
    assert ("区域7の内容" in own, "公開の内容" in own) == (True, False)
    assert ("区域7の内容" in public, "公開の内容" in public) == (False, True)


def test_a_card_says_its_time_and_source_and_is_not_fetched_again_while_fresh(publish):
    publish(gadgets=[RIVER], slots=SLOTS[2:])
    keep(RIVER, stored())
    card = card_of(text(home(cast.hanako())), RIVER)
    assert "明日は燃えるごみ" in card
    assert "14:05 現在" in card
    assert "出典: 高松市（CC BY 4.0） 見本" in card
    assert "data-card" not in card


def test_an_old_card_says_so_and_is_renewed_by_the_script(publish):
    publish(gadgets=[RIVER], slots=SLOTS[2:])
    keep(RIVER, stored(fresh=-timedelta(minutes=1)))
    card = card_of(text(home(cast.hanako())), RIVER)
    assert "明日は燃えるごみ" in card
    assert "古い情報です（14:05 現在）" in card
    assert f'data-card="old" data-src="/fragments/card/{RIVER.id}?locale=ja&amp;size=S"' in card


@pytest.mark.parametrize("raw", [None, b"c1broken", b"", "text", 7])
def test_a_card_that_is_still_to_come_keeps_its_place_and_does_not_say_that_it_failed(publish, raw):
    publish(gadgets=[RIVER], slots=SLOTS[2:])
    if raw is not None:
        wanted = fetch.wanted_for(RIVER, bundle=None, locale="ja", size="S", settings={})
        cache.set(fetch.cache_key(wanted), raw)
    card = card_of(text(home(cast.hanako())), RIVER)
    shown = re.sub(r"<p[^>]* hidden>.*?</p>", "", card)
    assert "取得できません" not in shown
    assert "読み込んでいます" not in shown  # without the script nothing is loading
    assert "data-loading hidden>読み込んでいます。" in card
    assert "data-failed hidden>いまは内容を取得できません。" in card
    assert 'data-card="missing"' in card
    assert f'href="/gadgets/{RIVER.id}/"' in card


def test_until_her_own_card_is_there_a_resident_sees_that_of_everybody(publish):
    publish(gadgets=[WASTE], slots=SLOTS[:1])
    hanako = cast.hanako()
    grant(hanako, WASTE)
    keep(WASTE, stored(html="<p>みんなのごみ</p>"))
    card = card_of(text(home(hanako)), WASTE)
    assert "みんなのごみ" in card
    assert "だれでも見られる内容です。" in card
    assert 'data-card="missing"' in card
    keep(WASTE, stored(html="<p>花子さんのごみ</p>"), resident=hanako)
    card = card_of(text(home(hanako)), WASTE)
    assert "花子さんのごみ" in card
    assert "みんなのごみ" not in card
    assert "data-card" not in card


def test_a_card_beyond_its_stale_time_is_not_shown(publish):
    publish(gadgets=[RIVER], slots=SLOTS[2:])
    keep(RIVER, stored(fresh=-timedelta(days=2), stale=-timedelta(seconds=1)))
    assert "明日は燃えるごみ" not in text(home(cast.hanako()))


def test_a_gadget_without_a_card_shows_its_summary(publish):
    link = gadget("localhost.link.only", kind="link", card_url=None, identity="none", claims=())
    publish(gadgets=[link], slots=[Slot(link.id)])
    card = card_of(text(home(cast.hanako())), link)
    assert "次の収集日" in card
    assert "取得できません" not in card
    assert "data-card" not in card


def test_a_suspended_gadget_is_absent_while_the_others_stay(publish):
    publish(gadgets=[RIVER], slots=SLOTS)
    html = text(home(cast.hanako()))
    assert html.count("data-gadget=") == 1


def test_the_home_asks_no_provider(publish, monkeypatch):
    publish(gadgets=GADGETS, slots=SLOTS)

    def never(*_args, **_more):
        raise AssertionError("the home asked a provider")

    monkeypatch.setattr(fetch, "refresh", never)
    assert home(cast.hanako()).status_code == 200


def test_what_the_last_action_said_is_shown_once(publish):
    publish()
    client = cast.sign_in(browser(), cast.hanako())
    answer = client.post("/my-data/personalisation/", {"choice": "off", "next": "/"})
    assert answer["Location"] == "/"
    assert "おすすめの並べかえを止めました" in text(client.get("/"))
    assert "おすすめの並べかえを止めました" not in text(client.get("/"))


def test_a_closed_account_sees_the_guests_home(publish):
    publish()
    hanako = cast.hanako()
    client = cast.sign_in(browser(), hanako)
    hanako.is_active = False
    hanako.save()
    response = client.get("/")
    assert 'id="guest"' in text(response)


def test_a_preview_shows_the_draft_zones_for_a_made_up_person(publish, rf):
    from portal.content.queries import HomeLayout
    from portal.home.views import preview
    from tests.portal.home.samples import HANAKO

    made = publish([entry("near", places=("busshozan",))], gadgets=GADGETS)
    draft = HomeLayout(("news", "for_you"), (), {**made.layout.titles, "news": {"ja": "下書きの見出し"}})
    response = preview(rf.get("/"), draft, HANAKO, locale="ja", now=NOW)
    html = text(response)
    assert "下書きの見出し" in html
    assert "お住まいの地区（仏生山）のお知らせ" in html
    assert "zone-gadgets" not in html
    assert response["Cache-Control"] == "private, no-store"
    assert "下書きの見出し" not in text(browser().get("/"))


# --- acting for a ward -----------------------------------------------------------------------------------------


def child_of(resident):
    """Hanako's child in the third year, with a consent of its own for the lunch gadget."""
    by = cast.as_actor(resident)
    key = guardianships.add_child(
        guardian=resident.id,
        name="はな",
        ends_on=authority.end_of_school(timezone.localdate(), ("e3",)),
        values={"area.district": "yashima", "household.school_years": ("e3",)},
        by=by,
    )
    return Resident.objects.get(id=key), by


def act_for(client, ward):
    assert client.post("/my-data/household/act/", {"ward": str(ward.id)}).status_code == 302


def test_while_acting_it_is_the_wards_home_with_the_wards_cards(publish):
    publish(gadgets=[LUNCH], slots=SLOTS[1:2])
    hanako = cast.hanako()
    ward, by = child_of(hanako)
    keep(LUNCH, stored("<p>公開の献立</p>"))
    grant(hanako, LUNCH)
    keep(LUNCH, stored("<p>花子の献立</p>"), resident=hanako)
    client = cast.sign_in(browser(), hanako)
    assert "花子の献立" in text(client.get("/"))
    act_for(client, ward)
    before = text(client.get("/"))
    assert "はなさんの代わりに見ています" in before
    assert "公開の献立" in card_of(before, LUNCH)
    assert "許可して使う" in card_of(before, LUNCH)
    grant(ward, LUNCH, by=by)
    keep(LUNCH, stored("<p>小学3年の献立</p>"), resident=ward)
    assert "小学3年の献立" in card_of(text(client.get("/")), LUNCH)
    client.post("/my-data/household/act/", {"back": "1"})
    own = text(client.get("/"))
    assert "花子の献立" in own
    assert "代わりに見ています" not in own


def test_the_banner_stands_in_no_other_readers_page(publish):
    publish([entry("a")])
    hanako = cast.hanako()
    ward, _by = child_of(hanako)
    client = cast.sign_in(browser(), hanako)
    act_for(client, ward)
    assert "acting-bar" in text(client.get("/"))
    assert "acting-bar" not in text(home(cast.taro()))
    assert "acting-bar" not in text(browser().get("/"))
    assert "acting-bar" in text(client.get("/en/"))


def test_acting_that_has_ended_shows_the_own_home_again(publish):
    publish([entry("a")])
    hanako = cast.hanako()
    ward, by = child_of(hanako)
    client = cast.sign_in(browser(), hanako)
    act_for(client, ward)
    row = authority.wards(hanako.id, timezone.now())[0]
    guardianships.end(guardianship_id=row.id, by=by)
    response = client.get("/")
    assert response.status_code == 200
    assert "acting-bar" not in text(response)
    assert 'id="guest"' not in text(response)
