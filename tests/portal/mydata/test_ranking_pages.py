"""What moves my order, and less of a topic: asked where it was not asked, shown at once, taken back."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from identity import actions, queries
from identity.domain.consent import PURPOSE_RANKING, RANKING_ITEMS, RECOMMENDER, Notice
from identity.domain.roles import Actor
from identity.models import AccessLog, ConsentReceipt, Resident
from portal.home.feedback import dismissals
from portal.home.index import content_index as catalogues
from recommender.domain.weights import Weights
from tests import cast
from tests.portal.home.samples import NOW, catalogue, entry

SignIn = Callable[[Resident], Client]
EARLIER = tuple(one for one in RANKING_ITEMS if one not in {"avoids", "area.followed"})
URL, LESS, UNDO, ALLOW = (f"/my-data/ranking/{name}" for name in ("", "less/", "undo/", "allow/"))
LEARNT = {
    "attribute:age_band": {"35-44|sports": 0.47, "35-44|music": -0.69},
    "topic": {"music": 0.34, "transport": 0.01, "sports": 0.5},
    "provider": {"バスのN社": -0.36},
}


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
    """Two concerts, the newest of all, and nine others."""
    time_machine.move_to(NOW, tick=False)
    entries = [
        entry("concert", title="音楽会", topics=("music",), age=timedelta(minutes=1)),
        entry("festival", title="おまつり", topics=("music", "festival"), age=timedelta(minutes=2)),
        entry("near", title="仏生山の工事", places=("busshozan",), topics=("transport",), age=timedelta(hours=9)),
        entry("far", title="屋島の工事", places=("yashima",), age=timedelta(minutes=3)),
        entry("family", title="親子の日", audience={"household.has_child": [True]}, age=timedelta(hours=5)),
        entry("bus", provider="バスのN社", age=timedelta(hours=8)),
        *[entry(f"n{number}", age=timedelta(hours=number)) for number in range(1, 7)],
        entry("urgent", kind="alert", title="大雨の警報", topics=("music",), urgent=True, level=3),
    ]  # fmt: skip
    made = catalogue(entries, version=catalogues.versions())
    monkeypatch.setattr(catalogues, "_held", made)


def learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same entries under weights that were learnt."""
    held = catalogues.held()
    assert held is not None
    made = catalogue(held.entries, version=held.version, weights=Weights(learnt=LEARNT))
    monkeypatch.setattr(catalogues, "_held", made)


def holds(resident: Resident) -> queries.Bundle:
    bundle = queries.bundle(resident.id)
    assert bundle is not None
    return bundle


def early() -> Resident:
    """Somebody who said yes to the order when it knew fewer things."""
    resident = cast.newcomer()
    by = Actor(id=resident.id)
    actions.set_attributes(resident_id=resident.id, values={"interests": ["music", "food"]}, by=by)
    actions.grant(
        resident_id=resident.id, recipient=RECOMMENDER, purpose=PURPOSE_RANKING, items=EARLIER, declared=RANKING_ITEMS,
        level="none", notice=Notice("ja", "前のお願い"), controller="くらしの窓口", by=by,
    )  # fmt: skip
    return resident


def rows(html: str) -> dict[str, list[list[str]]]:
    """The tables of the page by caption."""
    found = {}
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        caption = re.sub(r"<a .*?</a>", "", re.findall(r"<caption[^>]*>(.*?)</caption>", table, re.DOTALL)[0])
        lines = re.findall(r"<tr>(.*?)</tr>", table.split("<tbody>")[1], re.DOTALL)
        found[caption.strip()] = [
            [
                re.sub(r"<[^>]*>", "", cell).strip()
                for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", line, re.DOTALL)
            ]
            for line in lines
        ]
    return found


def of_form(html: str) -> str:
    """The hash of the text that a form on the page answers."""
    return str(re.findall(r'name="shown" value="(\w+)"', html)[0])


def of_home(client: Client) -> list[str]:
    zone = client.get("/").content.decode().split('aria-labelledby="zone-for-you"')[1].split("</section>")[0]
    return re.findall(r'<h3 class="entry__title"><a [^>]*>([^<]*)</a>', zone)


