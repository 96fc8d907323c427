"""Pages as readers see them: three languages, for whom, until when, and a gadget's card inside."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from demo import samples
from examples.waste.provider import build as build_waste
from gadgets import queries as gadget_queries
from gadgets.cards import fetch
from gadgets.types import StoredCard
from identity import actions as identity_actions
from identity import queries as identity_queries
from portal.content import queries
from portal.content.models import HomePage, NewsPage
from portal.content.pages import listing
from portal.home.page import formats
from tests import cast
from tests.gadgets import life
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db


def real_now() -> datetime:
    """The machine's own time: tokens live for a minute, and the provider runs on the same clock."""
    return datetime.fromtimestamp(time_machine.escape_hatch.time.time(), UTC)


@pytest.fixture(autouse=True)
def at_now(now: datetime) -> Any:
    """The reader's clock stands at the fixed time."""
    with time_machine.travel(now, tick=False):
        yield


def test_a_page_in_three_languages_falls_back_to_japanese(client: Client, now: datetime) -> None:
    publish(
        "news",
        "one",
        now=now,
        title="断水のお知らせ",
        title_en="No water",
        summary="夜の間",
        body=[("notice", {"level": "info", "text": "くみ置き"})],
    )
    assert "断水のお知らせ" in client.get("/news/one/").content.decode()
    english = client.get("/en/news/one/").content.decode()
    assert "<h1>No water</h1>" in english
    assert "夜の間" in english
    assert "くみ置き" in english
    simple = client.get("/ja-simple/news/one/").content.decode()
    assert "断水のお知らせ" in simple
    assert '<html lang="ja"' in simple


def test_a_page_says_for_whom_it_is(client: Client, now: datetime) -> None:
    publish("news", "one", now=now, audience={"area.district": ["busshozan"], "household.has_child": [True]})
    publish("news", "two", now=now)
    html = client.get("/news/one/").content.decode()
    assert "対象:" in html
    assert "お住まいの地区: 仏生山" in html
    assert "District: Busshozan" in client.get("/en/news/one/").content.decode()
    assert "対象:" not in client.get("/news/two/").content.decode()


def test_what_falls_back_to_japanese_says_so_to_a_screen_reader(client: Client, now: datetime) -> None:
    body = [("paragraph", "<p>本文</p>"), ("gadget", {"gadget": "localhost.none.such", "size": "M"})]
    publish("news", "one", now=now, title="題", summary="要約", body=body)
    both = {"title_en": "Title", "summary_en": "Summary", "body_en": [("paragraph", "<p>Text</p>")]}
    publish("news", "two", now=now, title="題", summary="要約", body=body, **both)
    publish("alert", "three", now=now, title="題", title_en="Warning", what_to_do="逃げる")
    page = client.get("/en/news/one/").content.decode()
    for told in ('<h1 lang="ja">題</h1>', '<p lang="ja">要約</p>', '<li aria-current="page" lang="ja">題'):
        assert told in page
    assert re.search(r'<div class="stack" lang="ja">\s*<p>本文</p>', page)
    assert page.count('class="stack" lang="ja"') == 1  # a card has words of its own
    assert '<p lang="ja">要約</p>' in client.get("/en/news/").content.decode()
    assert 'lang="ja">逃げる' in client.get("/en/alerts/three/").content.decode()
    for address in ("/en/news/two/", "/news/one/", "/ja-simple/news/one/"):
        main = client.get(address).content.decode().split("<main")[1].split("</main>")[0]
        assert "lang=" not in main


def test_rich_text_is_drawn_and_markup_in_plain_fields_is_not(client: Client, now: datetime) -> None:
    publish(
        "news",
        "one",
        now=now,
        title="<b>題</b>",
        summary="<script>x</script>",
        body=[("paragraph", "<p><b>太字</b></p>")],
    )
    html = client.get("/news/one/").content.decode()
    assert "<b>太字</b>" in html
    assert "<b>題</b>" not in html
    assert "<script>x" not in html


def test_a_page_that_has_ended_is_gone(client: Client, now: datetime) -> None:
    publish("news", "one", now=now, expire_at=now + timedelta(hours=1))
    publish("alert", "two", now=now, valid_until=now + timedelta(hours=1))
    assert client.get("/news/one/").status_code == 200
    assert client.get("/alerts/two/").status_code == 200
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        assert client.get("/news/one/").status_code == 410
        missing = client.get("/alerts/two/")
    assert missing.status_code == 410
    assert "掲載の期間が終わりました" in missing.content.decode()


