"""Sums are added and never lost, name nobody, and count an opening once."""

import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender import actions
from recommender.figures import counting, counts
from recommender.figures.counting import Opened, Page
from recommender.models import Count
from recommender.types import Profile, ViewRow
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
    assert not [name for name, _ in found if name.startswith(("visits.", "lot", "place."))]
    assert not [key for _, key in found if "35-44" in key or "busshozan" in key]


@pytest.mark.django_db
def test_slices_and_places_are_counted_of_those_who_are_learnt_from_and_no_pseudonym_is_kept() -> None:
    rows = views(subject="nobody-knows", exploring=2)
    counting.of_visits(rows, [page(rows[0].visit)])
    found = sums()
    assert found["visits.whole", ""] == 1
    assert found["visits.age_band", "35-44"] == 1
    assert found["visits.ward", "busshozan"] == 1
    assert found["visits.language", "ja"] == 1
    assert found["place.shown", "2|exploring"] == 1
    assert found["place.shown", "0|plain"] == 1
    assert found["exploring", ""] == 1
    assert len([name for name, _ in found if name == "lot"]) == 4
    assert not [key for _, key in found if "nobody" in key]
    assert not [name for name, _ in found if "access" in name]
    # The same resident marks no further lot.
    again = views(subject="nobody-knows")
    counting.of_visits(again, [page(again[0].visit)])
    assert Count.objects.filter(name="lot").count() == 4


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
    found = sums()
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


def test_a_resident_draws_one_lot_a_month_and_another_next_month() -> None:
    drawn = {counting.lot(f"s{number}", MONTH) for number in range(500)}
    assert drawn == set(range(counting.LOTS))
    assert counting.lot("s1", MONTH) == counting.lot("s1", MONTH)
    assert any(counting.lot(f"s{n}", MONTH) != counting.lot(f"s{n}", date(2026, 8, 1)) for n in range(5))
