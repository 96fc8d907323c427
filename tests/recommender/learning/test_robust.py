"""Learning goes on whatever is in its tables, no single resident decides about it, and a refusal teaches something."""

from datetime import timedelta

import pytest

from core import sweeps
from recommender.learning import evidence, snapshots
from recommender.learning.job import learn
from recommender.models import Cell, Interaction, Pending, Snapshot
from tests.recommender.learning.samples import LATER, MUSIC, SPORT, crowd, saw

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
READER = {"district": None, "followed": [], "declared": [], "avoided": [], "attributes": {}}


def day(number: int, opened: tuple[str, ...] = ("sport",)) -> None:
    """Fifty residents look in, and an hour later the job runs."""
    crowd(50, opened, number=number, at=LATER + number * DAY)
    learn(LATER + number * DAY + HOUR)


@pytest.mark.parametrize(
    "wrong",
    [
        {"attributes": {"age_band": 5}},
        {"attributes": {"age_band": [None]}},
        {"attributes": {"age_band": None}},
        {"district": 5},
        {"followed": [[1]]},
        {"declared": "music"},
    ],
)
def test_a_reader_that_is_none_is_dropped_and_the_others_are_folded(wrong):
    saw("a", [SPORT], ("sport",), at=LATER)
    Interaction.objects.filter(act="view").update(reader=READER | wrong)
    saw("b", [SPORT], ("sport",), at=LATER)
    assert learn(LATER + HOUR) == 2
    assert not Interaction.objects.exists()
    assert set(Pending.objects.exclude(family="allowance").values_list("subject", flat=True)) == {"b"}


@pytest.mark.parametrize(
    "checks",
    [[{"name": "evidence"}], [{"name": "evidence", "visits": 1, "whole": {"of another release": 1}}]],
)
def test_evidence_of_another_release_is_seen_again(checks):
    day(0)
    Snapshot.objects.filter(state="candidate").update(checks=checks)
    day(1)
    assert Snapshot.objects.filter(state="active").count() == 1


def test_what_is_old_goes_whatever_becomes_of_the_rest(monkeypatch):
    saw("a", [SPORT], ("sport",), at=LATER)
    Pending.objects.create(family="topic", key="zzz", subject="old", c=1, e=1, at=LATER - 60 * DAY)

    def broken(*_, **__):
        raise RuntimeError

    monkeypatch.setattr("recommender.learning.job.fold_batch", broken)
    learn(LATER + DAY + HOUR)
    assert {fault.error for fault in sweeps.faults()} == {"RuntimeError"}
    assert not Interaction.objects.exists()
    assert not Pending.objects.filter(subject="old").exists()


def test_one_resident_who_comes_often_neither_stops_nor_pushes_a_snapshot():
    day(0)
    at = LATER + DAY / 2
    for number in range(60):
        saw("bot", [SPORT, MUSIC], ("music",), number=number, at=at + timedelta(seconds=number))
    learn(at + HOUR)
    candidate = Snapshot.objects.order_by("pk")[0]
    assert candidate.state == "candidate"
    assert snapshots.version(candidate.pk).fresh_visits == evidence.MOST_OF_ONE
    day(2)
    candidate.refresh_from_db()
    assert candidate.state == "active"
    assert all(line["ok"] for line in candidate.checks)


def test_after_a_day_few_residents_decide_nothing_by_what_they_opened():
    day(0)
    for number in range(10):
        saw(f"few{number}", [SPORT, MUSIC], ("music",), at=LATER + DAY)
    learn(LATER + DAY + 2 * HOUR)
    judged = Snapshot.objects.order_by("pk")[0]
    assert judged.state == "active"
    assert "fewer than 20 residents" in {line["name"]: line["words"] for line in judged.checks}["replay"]


def test_rolled_back_twice_it_goes_further_back():
    for number in range(5):
        day(number)
    active = Snapshot.objects.get(state="active").pk
    found = [snapshots.roll_back(reason="bad", who="me"), snapshots.roll_back(reason="bad too", who="me")]
    assert found == [active - 1, active - 2]


def test_what_was_put_away_falls_below_what_was_passed_over():
    def learnt(act: str | None) -> float:
        Cell.objects.all().delete()
        Pending.objects.all().delete()
        for number in range(30):
            saw(f"r{number}", [SPORT, MUSIC], ("music",), at=LATER)
            if act:
                saw(f"r{number}", [SPORT, MUSIC], ("sport",), number=1, act=act, at=LATER)
            else:
                saw(f"r{number}", [SPORT, MUSIC], (), number=1, at=LATER)
        learn(LATER + HOUR)
        return Cell.objects.get(family="topic", key="sports").w

    assert learnt("not_for_me") < learnt(None) - 0.05


@pytest.mark.parametrize("item", [[], "x", 5])
def test_an_item_that_is_none_is_dropped(item):
    saw("a", [SPORT], ("sport",), at=LATER)
    Interaction.objects.filter(act="view").update(item=item)
    saw("b", [SPORT], ("sport",), at=LATER)
    assert learn(LATER + HOUR) == 2
    assert not Interaction.objects.exists()


NONE = {"name": "evidence", "visits": 3, "whole": {}, "groups": {}, "drift": 0, "rows": 0, "taken": {}}


@pytest.mark.parametrize(
    "checks",
    [
        ["x"],
        [NONE | {"visits": "3"}],
        [NONE | {"whole": {"n": "x"}}],
        [NONE | {"drift": None, "taken": {"1": "x"}}],
    ],
)
def test_evidence_that_is_no_number_is_seen_again(checks, caplog):
    day(0)
    Snapshot.objects.filter(state="candidate").update(checks=checks)
    day(1)
    assert Snapshot.objects.filter(state="active").count() == 1
    assert "seen again" in caplog.text


@pytest.mark.parametrize(
    "weights", [{"topic": {"sports": "x"}}, {"topic": {"sports": None}}, {"topic": 3}, [], "x"]
)
def test_a_candidate_that_cannot_be_read_is_refused_and_another_is_made(weights):
    day(0)
    Snapshot.objects.filter(state="candidate").update(weights=weights)
    day(1)
    first, second = Snapshot.objects.order_by("pk")
    assert (first.state, first.checks[0]["words"]) == ("refused", "the weights cannot be read")
    assert second.state == "candidate"


def test_what_was_rolled_back_does_not_come_back_after_another_one_either():
    for number in range(4):
        day(number)
    bad = Snapshot.objects.get(state="active")
    snapshots.roll_back(reason="too much sport", who="me")
    bad.refresh_from_db()
    assert bad.checks[-1]["words"] == "rolled back: too much sport"
    for number in range(4, 7):
        day(number)
    assert snapshots.roll_back(reason="x", who="me") != bad.pk
