"""The place for what is new on the home: every second visit, labelled, with its reason; never for guests."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from core.jobs import Job
from portal.home.feedback import exploration
from portal.home.feedback.exploration import SITTING_SECONDS, keep_floor, sitting
from portal.home.page.compose import SHOWN
from portal.home.tasks import JOBS
from recommender import queries
from recommender.metrics import counts
from tests import cast
from tests.portal.home.conftest import browser
from tests.portal.home.samples import NOW, entry

pytestmark = pytest.mark.django_db

LABELS = {
    "/": "まだあまり見られていない項目",
    "/en/": "something new that few people have seen",
    "/ja-simple/": "まだ あまり みられて いない",
}
ORDER = re.compile(r'class="entry__title"[^>]*><a href="[^"]*/(\w+)/"')


def many():
    old = [entry(f"old{n:02}", kind="notice", age=timedelta(days=3, hours=n)) for n in range(12)]
    return [*old, *(entry(f"fresh{n}", kind="gadget", age=timedelta(hours=n + 1)) for n in range(3))]


def signed_in(**options):
    return cast.sign_in(browser(), cast.hanako(**options))


def page(client, address="/"):
    return client.get(address).content.decode()


def drawn(monkeypatch, number):
    monkeypatch.setattr("portal.home.views.sitting", lambda *_: UUID(int=number))


@pytest.mark.parametrize("address", LABELS)
def test_something_new_stands_in_the_fifth_place_labelled_and_with_its_reason(publish, monkeypatch, address):
    publish(many())
    client = signed_in()
    drawn(monkeypatch, 1)
    found = page(client, address)
    articles = found.split('<article class="entry">')[1:]
    labelled = [place for place, text in enumerate(articles) if '<span class="tag">' in text]
    assert labelled == [SHOWN - 1]
    assert LABELS[address] in articles[SHOWN - 1]
    assert "fresh" in articles[SHOWN - 1]
    drawn(monkeypatch, 0)
    assert '<span class="tag">' not in page(client, address)


def test_a_page_that_is_loaded_again_stays_as_it_is(publish):
    publish(many())
    client = signed_in()
    first = ORDER.findall(page(client))
    assert [ORDER.findall(page(client)) for _ in range(3)] == [first] * 3


def test_a_sitting_is_half_an_hour_of_one_session():
    start = NOW.replace(minute=0)
    one = sitting("abc", start)
    assert one == sitting("abc", start + timedelta(seconds=SITTING_SECONDS - 1))
    assert one != sitting("abc", start + timedelta(seconds=SITTING_SECONDS))
    assert one != sitting("abd", start)
    assert sitting(None, start) is None
    even = sum(found.int & 1 for n in range(400) if (found := sitting(f"s{n}", start)))
    assert 150 < even < 250


def test_guests_and_the_order_of_time_never_see_it(publish, monkeypatch):
    publish(many())
    drawn(monkeypatch, 1)
    assert '<span class="tag">' not in page(browser())
    assert '<span class="tag">' not in page(signed_in(opted_in=False))


def test_the_floor_is_a_job_and_counts_what_can_be_listed(publish):
    assert Job("home.keep_floor", 3600, keep_floor) in JOBS
    made = publish(
        [
            *(entry(f"n{n}", provider="busco") for n in range(9)),
            entry("w", provider="wasteco"),
            entry("gone", provider="nobody", age=timedelta(days=9), left=-timedelta(days=1)),
            entry("alarm", kind="alert", provider="nobody", urgent=True),
        ]
    )
    counts.count(timezone.localdate(NOW) - timedelta(days=1), "shown.provider", "busco", 500)
    assert keep_floor(NOW, made)
    assert set(queries.plan().boosts) == {"wasteco"}
    assert not exploration.keep_floor(NOW, made)
