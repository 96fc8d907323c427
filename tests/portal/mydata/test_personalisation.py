"""The switch of the personalised order: off for somebody new, on only after the full text, off at once."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from identity import queries
from identity.domain.consent import RANKING_ITEMS
from identity.models import ConsentReceipt, Resident
from portal.home.index import content_index as catalogues
from tests import cast
from tests.portal.home.samples import NOW, catalogue, entry

SignIn = Callable[[Resident], Client]
URL = "/my-data/personalisation/"


def personalised(resident: Resident) -> bool:
    bundle = queries.bundle(resident.id)
    assert bundle is not None
    return bundle.personalised


@pytest.mark.parametrize(("prefix", "language"), [("", "ja"), ("/en", "en"), ("/ja-simple", "ja-simple")])
def test_on_asks_with_the_text_and_keeps_it(signed_in: SignIn, prefix: str, language: str) -> None:
    newcomer = cast.newcomer()
    client = signed_in(newcomer)
    assert not personalised(newcomer)
    page = client.get(f"{prefix}{URL}")
    response = client.post(f"{prefix}{URL}", {"choice": "on", "shown": page.context["shown"]})
    assert response.status_code == 302
    assert response["Location"] == f"{prefix}/my-data/#personalisation"
    assert personalised(newcomer)
    kept = ConsentReceipt.objects.select_related("notice").get()
    assert (kept.recipient, kept.purpose, kept.controller) == ("recommender", "ranking", "くらしの窓口")
    assert kept.items == list(RANKING_ITEMS)
    assert "access_needs" not in kept.items
    assert kept.notice is not None
    assert kept.notice.language == language
    assert kept.notice.sha256 == page.context["shown"]


def test_on_without_having_seen_the_text_asks_first(signed_in: SignIn) -> None:
    newcomer = cast.newcomer()
    client = signed_in(newcomer)
    for sent in ({"choice": "on"}, {"choice": "on", "shown": "0" * 64}):
        response = client.post(URL, sent)
        assert response.status_code == 409
        assert "お見せした内容が変わりました" in response.content.decode()
    assert not personalised(newcomer)


def test_off_is_chronological_from_then_on(hanako: Resident, signed_in: SignIn) -> None:
    assert personalised(hanako)
    response = signed_in(hanako).post(URL, {"choice": "off", "next": "/"}, follow=False)
    assert response["Location"] == "/"
    assert not personalised(hanako)
    bundle = queries.bundle(hanako.id)
    assert bundle is not None
    assert bundle.released == {}
    assert bundle.attributes["area.district"] == "busshozan"


def test_the_overviews_stop_is_the_same_switch(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    client.post("/my-data/stop/recommender/")
    assert not personalised(hanako)
    assert "お知らせは新しい順に並びます" in client.get("/my-data/").content.decode()


def test_a_choice_that_does_not_exist_changes_nothing(hanako: Resident, signed_in: SignIn) -> None:
    assert signed_in(hanako).post(URL, {"choice": "maybe"}).status_code == 400
    assert signed_in(hanako).post(URL).status_code == 400
    assert personalised(hanako)


def test_the_page_says_how_it_is_now_and_offers_both(hanako: Resident, signed_in: SignIn) -> None:
    html = signed_in(hanako).get(URL).content.decode()
    assert "いま: 使っています" in html
    assert html.count('<button class="button" type="submit">') == 4  # of the order and of learning


def test_a_guest_signs_in_first() -> None:
    assert cast.portal_client().get(URL)["Location"] == "/sign-in/?next=%2Fmy-data%2Fpersonalisation%2F"


# --- both orders side by side --------------------------------------------------------------------------------


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
    """Twelve entries, of which the oldest is the one for Hanako."""
    time_machine.move_to(NOW, tick=False)
    entries = [entry(f"n{number}", age=timedelta(hours=number)) for number in range(1, 12)]
    entries.append(
        entry(
            "hers", title="仏生山の音楽会", places=("busshozan",), topics=("music",), age=timedelta(hours=20)
        )
    )
    version = catalogues.versions()
    monkeypatch.setattr(catalogues, "_held", catalogue(entries, version=version))


def titles(html: str) -> list[str]:
    return re.findall(r'<p class="entry__title">([^<]*)</p>', html)


def of_home(client: Client) -> list[str]:
    zone = client.get("/").content.decode().split('aria-labelledby="zone-for-you"')[1].split("</section>")[0]
    ranked = "".join(entry for entry in zone.split("<article")[1:] if "まちの新着" not in entry)
    return re.findall(r'<h3 class="entry__title"><a [^>]*>([^<]*)</a>', ranked)[:5]


@pytest.mark.usefixtures("published")
def test_both_orders_are_those_of_her_own_home(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    html = client.get(URL).content.decode()
    before, after = html.split('id="newest-title"')
    mine, newest = titles(before), titles(after)
    assert (len(mine), len(newest)) == (5, 5)
    assert mine[0] == "仏生山の音楽会"
    assert "お住まいの地区（仏生山）のお知らせ" in before
    assert newest[0] == "n1の題"
    assert html.index("newest-title") < html.index('name="choice"')
    assert of_home(client) == mine
    client.post(URL, {"choice": "off"})
    assert of_home(client) == newest
    again = client.get(URL).content.decode().split('id="newest-title"')
    assert (titles(again[0]), titles(again[1])) == (mine, newest)


@pytest.mark.usefixtures("published")
def test_looking_at_both_orders_writes_nothing_and_costs_few_queries(
    signed_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    newcomer = cast.newcomer()
    client = signed_in(newcomer)
    client.get(URL)
    with django_assert_max_num_queries(4):
        client.get(URL)
    assert not ConsentReceipt.objects.exists()