# --- the page of all weights ----------------------------------------------------------------------------------


def test_each_weight_stands_with_its_factor_and_its_ground(
    hanako: Resident, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt(monkeypatch)
    # A topic is on the page only where something published has it.
    html = signed_in(hanako).get(URL).content.decode()
    told = rows(html)
    assert ["話題が「音楽」の項目（年代: 35～44歳）", "0.5倍 下がる", "利用の記録（20人以上）"] in told[
        "年代: 35～44歳"
    ]
    assert told["お住まいの地区: 仏生山"][0] == ["「仏生山」の項目", "2.0倍 上がる", "市の担当者の見込み"]
    assert ["ほかの地区だけの項目", "0.5倍 下がる", "市の担当者の見込み"] in told["お住まいの地区: 仏生山"]
    assert ["話題が「音楽」の項目", "2.0倍 上がる", "市の担当者の見込み"] in told[
        "関心のある話題: 子育て、音楽"
    ]
    assert '<a href="/my-data/attributes/#age_band">変更' in html
    assert ["お知らせ", "1.0倍", "7日", "0.5倍"] in told["種類と新しさ"]
    assert told["話題と提供者"] == [
        ["話題が「音楽」の項目", "1.4倍 上がる", "利用の記録（20人以上）"],
        ["提供者が「バスのN社」の項目", "0.7倍 下がる", "利用の記録（20人以上）"],
    ]
    assert "急ぎのお知らせは、この順番と関係なく、全員のいちばん上に出ます。" in html


@pytest.mark.parametrize("prefix", ["", "/en", "/ja-simple"])
def test_the_page_is_there_in_each_language(hanako: Resident, signed_in: SignIn, prefix: str) -> None:
    page = signed_in(hanako).get(f"{prefix}{URL}")
    assert page.status_code == 200
    assert f'href="{prefix}/my-data/attributes/#area-district"' in page.content.decode()


def test_before_a_yes_it_says_what_would_be_used_and_nothing_is_noted(
    signed_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    newcomer = cast.newcomer()
    actions.set_attributes(
        resident_id=newcomer.id,
        values={"age_band": "75+", "access_needs": ["visual"]},
        by=Actor(id=newcomer.id),
    )
    client = signed_in(newcomer)
    client.get(URL)
    with django_assert_max_num_queries(4):
        html = client.get(URL).content.decode()
    assert "いま: 新しい順です。" in html
    assert "見るだけでは、何も使われず、何も残りません。" in html
    assert "「利用の配慮」は順番には使いません。" in html
    assert "ranking/allow" not in html
    assert not ConsentReceipt.objects.exists()
    assert not AccessLog.objects.exists()


def test_a_guest_reads_how_the_order_comes_about_from_choices_only() -> None:
    client = cast.portal_client()
    page = client.get(URL)
    assert page["Cache-Control"] == "private, no-store"
    assert "順番を決めている主なこと" in page.content.decode()
    assert "いま、あなたについて順番に効いているものはありません。" in page.content.decode()
    client.cookies[settings.GUEST_COOKIE_NAME] = "1.busshozan.music"
    html = client.get(URL).content.decode()
    assert ["「仏生山」の項目", "2.0倍 上がる", "市の担当者の見込み"] in rows(html)["お住まいの地区: 仏生山"]
    assert "age_band" not in html
    assert 'href="/#guest"' in html
    assert "/my-data/attributes/" not in html


def test_both_orders_say_what_moved_and_why(hanako: Resident, signed_in: SignIn) -> None:
    html = signed_in(hanako).get(URL).content.decode()
    mine, newest = html.split('id="mine-title"')[1].split('id="newest-title"')
    assert "新しい順では2番目" in mine
    far = newest.split("屋島の工事")[1].split("</li>")[0]
    assert re.search(r"おすすめ順では\d+番目", far)
    assert "ほかの地区のお知らせ" in far


def test_what_was_put_away_is_not_in_my_order_and_is_said_to_be_beside_it(
    hanako: Resident, signed_in: SignIn
) -> None:
    client = signed_in(hanako)
    dismissals.hide(subject=queries.ranking_subject(hanako.id), item_id="concert")
    mine, newest = client.get(URL).content.decode().split('id="mine-title"')[1].split('id="newest-title"')
    assert "音楽会" not in mine
    assert "おすすめから外した項目" in newest.split("音楽会")[1].split("</li>")[0]
    client.post(LESS, {"topic": "music"})
    assert "音楽会" not in client.get(LESS, {"topic": "music"}).content.decode()


# --- less of a topic -----------------------------------------------------------------------------------------


def test_the_home_offers_less_of_each_topic_of_an_entry(hanako: Resident, signed_in: SignIn) -> None:
    html = signed_in(hanako).get("/").content.decode()
    festival = html.split("おまつり</a>")[1].split("</article>")[0]
    assert re.findall(r'name="topic" value="(\w+)"', festival) == ["music", "festival"]
    assert 'action="/my-data/ranking/less/"' in festival
    assert festival.index("entry__why") < festival.index("ranking/less")
    assert 'name="topic"' not in cast.portal_client().get("/").content.decode()


def test_less_lowers_the_topic_shows_what_moved_and_is_taken_back(
    hanako: Resident, signed_in: SignIn
) -> None:
    client = signed_in(hanako)
    before = of_home(client)
    assert "音楽会" in before[:3]
    response = client.post(LESS, {"topic": "music"})
    assert response["Location"] == f"{LESS}?topic=music&was=1"
    bundle = holds(hanako)
    assert (bundle.released["avoids"], bundle.released["interests"]) == (("music",), ("childcare",))
    html = client.get(response["Location"]).content.decode()
    moved, rest = html.split('id="moved-title"')[1].split('id="after-title"')
    told = dict(re.findall(r"<li><span>([^<]*)</span>: ([^<]*)</li>", moved))
    assert set(told) == {"音楽会", "おまつり"}
    assert re.fullmatch(r"前は\d+番目、いまは(\d+番目|\d+番目までに入りません)", told["音楽会"])
    now, earlier = rest.split('id="before-title"')
    titles = re.findall(r'<p class="entry__title">([^<]*)</p>', now)
    # The fifth place of a home is now and then for something that is rarely seen.
    assert titles[:4] == of_home(client)[:4]
    assert "音楽会" not in titles[:3]
    concert = earlier.split("音楽会")[1].split("</li>")[0]
    assert re.search(r"いまは\d+番目", concert)
    assert "減らしたい話題: 音楽" in concert
    assert "前は" in now
    # What is urgent stands where it stood.
    assert "大雨の警報" in client.get("/").content.decode()
    # The button is no more; the way back is on this page, on the page of weights and among the attributes.
    assert 'value="music"' not in client.get("/").content.decode().split('id="zone-for-you"')[1]
    assert 'value="music" id="field-avoids_11" checked' in client.get("/my-data/attributes/").content.decode()
    assert "減らすのをやめる" in client.get(URL).content.decode()
    assert ["話題が「音楽」の項目", "0.4倍 下がる", "市の担当者の見込み"] in rows(
        client.get(URL).content.decode()
    )["減らしたい話題: 音楽"]
    undone = client.post(UNDO, {"topic": "music", "was": "1"}, follow=True)
    assert "「音楽」を減らすのをやめました。" in undone.content.decode()
    assert "avoids" not in holds(hanako).attributes
    assert holds(hanako).attributes["interests"] == ("childcare", "music")
    assert of_home(client)[:4] == before[:4]
    assert "「選んだテーマ」に入っていません" not in undone.content.decode()


@pytest.mark.usefixtures("published")
def test_undone_later_it_says_that_the_topic_is_no_longer_chosen(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    assert "music" in holds(hanako).attributes["interests"]  # type: ignore[operator]
    client.post(LESS, {"topic": "music"})
    undone = client.post(UNDO, {"topic": "music"}, follow=True)
    assert "「音楽」は、いま「選んだテーマ」に入っていません。" in undone.content.decode()
    assert "music" not in holds(hanako).attributes["interests"]  # type: ignore[operator]


def test_whoever_said_yes_earlier_is_asked_about_this_one_thing(signed_in: SignIn) -> None:
    resident = early()
    client = signed_in(resident)
    question = client.post(LESS, {"topic": "music"})
    assert question.status_code == 200
    assert "avoids" not in holds(resident).attributes
    shown = of_form(question.content.decode())
    assert "減らしたい話題" in question.content.decode()
    stale = client.post(LESS, {"topic": "music", "shown": "0" * 64})
    assert stale.status_code == 409
    assert "まだ何も記録していません" in stale.content.decode()
    assert "avoids" not in holds(resident).attributes
    assert client.post(LESS, {"topic": "music", "shown": shown}).status_code == 302
    assert holds(resident).released["avoids"] == ("music",)
    receipts = ConsentReceipt.objects.select_related("notice")
    (receipt,) = [one for one in receipts if one.items == ["avoids"]]
    assert (receipt.recipient, receipt.purpose, receipt.method) == ("recommender", "ranking", "form")
    assert receipt.notice is not None
    assert receipt.notice.sha256 == shown
    assert "減らしたい話題" in receipt.notice.text
    # From now on it is not asked again, not even after it was taken back.
    client.post(UNDO, {"topic": "music"})
    assert client.post(LESS, {"topic": "food"}).status_code == 302


def test_what_was_never_asked_moves_nothing_until_it_is(signed_in: SignIn) -> None:
    resident = early()
    client = signed_in(resident)
    before = of_home(client)
    by = Actor(id=resident.id)
    actions.set_attributes(
        resident_id=resident.id, values={"avoids": ["music"], "interests": ["food"]}, by=by
    )
    assert "avoids" not in holds(resident).released
    page = client.get(URL)
    html = page.content.decode()
    assert "<li>減らしたい話題</li>\n<li>気になる地区</li>" in html
    assert client.post(ALLOW, {"shown": "0" * 64}).status_code == 409
    assert client.post(ALLOW, {"shown": of_form(html)}).status_code == 302
    assert holds(resident).released["avoids"] == ("music",)
    assert of_home(client) != before
    assert "ranking/allow" not in client.get(URL).content.decode()
    assert client.post(ALLOW)["Location"] == URL


def test_a_topic_that_is_not_on_the_list_says_so(hanako: Resident, signed_in: SignIn) -> None:
    page = signed_in(hanako).post(LESS, {"topic": "waste"}, follow=True)
    assert page.redirect_chain[-1][0] == f"{LESS}?topic=waste"
    assert "いまの一覧には、この話題の項目はありませんでした。" in page.content.decode()


def test_without_the_personalised_order_there_is_nothing_to_lower(signed_in: SignIn) -> None:
    newcomer = cast.newcomer()
    client = signed_in(newcomer)
    assert "ranking/less" not in client.get("/").content.decode()
    page = client.post(LESS, {"topic": "music"}, follow=True)
    assert "おすすめの並べかえを使っているときだけです" in page.content.decode()
    assert holds(newcomer).attributes == {}


def test_a_topic_that_does_not_exist_is_told_and_changes_nothing(hanako: Resident, signed_in: SignIn) -> None:
    client, before = signed_in(hanako), holds(hanako).attributes
    for sent in ({"topic": "knitting"}, {}):
        answer = client.post(LESS, sent)
        assert answer.status_code == 400
        assert "その話題はありません。" in answer.content.decode()
    assert client.post(UNDO, {"topic": "knitting"})["Location"] == URL
    # The page of an effect that is no more leads to the weights.
    assert client.get(LESS, {"topic": "music"})["Location"] == URL
    assert holds(hanako).attributes == before


def test_the_writes_take_a_session_and_a_form() -> None:
    client = cast.portal_client()
    for url in (LESS, UNDO, ALLOW):
        assert client.post(url, {"topic": "music"}).status_code in {302, 403}
    assert client.get(UNDO).status_code == 405
    assert client.get(LESS)["Location"].startswith("/sign-in/")
