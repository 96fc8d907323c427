"""While two orders are compared, those who said yes to learning see one of them; everybody else the present order."""

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identity import actions, queries
from identity.domain.consent import LEARNING
from identity.models import Resident
from portal.home.feedback import impressions
from portal.home.index import content_index as catalogues
from portal.home.page.compose import Reader, compose
from recommender import queries as ranking
from recommender.abtest import experiments
from recommender.abtest.comparison import NOW as PRESENT
from recommender.abtest.comparison import Order, Running, arm
from recommender.domain.reranking import Plan
from recommender.domain.weights import Prior, Weights
from recommender.evaluation.sizes import Design
from recommender.metrics import compared
from recommender.models import Count, Interaction
from tests import cast
from tests.portal.home.conftest import browser, client_of, links, say_yes
from tests.portal.home.samples import NOW, catalogue, entry

pytestmark = pytest.mark.django_db

# All of one topic first, then the others: with one for each topic the list is another one at once.
ENTRIES = [entry(f"food{n}", topics=("food",), age=timedelta(hours=n + 1)) for n in range(8)] + [
    entry(f"other{n}", topics=(topic,), age=timedelta(days=3, hours=n))
    for n, topic in enumerate(("music", "sports", "health", "waste", "culture", "safety"))
]
OTHER = Order(per_topic=1)


