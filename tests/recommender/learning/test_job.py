"""The learning job on the tables: each row folded once, twenty residents, retention, withdrawal."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from core import sweeps
from portal import executor
from recommender import actions, queries
from recommender.learning import contribution_cap, job, store
from recommender.learning.job import learn
from recommender.models import Batch, Cell, Interaction, Pending
from tests.recommender.learning.samples import LATER, MUSIC, SPORT, crowd, saw
from tests.recommender.samples import NOW

pytestmark = pytest.mark.django_db


def pending():
    return Pending.objects.exclude(family=contribution_cap.FAMILY)


def test_nothing_to_learn_is_no_batch():
    assert learn(LATER) == 0
    assert not Batch.objects.exists()
    assert not Cell.objects.exists()


def test_what_may_still_be_opened_waits():
    crowd(3)
    assert learn(NOW + timedelta(minutes=29)) == 0
    assert Interaction.objects.count() == 9
    assert learn(NOW + timedelta(minutes=30)) == 6
    assert not Interaction.objects.exists()


def test_nineteen_residents_are_no_cell_and_the_twentieth_makes_it():
    crowd(19)
    learn(LATER)
    assert not Cell.objects.exists()
    assert pending().filter(family="topic", key="sports").count() == 19
    saw("resident-0", [SPORT, MUSIC], ("music",), number=1, at=LATER)
    learn(LATER + timedelta(hours=1))
    assert not Cell.objects.exists(), "a second visit of the same resident is no twentieth resident"
    saw("resident-19", [SPORT, MUSIC], ("sport",), at=LATER)
    learn(LATER + timedelta(hours=2))
    assert Cell.objects.get(family="topic", key="sports").residents == 20
    assert not pending().filter(family="topic", key="sports").exists()


def test_what_is_opened_more_often_than_expected_rises():
    crowd(40)
    learn(LATER)
    weight = dict(Cell.objects.filter(family="topic").values_list("key", "w"))
    assert weight["sports"] > 0 > weight["music"]
    assert Cell.objects.get(family="bias").w < 0, "not everything that is shown is opened"


def test_not_for_me_takes_an_opening_back():
    for one in range(25):
        visit = saw(f"resident-{one}", [SPORT], ("sport",))
        actions.record_act(f"resident-{one}", visit, "sport", "not_for_me", NOW + timedelta(minutes=2), 1)
    learn(LATER)
    assert Batch.objects.get().clicks == 0


def test_called_twice_folds_once():
    crowd(30)
    assert learn(LATER) == 60
    before = list(Cell.objects.order_by("pk").values_list("family", "key", "w", "e"))
    assert learn(LATER) == 0
    assert list(Cell.objects.order_by("pk").values_list("family", "key", "w", "e")) == before
    assert Batch.objects.count() == 1


def test_a_crash_between_the_fold_and_the_deletion_loses_nothing_and_counts_nothing_twice(monkeypatch):
    crowd(30)

    def crash(*_):
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(job, "_delete", crash)
        assert learn(LATER) == 0
    assert Interaction.objects.count() == 90
    assert not Cell.objects.exists()
    assert not Pending.objects.exists()
    assert learn(LATER) == 60
    assert Batch.objects.get().clicks == 30


def test_a_visit_that_cannot_be_folded_holds_up_no_other_and_is_tried_again(monkeypatch):
    crowd(30)
    bad = Interaction.objects.order_by("at", "pk").first().visit
    real = job._learn_from

    def poisoned(found, now):
        if any(row.visit == bad.hex for row in found):
            raise ValueError("hanako@example.test")
        real(found, now)

    with monkeypatch.context() as patch:
        patch.setattr(job, "_learn_from", poisoned)
        assert learn(LATER) > 0
        assert set(Interaction.objects.values_list("visit", flat=True)) == {bad}
        assert [one.item for one in sweeps.faults("recommender.learn")] == [f"visit:{bad}"]
        crowd(3)
        assert learn(LATER) > 0  # what came later does not wait for it
    assert learn(LATER) > 0
    assert not Interaction.objects.exists()
    assert sweeps.faults() == ()


def test_who_read_the_same_number_may_not_fold_too():
    last = store.number()
    assert store.claim(last)
    assert not store.claim(last)
    assert store.claim(last + 1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_fold_each_view_once():
    crowd(30)
    start = threading.Barrier(2)
    folded, faults = [], []

    def work():
        try:
            start.wait(10)
            folded.append(learn(LATER))
        except Exception as error:  # noqa: BLE001  told to the test
            faults.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    if connection.vendor == "sqlite":
        # One of them may be told that the table is locked: its transaction is undone and the next sweep comes.
        learn(LATER)
    else:
        assert not faults
    assert sum(batch.views for batch in Batch.objects.all()) == 60
    assert Batch.objects.count() == 1
    assert not Interaction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_during_a_fold_waits_and_leaves_nothing(monkeypatch):
    crowd(19)
    folded, told = threading.Event(), threading.Event()
    delete = job._delete

    def slowly(*found):
        folded.set()
        assert told.wait(10)
        delete(*found)

    monkeypatch.setattr(job, "_delete", slowly)
    faults = []

    def work(does, *arguments):
        try:
            does(*arguments)
        except Exception as error:  # noqa: BLE001  told to the test
            faults.append(error)
        finally:
            connections.close_all()

    folding = threading.Thread(target=work, args=(learn, LATER))
    folding.start()
    assert folded.wait(10)
    if connection.vendor == "sqlite":
        # One file, one writer: whoever withdraws comes before or after.
        told.set()
        folding.join(20)
    withdrawing = threading.Thread(target=work, args=(actions.forget, "resident-0"))
    withdrawing.start()
    told.set()
    folding.join(20)
    withdrawing.join(20)
    assert not faults
    assert not Interaction.objects.exists()
    assert not Pending.objects.filter(subject="resident-0").exists()
    assert Pending.objects.filter(subject="resident-1").exists()


def test_batches_end_with_a_visit(monkeypatch):
    monkeypatch.setattr(job, "MOST_ROWS", 5)
    crowd(6)
    assert learn(LATER) == 12
    assert [batch.views for batch in Batch.objects.order_by("pk")] == [4, 4, 4]


def test_a_row_that_cannot_be_read_is_dropped_and_holds_up_nobody(caplog):
    crowd(2)
    Interaction.objects.filter(subject="resident-0", act="view").update(item={"id": "sport"})
    assert learn(LATER) == 4
    assert not Interaction.objects.exists()
    assert "2 views could not be read" in caplog.text
    assert "resident-0" not in caplog.text


def test_an_opening_whose_view_never_came_is_deleted_when_it_is_old():
    saw("resident-0", [], ("sport",))
    learn(NOW)
    assert Interaction.objects.count() == 1
    learn(LATER)
    assert not Interaction.objects.exists()


def test_what_is_pending_is_kept_for_thirty_days():
    crowd(2)
    learn(LATER)
    learn(LATER + timedelta(days=29))
    assert pending().exists()
    learn(LATER + timedelta(days=30))
    assert not Pending.objects.exists()


def test_a_cell_fades_and_goes():
    crowd(30)
    learn(LATER)
    later = LATER + timedelta(days=900)
    saw("resident-0", [MUSIC], at=later)
    learn(later + timedelta(hours=1))
    assert not Cell.objects.filter(family="item", key="sport").exists()


def test_forgotten_is_gone_from_every_table_and_is_not_folded():
    crowd(19)
    learn(LATER)
    saw("resident-0", [SPORT, MUSIC], ("music",), number=1, at=LATER)
    actions.dismiss("resident-0", "music", LATER)
    actions.forget("resident-0")
    assert not Interaction.objects.filter(subject="resident-0").exists()
    assert not Pending.objects.filter(subject="resident-0").exists()
    assert queries.dismissed("resident-0") == frozenset()
    assert pending().filter(family="topic", key="sports").count() == 18
    saw("resident-19", [SPORT, MUSIC], ("sport",), at=LATER)
    learn(LATER + timedelta(hours=1))
    assert not Cell.objects.exists(), "whoever withdrew is not one of the twenty"
    assert not Pending.objects.filter(subject="resident-0").exists()


def test_allowances_are_kept_between_batches_and_end_after_thirty_days():
    for number in range(3):
        saw("bot", [SPORT], ("sport",), number=number, at=NOW + timedelta(hours=number))
        learn(NOW + timedelta(hours=number, minutes=31))
    used = Pending.objects.get(family=contribution_cap.FAMILY, key="provider|club")
    assert used.c == contribution_cap.Limits().least
    learn(NOW + timedelta(days=31))
    assert not Pending.objects.exists()


def test_the_executor_runs_it_every_five_minutes_on_its_own_queue():
    job_of_executor = executor.jobs()["recommender.learn"]
    assert (job_of_executor.seconds, job_of_executor.queue) == (300, "learning")
    crowd(2, at=timezone.now() - timedelta(hours=1))
    assert job_of_executor.run() == 4