def test_an_event_shows_when_where_and_its_source(client: Client, now: datetime) -> None:
    publish(
        "event", "concert", now=now, title="音楽会", starts_time=time(10), place_name="会館", fee="500円", organiser="合唱団",
        attribution="高松市オープンデータ（CC BY 4.0）を加工", source_url="https://example.jp/data",
    )  # fmt: skip
    html = client.get("/events/concert/").content.decode()
    for told in ("10:00", "会館", "500円", "合唱団", "高松市オープンデータ（CC BY 4.0）を加工"):
        assert told in html


def test_the_days_of_one_event_stand_on_its_list_once(client: Client, now: datetime) -> None:
    today = timezone.localdate(now)
    for number in range(9):
        day = today + timedelta(days=number)
        publish(
            "event",
            f"market{number}",
            now=now,
            title="朝市",
            starts_on=day,
            ends_time=time(23, 0),
            place_name="港",
        )
    publish("event", "elsewhere", now=now, title="朝市", starts_on=today, place_name="駅前")
    html = client.get("/events/").content.decode()
    assert "/events/market0/" in html
    assert "/events/elsewhere/" in html
    assert "/events/market1/" not in html
    assert f"ほかに8回（{formats.day(today + timedelta(days=8), 'ja')}まで）" in html
    english = client.get("/en/events/").content.decode()
    assert f"8 more, the last on {formats.day(today + timedelta(days=8), 'en')}" in english
    # Its own page leads to the others: six stand open.
    page = client.get("/events/market1/").content.decode()
    assert [number for number in range(9) if f'href="/events/market{number}/"' in page] == [
        0,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
    ]
    assert "ほかの2件" in page
    assert "ほかの日" not in client.get("/events/elsewhere/").content.decode()


def test_a_day_of_an_event_that_is_over_gives_way_to_the_next(client: Client, now: datetime) -> None:
    local = timezone.localtime(now)
    over = (local - timedelta(minutes=1)).time()
    for number in range(2):
        day = local.date() + timedelta(days=number)
        publish("event", f"market{number}", now=now, title="朝市", starts_on=day, ends_time=over)
    html = client.get("/events/").content.decode()
    assert "/events/market0/" not in html
    assert "/events/market1/" in html
    assert "ほかに" not in html
    assert 'href="/events/market1/"' in client.get("/events/market0/").content.decode()


def test_an_alert_says_what_to_do(client: Client, now: datetime) -> None:
    publish(
        "alert",
        "rain",
        now=now,
        level=4,
        urgent=True,
        what_to_do="全員避難",
        what_to_do_en="Leave now",
        valid_until=now + timedelta(hours=5),
    )
    assert "全員避難" in client.get("/alerts/rain/").content.decode()
    assert "Leave now" in client.get("/en/alerts/rain/").content.decode()


def test_a_service_leads_to_its_procedure(client: Client, now: datetime) -> None:
    publish("service", "moving", now=now, action_url="https://example.jp/move", action_label="届け出る")
    publish("service", "other", now=now, action_url="https://example.jp/other")
    assert 'href="https://example.jp/move"' in client.get("/services/moving/").content.decode()
    assert "手続きのページへ" in client.get("/services/other/").content.decode()


@pytest.mark.parametrize(
    ("address", "kind"),
    [("/news/", "news"), ("/events/", "event"), ("/alerts/", "alert"), ("/services/", "service")],
)
def test_lists_show_what_holds_now(client: Client, now: datetime, address: str, kind: str) -> None:
    publish(kind, "stands", now=now, title="載っている")
    ended = publish(kind, "ended", now=now, title="終わった")
    type(ended).objects.filter(pk=ended.pk).update(expire_at=now)
    html = client.get(address).content.decode()
    assert "載っている" in html
    assert "終わった" not in html


def test_an_empty_list_says_so_and_a_long_one_has_pages(
    client: Client, now: datetime, monkeypatch: Any
) -> None:
    monkeypatch.setattr(listing, "PER_PAGE", 3)
    assert "いま掲載しているものはありません" in client.get("/news/").content.decode()
    for number in range(4):
        publish("news", f"n{number}", now=now, title=f"記事{number:02}番")
    first, second = (client.get(f"/news/?page={number}").content.decode() for number in (1, 2))
    assert (first.count("記事"), second.count("記事")) == (3, 1)
    assert "次のページ" in first
    assert client.get("/news/?page=x").status_code == 200


