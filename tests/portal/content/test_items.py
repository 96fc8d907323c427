"""Items of the published pages: what they say, when they leave, and how few queries they cost."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from core import versions
from portal.content import actions, queries
from portal.content.models import EventPage, HomePage, IndexPage, NewsPage
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db


def test_a_page_as_an_item(now: datetime) -> None:
    page = publish(
        "news",
        "playroom",
        now=now,
        title="ひろば",
        title_en="Playroom",
        summary="要約",
        topics=["childcare"],
        audience={"area.district": ["busshozan"], "household.has_child": [True]},
        districts=["ota"],
        department="こども家庭課",
    )
    (item,) = queries.items(now)
    assert (item.id, item.kind, item.path) == (f"p{page.pk}", "news", "/news/playroom/")
    assert item.title == {"ja": "ひろば", "en": "Playroom"}
    assert item.summary == {"ja": "要約"}
    assert set(item.places) == {"ota", "busshozan"}
    assert item.audience.to_json() == {"area.district": ["busshozan"], "household.has_child": [True]}
    assert (item.provider, item.published_at, item.expires_at) == ("", now, None)


def test_an_event_has_its_times_and_an_alert_its_level(now: datetime) -> None:
    publish(
        "event",
        "concert",
        now=now,
        starts_time=time(10),
        ends_time=time(12),
        place_name="会館",
        organiser="合唱団",
    )
    publish(
        "alert",
        "rain",
        now=now,
        level=4,
        urgent=True,
        valid_until=now + timedelta(hours=3),
        what_to_do="逃げる",
    )
    event, alert = queries.items(now)
    assert (event.starts_at.hour, event.ends_at.hour, event.all_day) == (10, 12, False)  # type: ignore[union-attr]
    assert (event.place_name, event.provider, event.expires_at) == ("会館", "合唱団", event.ends_at)
    assert (alert.urgent, alert.level, alert.expires_at) == (True, 4, now + timedelta(hours=3))
    assert alert.what_to_do == {"ja": "逃げる"}


def test_days_with_the_same_title_place_organiser_and_audience_are_of_one_event(now: datetime) -> None:
    same = {
        "title": "朝市",
        "place_name": "港",
        "organiser": "組合",
        "audience": {"area.district": ["yashima"]},
    }
    publish("event", "one", now=now, summary="今日", **same)
    publish("event", "two", now=now, summary="明日", **same)
    others = [("title", "夕市"), ("place_name", "駅前"), ("organiser", "市"), ("audience", {})]
    for number, (field, value) in enumerate(others):
        publish("event", f"other{number}", now=now, **{**same, field: value})
    publish("news", "news", now=now, title="朝市")
    found = {item.path: item.series for item in queries.items(now)}
    assert found["/events/one/"] == found["/events/two/"] != ()
    assert len({found[f"/events/other{number}/"] for number in range(4)} | {found["/events/one/"]}) == 5
    assert found["/news/news/"] == ()


@pytest.mark.parametrize(
    ("organiser", "department", "provider"),
    [
        ("香川県県産品振興課", "", "香川県県産品振興課"),
        ("香 川県県産品\u3000振興課 ", "", "香川県県産品振興課"),
        ("MUSIC  BLUE 実行委員会", "観光課", "MUSIC BLUE 実行委員会"),
        ("", "観光課", ""),
        (" 観光課", "観光課", ""),
        ("", "", ""),
    ],
)
def test_only_an_organiser_is_a_provider_and_by_one_name(
    now: datetime, organiser: str, department: str, provider: str
) -> None:
    publish("event", "fair", now=now, organiser=organiser, department=department)
    (event,) = queries.items(now)
    assert event.provider == provider


def test_the_number_of_queries_does_not_grow_with_the_number_of_pages(
    now: datetime, django_assert_num_queries: Any
) -> None:
    for kind in ("news", "service", "event", "alert"):
        publish(kind, f"{kind}-0", now=now)
    with django_assert_num_queries(5):
        assert len(queries.items(now)) == 4
    for number in range(1, 15):
        for kind in ("news", "service", "event", "alert"):
            publish(kind, f"{kind}-{number}", now=now)
    with django_assert_num_queries(5):
        assert len(queries.items(now)) == 60


def test_an_unpublished_page_is_gone_and_raises_the_version(now: datetime) -> None:
    page = publish("news", "short", now=now)
    before = versions.read(queries.VERSION_KEY)
    page.unpublish()
    assert queries.items(now) == ()
    assert versions.read(queries.VERSION_KEY) > before


def test_a_page_is_gone_when_it_ends(now: datetime) -> None:
    publish("news", "until-noon", now=now, expire_at=now + timedelta(hours=3))
    publish("alert", "until-ten", now=now, valid_until=now + timedelta(hours=1))
    assert len(queries.items(now)) == 2
    assert [item.path for item in queries.items(now + timedelta(hours=1))] == ["/news/until-noon/"]
    assert queries.items(now + timedelta(hours=3)) == ()


@pytest.mark.parametrize("change", ["publish", "delete", "move", "slug"])
def test_every_change_of_what_is_published_raises_the_version(now: datetime, change: str) -> None:
    page = publish("news", "one", now=now)
    before = versions.read(queries.VERSION_KEY)
    if change == "publish":
        page.save_revision().publish()
    elif change == "delete":
        page.delete()
    elif change == "move":
        page.move(IndexPage.objects.get(lists="service"), pos="last-child")
    else:
        page.slug = "two"
        page.save_revision().publish()
    assert versions.read(queries.VERSION_KEY) > before


@pytest.mark.django_db(transaction=True)
def test_the_version_reaches_other_readers_once_it_is_committed(now: datetime) -> None:
    first = queries.version()
    publish("news", "one", now=now)
    assert cache.get(queries.VERSION_KEY) == queries.version() > first


def test_the_version_costs_a_query_only_when_the_cache_does_not_know_it(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(1):
        number = queries.version()
    with django_assert_num_queries(0):
        assert queries.version() == number


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_tells_nobody(now: datetime) -> None:
    from django.db import transaction

    before = queries.version()
    with pytest.raises(RuntimeError), transaction.atomic():
        actions.bump()
        raise RuntimeError
    cache.clear()
    assert queries.version() == before


def test_the_layout_holds_zones_slots_and_headings() -> None:
    home = HomePage.objects.get()
    home.zones = [
        (
            "gadgets",
            {
                "title": "カード",
                "slots": [{"gadget": "localhost.waste.calendar", "size": "M", "locked": True}],
            },
        ),
        ("news", {"title_en": "Latest"}),
    ]
    home.save_revision().publish()
    layout = queries.home_layout()
    assert layout.zones == ("gadgets", "news")
    assert [(slot.gadget_id, slot.size, slot.locked) for slot in layout.slots] == [
        ("localhost.waste.calendar", "M", True)
    ]
    assert layout.titles["gadgets"] == {"ja": "カード"}
    assert layout.titles["news"]["en"] == "Latest"
    assert layout.titles["news"]["ja"] == "お知らせ"
    assert layout.titles["home"]["ja"] == home.title


def test_default_slots_are_set_once_and_only_by_an_operator() -> None:
    from gadgets.layout.layout import Slot
    from identity.domain.roles import SYSTEM, Actor
    from portal.content.errors import NotAllowed

    with pytest.raises(NotAllowed):
        actions.set_default_slots(slots=[Slot("a.b")], by=Actor(id=None))
    assert actions.set_default_slots(slots=[Slot("a.b.one", "M", locked=True)], by=SYSTEM)
    assert not actions.set_default_slots(slots=[Slot("a.b.two")], by=SYSTEM)
    assert [slot.gadget_id for slot in queries.home_layout().slots] == ["a.b.one"]


def test_without_a_home_page_the_usual_zones_hold() -> None:
    HomePage.objects.get().delete()
    assert queries.home_layout().zones == ("for_you", "gadgets", "events", "news")
    assert queries.items() == ()


def test_fixed_pages_are_made_once(client: Client) -> None:
    count = IndexPage.objects.count()
    actions.ensure_site()
    assert (IndexPage.objects.count(), HomePage.objects.count(), count) == (4, 1, 4)


@pytest.mark.parametrize(
    ("audience", "words"),
    [
        ([], "属性と値"),
        ({"area.district": []}, "値を一つ以上"),
        ({"area.district": ["atlantis"]}, "atlantis"),
        ({"shoe_size": ["42"]}, "shoe_size"),
        ({"access_needs": ["wheelchair"]}, "access_needs"),
    ],
)
def test_an_audience_outside_of_the_vocabulary_is_refused(audience: Any, words: str) -> None:
    page = NewsPage(title="題", slug="s", audience=audience)
    with pytest.raises(ValidationError) as caught:
        page.full_clean(exclude=["path", "depth"])
    assert words in " ".join(caught.value.message_dict["audience"])


def test_a_page_whose_audience_left_the_vocabulary_is_left_out_and_harms_no_other(
    now: datetime, caplog: Any
) -> None:
    old = publish("news", "old", now=now)
    publish("news", "good", now=now)
    NewsPage.objects.filter(pk=old.pk).update(audience={"area.district": ["atlantis"]})
    assert [item.path for item in queries.items(now)] == ["/news/good/"]
    assert f"page {old.pk} left out" in caplog.text


@pytest.mark.parametrize("field", ["topics", "districts"])
@pytest.mark.parametrize("value", [["nothing"], "childcare", {"a": 1}])
def test_codes_outside_of_the_vocabulary_are_refused(field: str, value: Any) -> None:
    page = NewsPage(title="題", slug="s", **{field: value})
    with pytest.raises(ValidationError) as caught:
        page.full_clean(exclude=["path", "depth"])
    assert field in caught.value.message_dict


def test_an_event_cannot_end_before_it_begins() -> None:
    page = EventPage(title="題", slug="s", starts_on=date(2026, 10, 2), ends_on=date(2026, 10, 1))
    with pytest.raises(ValidationError, match="開始日より前"):
        page.clean()
