"""Sums are added and never lost, name nobody, and count an opening once."""

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender import actions, queries
from recommender.domain.types import Profile, ViewRow
from recommender.metrics import counting, counts, shares
from recommender.metrics.counting import Opened, Page
from recommender.models import Count, Share
from tests.recommender.samples import item

AT = datetime(2026, 6, 30, 15, 30, tzinfo=UTC)
"""Already July in the region."""
DAY, MONTH = date(2026, 7, 1), date(2026, 7, 1)
READER = Profile(
    district="busshozan",
    declared=("school",),
    attributes={"age_band": "35-44", "language": "ja", "access_needs": ("x",)},
)


def sums() -> dict[tuple[str, str], float]:
    return {(row.name, row.key): row.value for row in Count.objects.all()}


def own() -> dict[tuple[str, str], float]:
    """What waits for twenty residents."""
    return {(row.name, row.key): row.value for row in Share.objects.all()}


def views(
    *,
    subject: str = "",
    exploring: int = -1,
    topics: Sequence[tuple[str, ...]] = (("school",), ("school",), ()),
) -> list[ViewRow]:
    visit = uuid4()
    return [
        ViewRow(
            subject=subject,
            visit=visit,
            item=item(f"n{place}", topics=of, provider="busco"),
            profile=READER,
            position=place,
            propensity=1.0,
            exploring=place == exploring,
            arm="",
            consent_version=1,
            at=AT,
        )
        for place, of in enumerate(topics)
    ]


def page(visit: UUID, **more) -> Page:
    told = {"personalised": True, "entries": 3, "reasoned": 2, "due": 1, "carried": 1} | more
    return Page(visit=visit, at=AT, **told)


@pytest.mark.django_db
def test_sums_add_up_in_one_statement() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        actions.count_many({(DAY, "a", str(number)): number for number in range(100)})
    assert len(queries) == 1
    actions.count(DAY, "a", "7", 0.5)
    assert sums()["a", "7"] == 7.5
    assert Count.objects.count() == 100