def test_a_list_costs_the_same_however_long_it_is(
    client: Client, now: datetime, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        publish("news", f"n{number}", now=now)
    with django_assert_max_num_queries(10):
        client.get("/news/")


def test_only_a_guests_page_may_be_kept_by_a_cache(client: Client, now: datetime) -> None:
    publish("news", "one", now=now)
    assert client.get("/news/one/").headers["Cache-Control"] == "public, max-age=0, s-maxage=5"
    cast.sign_in(client, cast.hanako())
    response = client.get("/news/one/")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in response.headers["Vary"]


def test_no_page_carries_wagtails_bar_for_editors(client: Client, now: datetime) -> None:
    publish("news", "one", now=now)
    cast.sign_in(client, cast.editor())
    assert "wagtail-userbar" not in client.get("/news/one/").content.decode()


def test_the_home_page_of_the_tree_is_the_home(client: Client) -> None:
    home = HomePage.objects.get()
    assert home.get_url() == "/"
    from django.test import RequestFactory

    request = RequestFactory().get("/", HTTP_HOST="localhost")
    request.session = {}  # type: ignore[assignment]
    assert home.serve(request).status_code == 200


def test_a_gadget_that_is_not_published_leaves_no_gap(client: Client, now: datetime) -> None:
    publish(
        "service", "waste", now=now, body=[("gadget", {"gadget": "localhost.waste.calendar", "size": "M"})]
    )
    response = client.get("/services/waste/")
    assert response.status_code == 200
    assert "data-gadget" not in response.content.decode()


def test_every_sample_page_can_be_read_in_every_language(client: Client, now: datetime) -> None:
    assert samples.make_samples(now=now) == 36
    assert samples.make_samples(now=now) == 0
    for page in NewsPage.objects.live():
        assert {"ja", "en", "ja-simple"} == set(page.texts("title"))
        assert page.sample
    for item in queries.items(now):
        for prefix in ("", "/en", "/ja-simple"):
            assert client.get(f"{prefix}{item.path}").status_code == 200, item.path
    assert "見本" in client.get("/news/battery-waste/").content.decode()


# --- a gadget inside a page ----------------------------------------------------------------------------------


@pytest.fixture
def waste(django_capture_on_commit_callbacks: Any) -> Iterator[str]:
    """The real waste provider on a port, its gadget published; the gadget's id."""
    with time_machine.travel(real_now(), tick=True), life.example(build_waste, "waste") as provider:
        yield life.publish(provider.config.url("/gadget.json"), django_capture_on_commit_callbacks)


def test_the_waste_page_shows_the_waste_card(client: Client, waste: str) -> None:
    publish("service", "waste", now=timezone.now(), body=[("gadget", {"gadget": waste, "size": "M"})])
    first = client.get("/services/waste/").content.decode()
    assert 'data-card="missing"' in first
    assert f'href="/gadgets/{waste}/"' in first
    assert "data-failed hidden>いまは内容を取得できません。" in first
    assert first.count("取得できません") == 1
    gadget = gadget_queries.registry().gadgets[waste]
    wanted = fetch.wanted_for(gadget, bundle=None, locale="ja", size="M", settings={})
    card = fetch.refresh(wanted)
    assert isinstance(card, StoredCard), card
    second = client.get("/services/waste/").content.decode()
    assert card.html in second
    assert "data-card" not in second
    assert "最新" in second


def test_a_residents_card_stands_on_no_guests_page(client: Client, waste: str) -> None:
    publish("service", "waste", now=timezone.now(), body=[("gadget", {"gadget": waste, "size": "M"})])
    hanako = cast.hanako()
    identity_actions.grant(
        resident_id=hanako.id, recipient=waste, purpose="card", items=["area.waste_zone"],
        declared=["area.waste_zone"], level="audience", notice=cast.NOTICE, controller="窓口", by=cast.as_actor(hanako),
    )  # fmt: skip
    gadget = gadget_queries.registry().gadgets[waste]
    bundle = identity_queries.bundle(hanako.id)
    own = fetch.refresh(fetch.wanted_for(gadget, bundle=bundle, locale="ja", size="M", settings={}))
    assert isinstance(own, StoredCard), own
    assert own.html not in client.get("/services/waste/").content.decode()
    cast.sign_in(client, hanako)
    assert own.html in client.get("/services/waste/").content.decode()
