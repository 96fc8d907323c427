"""Snapshots: judged on rows that they have not learnt from, refused in words, rolled back by a command."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core import versions
from recommender import queries
from recommender.learning import snapshots
from recommender.learning.job import learn
from recommender.models import Cell, Snapshot
from tests.recommender.learning.samples import LATER, crowd

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def ranking_version() -> int:
    """As the table has it; what is spread by cache is spread after the transaction."""
    return versions.read(queries.VERSION_KEY)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("ranking_snapshots", *arguments, stdout=out)
    return out.getvalue()


def day(number: int, opened: tuple[str, ...] = ("sport",)) -> None:
    """Fifty residents look in, and an hour later the job runs."""
    at = LATER + number * DAY
    crowd(50, opened, number=number, at=at)
    learn(at + timedelta(hours=1))


def active() -> Snapshot:
    return Snapshot.objects.get(state="active")


def test_a_candidate_ranks_only_after_fresh_visits_have_borne_it_out():
    day(0)
    candidate = Snapshot.objects.get()
    assert candidate.state == "candidate"
    assert queries.weights().learnt == {}
    before = ranking_version()
    day(1)
    candidate.refresh_from_db()
    assert candidate.state == "active"
    assert queries.weights().of("topic", "sports") > 0
    assert ranking_version() > before
    assert {line["name"]: line["ok"] for line in candidate.checks} == {
        "finite": True,
        "drift": True,
        "replay": True,
        "fairness": True,
    }


def test_a_snapshot_holds_nothing_but_cells_of_twenty():
    day(0)
    held = {(family, key) for family, cells in Snapshot.objects.get().weights.items() for key in cells}
    assert held == set(Cell.objects.filter(residents__gte=20).values_list("family", "key"))


def test_what_fresh_visits_contradict_is_refused_in_words():
    day(0, ("music",))
    day(1, ("sport",))
    refused = Snapshot.objects.get(state="refused")
    lines = {line["name"]: line for line in refused.checks}
    assert not lines["replay"]["ok"]
    assert "fresh visits: -" in lines["replay"]["words"]
    assert queries.weights().learnt == {}
    assert "fresh visits" in run("list")


@pytest.mark.parametrize("weight", [1e308, 9.0, -9.0])
def test_weights_out_of_bounds_are_refused(weight):
    day(0)
    candidate = Snapshot.objects.get()
    candidate.weights["topic"]["sports"] = weight
    candidate.save()
    day(1)
    candidate.refresh_from_db()
    assert candidate.state == "refused"
    assert "topic sports" in candidate.checks[0]["words"]


def test_a_quiet_city_decides_after_a_day_with_what_it_has():
    day(0)
    learn(LATER + 2 * DAY)
    assert active().checks[2]["words"].startswith("0 fresh visits")


def test_rolling_back_ranks_and_learns_from_the_earlier_one():
    for number in range(4):
        day(number)
    now, before = active(), Snapshot.objects.filter(state="earlier").latest("activated_at")
    version = ranking_version()
    assert f"snapshot {before.pk} ranks again" in run("roll-back", "--reason", "the newer one is odd")
    assert active() == before
    assert ranking_version() > version
    now.refresh_from_db()
    assert now.state == "refused"
    assert not Snapshot.objects.filter(state="candidate").exists()
    cell = Cell.objects.get(family="topic", key="sports")
    assert cell.w == before.weights["topic"]["sports"], "otherwise the next candidate would undo it"
    assert "the newer one is odd" in run("show", str(before.pk))


def test_activating_by_hand_asks_for_a_reason_and_for_finite_weights():
    day(0)
    number = str(Snapshot.objects.get().pk)
    assert "not decided: 0 of 50" in run("show", number)
    with pytest.raises(CommandError, match="a reason is needed"):
        run("activate", number, "--reason", " ")
    Snapshot.objects.update(weights={"topic": {"sports": 12.0}})
    with pytest.raises(CommandError, match="beyond"):
        run("activate", number, "--reason", "try")
    Snapshot.objects.update(weights={"topic": {"sports": 0.5}})
    assert "ranks now" in run("activate", number, "--reason", "try")
    assert queries.weights().of("topic", "sports") == 0.5
    assert set(Cell.objects.values_list("family", "key")) == {("topic", "sports")}


def test_there_may_be_none_to_go_back_to_or_to_show():
    assert "prior ranks alone" in run("list")
    with pytest.raises(CommandError, match="no earlier snapshot"):
        run("roll-back", "--reason", "x")
    with pytest.raises(CommandError, match="no such snapshot: 9"):
        run("show", "9")


def test_old_ones_are_pruned_and_the_active_one_stays(monkeypatch):
    monkeypatch.setattr(snapshots, "KEPT", 1)
    for number in range(5):
        day(number)
    assert sorted(Snapshot.objects.values_list("state", flat=True)) == ["active", "candidate", "earlier"]
