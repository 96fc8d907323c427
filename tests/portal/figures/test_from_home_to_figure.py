"""From a home that was opened to the figure: noted by the visit log, counted with its flush, published by the job."""

import pytest
from django.urls import reverse

from portal.figures import tasks
from portal.home.feedback import impressions
from recommender.models import Count, Interaction
from tests import cast
from tests.portal.figures.conftest import ENTRIES, Visits
from tests.portal.home.conftest import browser
from tests.portal.home.samples import NOW, entry


@pytest.fixture(autouse=True)
def nothing_waits():
    impressions._waiting.clear()
    yield
    impressions._waiting.clear()


def total(name: str, key: str = "") -> float:
    return sum(Count.objects.filter(name=name, key=key).values_list("value", flat=True))


def test_homes_of_residents_are_counted_and_guests_are_not(month: Visits, publish) -> None:
    publish([*ENTRIES, entry("flood", kind="alert", urgent=True, level=5)])
    for _ in range(25):
        assert browser().get("/").status_code == 200
    hanako = cast.sign_in(browser(), cast.hanako(opted_in=True))
    taro = cast.sign_in(browser(), cast.taro(opted_in=False))
    for _ in range(15):
        hanako.get("/")
    for _ in range(10):
        taro.get("/")
    impressions.flush()
    assert total("homes", "personalised") == 15
    assert total("homes", "newest") == 10
    assert total("urgent", "homes") == total("urgent", "whole") == 25
    assert total("reasons", "entries") >= total("reasons", "told") > 0
    assert total("lists") == 15
    assert not Interaction.objects.exists()  # neither said yes to learning
    assert not Count.objects.filter(name__startswith="visits.").exists()
    tasks.make_figures(NOW)
    page = browser().get(reverse("figures:ranking")).content.decode()
    assert "<td>40%</td>" in page  # ten of 25 homes newest first
    assert reverse("figures:ranking") in browser().get("/").content.decode()