@pytest.fixture(autouse=True)
def nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fifth place is another one in each session."""
    monkeypatch.setattr("portal.home.views.sitting", lambda *_: UUID(int=0))


@pytest.fixture
def hanako() -> Resident:
    resident = cast.hanako(opted_in=True)
    say_yes(resident)
    return resident


def name_for(resident: Resident, which: str) -> str:
    """A comparison in which this resident has that arm."""
    subject = queries.ranking_subject(resident.id)
    return next(name for n in range(99) if arm(subject, name := f"caps-{n}") == which)


def compare(monkeypatch: pytest.MonkeyPatch, name: str, a: Order = PRESENT, b: Order = OTHER) -> None:
    """Puts the entries on the home while this comparison runs."""
    made = catalogue(ENTRIES, version=catalogues.versions(), experiment=Running(name, a, b))
    monkeypatch.setattr(catalogues, "_held", made)


def listed(client: Client) -> list[str]:
    return [link.split("/")[-2] for link in links(client)]


def in_order(attributes: dict[str, Any], which: str = "") -> list[str]:
    """What this reader sees in an order, drawn from the catalogue that is held."""
    held = catalogues.held()
    assert held is not None
    view = compose(
        held.layout, Reader("resident", "ja", attributes=attributes, arm=which), NOW, catalogue=held
    )
    return [held.entries[one.row].item.id for one in view.listed]


def topics(found: list[str]) -> list[str]:
    return [name.rstrip("0123456789") for name in found]


# --- who sees what ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["a", "b"])
def test_a_resident_who_said_yes_sees_the_order_of_the_arm_and_it_is_noted(
    publish: Any, monkeypatch: pytest.MonkeyPatch, hanako: Resident, which: str
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    present = listed(client)
    impressions._waiting.clear()
    name = name_for(hanako, which)
    compare(monkeypatch, name)
    found = listed(client)
    assert (found == present) is (which == "a")
    if which == "b":
        assert topics(found[:5]).count("food") == 1
    assert listed(client) == found, "the same on the next visit"
    assert listed(client_of(hanako)) == found, "and from another browser"
    client.get(f"/for-you/open/{impressions.seal(hanako.id, impressions._waiting[0].id, NOW)}/{found[0]}/")  # type: ignore[union-attr]
    impressions.flush()
    views = Interaction.objects.filter(act="view")
    assert {row.arm for row in views} == {f"{name}|{which}"}
    assert [row.item_id for row in views.order_by("visit", "position")][:5] == found[:5]
    sums = {(row.name, row.key): row.value for row in Count.objects.filter(name__startswith="compared.")}
    assert sums[compared.VISITS, f"{name}|{which}"] == 3
    assert sums[compared.OPENED, f"{name}|{which}"] == 1


def test_guests_previews_and_who_did_not_say_yes_are_in_no_comparison(
    publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(ENTRIES)
    opted_in, newcomer, guest = cast.hanako(opted_in=True), cast.newcomer(), browser()
    clients = [client_of(opted_in), client_of(newcomer), guest]
    before = [listed(client) for client in clients]
    for name in (name_for(opted_in, "b"), name_for(newcomer, "b")):
        # Also where the first order is not the present one.
        compare(monkeypatch, name, a=Order(per_topic=1), b=Order(per_topic=1))
        assert [listed(client) for client in clients] == before
        for one in impressions._waiting:
            assert isinstance(one, impressions.Visit)
            assert one.arm == ""
    impressions.flush()
    assert not Count.objects.filter(name__startswith="compared.").exists()
    assert not Interaction.objects.exists()


def test_after_a_no_in_the_middle_the_next_home_is_in_the_present_order(
    publish: Any, monkeypatch: pytest.MonkeyPatch, hanako: Resident
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    present = listed(client)
    impressions._waiting.clear()
    compare(monkeypatch, name_for(hanako, "b"))
    other = listed(client)
    impressions.flush()
    sums = list(Count.objects.filter(name__startswith="compared.").values_list("name", "key", "value"))
    assert sums
    actions.withdraw(resident_id=hanako.id, recipient=LEARNING, by=cast.as_actor(hanako))
    assert listed(client) == present != other
    impressions.flush()
    assert not Interaction.objects.exists()
    assert (
        list(Count.objects.filter(name__startswith="compared.").values_list("name", "key", "value")) == sums
    )


def test_a_page_that_is_fetched_ahead_has_the_same_order_and_is_not_counted(
    publish: Any, monkeypatch: pytest.MonkeyPatch, hanako: Resident
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)
    compare(monkeypatch, name_for(hanako, "b"))
    found = listed(client)
    impressions._waiting.clear()
    ahead = links(client, **{"Sec-Purpose": "prefetch"})
    assert [link.split("/")[-2] for link in ahead] == found
    impressions.flush()
    assert not Count.objects.filter(name=compared.VISITS).exists()


# --- the two orders --------------------------------------------------------------------------------------------


def test_the_catalogue_is_compiled_twice_only_where_the_weights_differ() -> None:
    learnt = Weights(Prior(), {"topic": {"music": 4.0}})
    caps = catalogue(ENTRIES, weights=learnt, experiment=running(b=Order(per_topic=1)))
    assert caps.order("a") == caps.order("") == (caps.personal, caps.compiled)
    assert caps.order("b")[0] is not caps.personal
    assert caps.order("b")[1] is caps.compiled
    alone = catalogue(ENTRIES, weights=learnt, experiment=running(a=Order(learnt=False), b=PRESENT))
    assert alone.order("b") == (alone.personal, alone.compiled)
    _ranker, compiled = alone.order("a")
    assert compiled is not alone.compiled
    assert compiled.items == alone.compiled.items
    assert compiled.weights.learnt == {}
    assert catalogue(ENTRIES, weights=learnt).compared == {}
    # A dry run of the desk is no comparison.
    assert alone.ordered_by(learnt, Plan(), ()).compared == {}


def running(a: Order = PRESENT, b: Order = PRESENT) -> Running:
    return Running("caps", a, b)


def test_reasons_are_those_of_the_order_that_is_shown() -> None:
    learnt = Weights(Prior(), {"attribute:age_band": {"35-44|music": 4.0}})
    held = catalogue(ENTRIES, weights=learnt, experiment=running(b=Order(learnt=False)))

    def first(which: str) -> Any:
        reader = Reader("resident", "ja", attributes={"age_band": "35-44"}, arm=which)
        return compose(held.layout, reader, NOW, catalogue=held).listed[0]

    assert held.entries[first("a").row].item.id == "other0"
    assert first("a").reasons[0].params["value"] == "35-44"
    assert held.entries[first("b").row].item.id == "food0"
    assert "value" not in first("b").reasons[0].params


def test_in_each_arm_the_chance_of_a_place_is_that_of_its_own_order(
    publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(ENTRIES)
    compare(monkeypatch, "caps")
    held = catalogues.held()
    assert held is not None
    for which in ("a", "b"):
        reader = Reader("resident", "ja", arm=which)
        found = compose(held.layout, reader, NOW, catalogue=held).listed
        assert {one.propensity for one in found} == {1.0}, "nothing is drawn without a sitting"
    assert in_order({}, "a") == in_order({}) != in_order({}, "b")


# --- what it costs ---------------------------------------------------------------------------------------------


def test_a_home_takes_no_query_more_while_a_comparison_runs(
    publish: Any, monkeypatch: pytest.MonkeyPatch, hanako: Resident
) -> None:
    publish(ENTRIES)
    client = client_of(hanako)

    def cost() -> int:
        client.get("/")
        with CaptureQueriesContext(connection) as captured:
            client.get("/")
        return len([query for query in captured if "django_session" not in query["sql"]])

    without = cost()
    compare(monkeypatch, name_for(hanako, "b"))
    assert cost() == without == 2


def test_the_command_begins_and_ends_it_on_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogues, "_held", None)
    cache.clear()
    assert catalogues.current().experiment is None
    experiments.plan(
        name="caps", question="?", a={}, b={"per_topic": 1, "learnt": False}, design=Design(0.3, 0.2)
    )
    cache.clear()
    assert catalogues.current().experiment is None, "a plan shows nothing"
    call_command("compare_orders", "start", "caps", stdout=StringIO())
    cache.clear()
    found = catalogues.current().experiment
    assert found is not None
    assert (found.name, found.b) == ("caps", Order(per_topic=1, learnt=False))
    assert found == ranking.running_experiment()
    experiments.stop(name="caps", reason="over", now=timezone.now() + timedelta(seconds=1))
    cache.clear()
    assert catalogues.current().experiment is None
    cache.clear()


def test_who_may_see_the_other_order_reads_that_there_is_one(
    publish: Any, monkeypatch: pytest.MonkeyPatch, hanako: Resident
) -> None:
    told = "いま、二つの並べ方をくらべています"
    page = "/my-data/ranking/"
    publish(ENTRIES)
    client = cast.sign_in(browser(), hanako)
    assert told not in client.get(page).content.decode()
    held = catalogue(ENTRIES, version=catalogues.versions(), experiment=running(b=OTHER))
    monkeypatch.setattr(catalogues, "_held", held)
    assert told in client.get(page).content.decode()
    assert told not in browser().get(page).content.decode()
    actions.withdraw(resident_id=hanako.id, recipient=LEARNING, by=cast.as_actor(hanako))
    assert told not in client.get(page).content.decode()