@pytest.mark.django_db(transaction=True)
def test_processes_that_add_at_once_lose_nothing() -> None:
    if connection.vendor == "sqlite":
        # One writer at a time: what is asked of it is that the second adds to the first.
        for _ in range(4):
            actions.count_many({(DAY, "a", "x"): 1, (DAY, "a", "y"): 2})
    else:
        threads = [threading.Thread(target=_add, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sums() == {("a", "x"): 4, ("a", "y"): 8}


def _add(number: int) -> None:
    keys = ["x", "y"] if number % 2 else ["y", "x"]
    actions.count_many({(DAY, "a", key): {"x": 1, "y": 2}[key] for key in keys})
    connection.close()


@pytest.mark.django_db
def test_what_is_put_twice_stands_once() -> None:
    counts.put(DAY, "a", {"x": 1, "y": 2})
    counts.put(DAY, "a", {"y": 3})
    assert sums() == {("a", "y"): 3}
    counts.mark(DAY, "b", ["x", "x", "y"])
    counts.mark(DAY, "b", ["y", "z"])
    assert Count.objects.filter(name="b", value=1).count() == 3


@pytest.mark.django_db
def test_of_somebody_who_said_no_only_whole_sums_are_counted() -> None:
    rows = views()
    counting.of_visits(rows, [page(rows[0].visit)])
    found = sums()
    assert found["homes", "personalised"] == 1
    assert found["lists", ""] == 1
    assert found["shown.item", "n0"] == 1
    assert found["shown.provider", "busco"] == 3
    assert found["reasons", "told"] == 2
    assert found["urgent", "whole"] == 1
    assert found["pairs", "count"] == 3
    assert found["pairs", "distance"] == 2
    assert not [name for name, _ in found if name.startswith(("visits.", "place."))]
    assert not Share.objects.exists()
    assert not [key for _, key in found if "35-44" in key or "busshozan" in key]


def look(subject: str, *, opens: bool = False) -> None:
    rows = views(subject=subject, exploring=2)
    actions.record_views(rows)
    counting.of_visits(rows, [page(rows[0].visit)])
    if opens:
        counting.of_opened([Opened(rows[2].visit, "n2", AT)])


@pytest.mark.django_db
def test_what_few_residents_did_is_no_sum_by_group_and_goes_with_them() -> None:
    for number in range(19):
        for _ in range(2):
            look(f"s{number}", opens=True)
    assert shares.ripen(AT) == 0
    found = sums()
    assert found["exploring", ""] == 38
    assert not [
        name for name, _ in found if name.startswith(("visits.", "opened.", "place.", "open.", "seren"))
    ]
    assert not [key for _, key in found if "35-44" in key or "busshozan" in key]
    assert not [name for name, _ in own() if "access" in name]
    assert len(actions.forget("s0")) == 3
    assert not Share.objects.filter(subject="s0").exists()
    look("s0", opens=True)
    assert shares.ripen(AT) == 0


@pytest.mark.django_db
def test_the_twentieth_makes_a_sum_of_nobody_and_who_comes_later_adds_to_it() -> None:
    for number in range(20):
        look(f"s{number}", opens=number < 19)
    assert own()["opened.ward", "busshozan"] == 1
    assert shares.ripen(AT) == 4  # whole, age band, ward, language: of who looked
    found = sums()
    assert (
        found["visits.whole", ""]
        == found["visits.age_band", "35-44"]
        == found["visits.ward", "busshozan"]
        == 20
    )
    assert found["visits.language", "ja"] == found["place.shown", "2|exploring"] == 20
    assert not [name for name, _ in own() if name.startswith("visits.")]
    # Nineteen opened: of openings nothing is a sum, whoever looked.
    assert not [
        name for name, _ in found if name.startswith(("opened.", "open.item", "place.opened", "seren"))
    ]
    look("s19", opens=True)
    assert sums()["visits.ward", "busshozan"] == 21
    shares.ripen(AT)
    found = sums()
    assert (
        found["opened.ward", "busshozan"] == found["open.item", "n2"] == found["serendipity", "beyond"] == 20
    )
    assert found["place.opened", "2|exploring"] == 20
    assert not own()
    look("s1", opens=True)
    assert sums()["opened.ward", "busshozan"] == 21
    assert not own()
    assert not [key for _, key in sums() if "s1" in key]


@pytest.mark.django_db
def test_a_share_waits_for_thirty_days() -> None:
    look("s0")
    now = Share.objects.order_by("at").first().at
    shares.ripen(now + shares.KEPT - timedelta(seconds=1))
    assert own()
    shares.ripen(now + shares.KEPT)
    assert not own()


@pytest.mark.django_db
def test_what_waits_is_in_the_copy_that_a_resident_takes_home() -> None:
    look("s0")
    held = queries.held("s0", 1000)
    assert {"family": "visits.ward", "cell": "busshozan", "value": 1.0}.items() <= next(
        row.items() for row in held.pending if row["family"] == "visits.ward"
    )
    assert queries.held("s0", 1).left_out["pending"] == Share.objects.count() - 1


@pytest.mark.django_db
def test_a_list_in_the_order_of_time_is_a_home_and_no_list_of_ours() -> None:
    rows = views()
    counting.of_visits(rows, [page(rows[0].visit, personalised=False, due=2, carried=1)])
    found = sums()
    assert found["homes", "newest"] == 1
    assert found["urgent", "whole"] == 0
    assert found["reasons", "entries"] == 0
    assert not [name for name, _ in found if name.startswith("shown")]


@pytest.mark.django_db
def test_an_opening_counts_once_and_by_what_the_log_says_of_it() -> None:
    rows = views(subject="s", exploring=2)
    actions.record_views(rows)
    opened = Opened(rows[2].visit, "n2", AT)
    counting.of_opened([opened, opened])
    actions.record_act("s", rows[2].visit, "n2", "open", AT, 1)
    counting.of_opened([opened])
    found = sums() | own()
    assert found["opens", ""] == 1
    assert found["place.opened", "2|exploring"] == 1
    assert found["opened.age_band", "35-44"] == 1
    assert found["serendipity", "beyond"] == 1  # it has none of the topics that were declared


@pytest.mark.django_db
def test_an_opening_of_what_was_folded_away_counts_by_no_group() -> None:
    counting.of_opened([Opened(uuid4(), "n0", AT)])
    assert sums() == {("opens", ""): 1}
    counting.of_opened([])
    assert sums() == {("opens", ""): 1}
