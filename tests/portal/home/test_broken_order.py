"""What another release wrote, or what is no weight, never takes a page down: urgent notices are on it too."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from portal.home.index import content_index as catalogues
from recommender import queries
from recommender.domain import priors
from recommender.domain.weights import Prior
from recommender.models import PriorChange, Snapshot
from tests.portal.home.conftest import browser

pytestmark = pytest.mark.django_db
PAGES = ("/", "/en/", "/all-news/", "/my-data/ranking/", "/figures/ranking/model/")


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """No catalogue of an earlier test."""
    monkeypatch.setattr(catalogues, "_held", None)
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize(
    "weights",
    [
        {"topic": {"food": "abc"}},
        [],
        {"topic": [1]},
        {"topic": {"food": None}},
        "x",
        {"topic": {"food": True}},
    ],
)
def test_a_snapshot_that_cannot_be_read_does_not_rank(weights, caplog):
    made = Snapshot.objects.create(
        state=Snapshot.State.ACTIVE, weights=weights, created_at=timezone.now(), activated_at=timezone.now()
    )
    assert queries.weights().learnt == {}
    assert f"snapshot {made.pk} does not rank" in caplog.text
    assert {browser().get(path).status_code for path in PAGES} == {200}


@pytest.mark.parametrize(
    "document", [{"of another release": 1.0}, [], "x", {"own_district": None}, {"base": 3}]
)
def test_a_prior_that_cannot_be_read_gives_way_to_the_one_before(document, caplog):
    good = {**priors.to_json(Prior()), "own_district": 0.9}
    PriorChange.objects.create(prior=good, reason="x", at=timezone.now())
    broken = PriorChange.objects.create(prior=document, reason="x", at=timezone.now())
    assert queries.prior().own_district == 0.9
    assert f"version {broken.pk} of the prior is passed over" in caplog.text
    assert {browser().get(path).status_code for path in PAGES} == {200}
    PriorChange.objects.filter(prior=good).delete()
    assert queries.prior() == Prior()
