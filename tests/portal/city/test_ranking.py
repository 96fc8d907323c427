"""The desk says why each item stands where it stands for a persona, and reads no resident for it."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from demo import seed
from portal.city import ranking
from portal.content.queries import personas
from tests import cast
from tests.portal.home.conftest import browser, publish
from tests.portal.home.samples import NOW, entry

__all__ = ["publish"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    seed.make_personas()
    return cast.sign_in(browser(), cast.operator())


def read(client: Client, **query: str) -> str:
    answer = client.get(reverse("city_ranking"), query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def order(page: str) -> list[str]:
    return re.findall(r'<h3 id="place-\d+">\d+\. <a href="/news/(\w+)/">', page)


def test_each_persona_has_an_order_of_their_own_with_every_term(publish, operator: Client) -> None:
    catalogue = publish(
        [entry("school", topics=("school",)), entry("elderly", topics=("elderly",)), entry("all")]
    )
    assert order(read(operator, person="hanako")) == ["school", "all", "elderly"]
    assert order(read(operator, person="taro"))[0] == "elderly"
    page = read(operator, person="hanako")
    assert "お子さま" in page
    assert "× 話題" in page
    for one in ranking.ranked(catalogue, personas()["hanako"].attributes, now=NOW, locale="ja"):
        assert sum(term.weight for term in one.terms) == pytest.approx(one.score, abs=1e-4)
        assert one.reasons


def test_a_search_finds_what_is_on_the_list_and_says_why_other_things_are_not(
    publish, operator: Client
) -> None:
    publish([entry("school", topics=("school",)), entry("warning", kind="alert", urgent=True), entry("all")])
    assert order(read(operator, person="guest", q="school")) == ["school"]
    page = read(operator, q="warning")
    assert "順番の外のいちばん上" in page
    assert "見つかりません" in page


def test_no_persona_of_that_name_is_not_found(publish, operator: Client) -> None:
    publish([entry("all")])
    assert operator.get(reverse("city_ranking"), {"person": "nobody"}).status_code == 404


def test_editors_and_operators_see_it_and_find_it_in_the_menu(publish, operator: Client) -> None:
    publish([entry("all")])
    assert browser().get(reverse("city_ranking")).status_code == 302
    assert cast.sign_in(browser(), cast.hanako()).get(reverse("city_ranking")).status_code in {302, 403}
    for client in (operator, cast.sign_in(browser(), cast.editor())):
        assert client.get(reverse("city_ranking")).status_code == 200
        assert reverse("city_ranking") in client.get(reverse("wagtailadmin_home")).content.decode()
