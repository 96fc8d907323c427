"""Every night the checks run over what is published; a fault is told once, and nobody is suspended by it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gadgets.models import CheckLine, CheckRun, Gadget, Maintenance, ReviewNote
from gadgets.registration import check_runs, nightly
from tests.gadgets import life

NIGHT = datetime(2026, 4, 1, 17, 30, tzinfo=UTC)  # 02:30 in Japan
DAY = NIGHT + timedelta(hours=8)


@pytest.fixture
def bins(clean: None, db: None, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> Gadget:
    """Published long ago, by a provider that takes every token: it fails check 3 and no other."""
    life.publish(careless.url, django_capture_on_commit_callbacks)
    CheckRun.objects.update(created_at=NIGHT - timedelta(days=9), finished_at=NIGHT - timedelta(days=9))
    return Gadget.objects.get()


def warnings() -> list[ReviewNote]:
    return list(ReviewNote.objects.filter(decision="warned").order_by("pk"))


def test_at_night_a_fault_is_told_to_the_provider_and_the_gadget_stays(bins: Gadget) -> None:
    assert nightly.sweep(NIGHT) == 1
    assert check_runs.run_waiting() == 1
    run = CheckRun.objects.latest("pk")
    assert run.version_id == bins.published_id
    assert run.ok is False
    assert {line.number for line in run.lines.filter(ok=False)} == {3}
    (told,) = warnings()
    assert told.side == "machine"
    assert "公開は、そのまま続いています" in told.reason
    assert "exp を過ぎたトークンには 401 を返してください。" in told.reason
    wrong = run.lines.filter(ok=False).count()
    assert f"ほかに {wrong - told.reason.count('・3.')} 件" in told.reason
    bins.refresh_from_db()
    assert bins.state == "published"


def test_the_same_faults_are_not_told_again_and_others_are(bins: Gadget, careless: life.Careless) -> None:
    for night in range(2):
        assert nightly.sweep(NIGHT + timedelta(days=night)) == 1
        check_runs.run_waiting()
    assert len(warnings()) == 1
    careless.privacy = life.reply(b"", status=404)
    assert nightly.sweep(NIGHT + timedelta(days=2)) == 1
    check_runs.run_waiting()
    assert len(warnings()) == 2
    assert CheckRun.objects.latest("pk").lines.filter(ok=False, number=13).count() == 1


def test_a_gadget_that_passes_is_told_nothing(bins: Gadget) -> None:
    run = CheckRun.objects.create(version=bins.published, state="done", ok=True, finished_at=NIGHT)
    assert not nightly.tell(run.pk)
    assert warnings() == []


def test_by_day_and_twice_in_a_night_nobody_is_asked(bins: Gadget) -> None:
    assert nightly.sweep(DAY) == 0
    assert nightly.sweep(NIGHT) == 1
    assert nightly.sweep(NIGHT + timedelta(minutes=5)) == 0
    assert CheckRun.objects.filter(state="waiting").count() == 1


@pytest.mark.parametrize("state", ["suspended", "retired"])
def test_what_is_not_published_is_left_alone(bins: Gadget, state: str) -> None:
    Gadget.objects.update(state=state)
    assert nightly.sweep(NIGHT) == 0


def test_a_planned_pause_is_left_alone(bins: Gadget) -> None:
    pause = Maintenance.objects.create(
        gadget=bins, starts_at=NIGHT - timedelta(hours=1), ends_at=NIGHT + timedelta(hours=1)
    )
    assert nightly.sweep(NIGHT) == 0
    pause.delete()
    assert nightly.sweep(NIGHT) == 1


def test_a_run_that_waits_already_is_enough(bins: Gadget) -> None:
    CheckRun.objects.create(version=bins.published, created_at=NIGHT - timedelta(days=2))
    assert nightly.sweep(NIGHT) == 0
    assert bins.published_id
    assert not nightly._queue(bins.published_id, NIGHT)


def test_a_full_queue_is_not_made_longer(bins: Gadget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "AT_ONCE", 0)
    assert nightly.sweep(NIGHT) == 0


def test_a_gadget_suspended_meanwhile_is_not_warned(bins: Gadget) -> None:
    run = CheckRun.objects.create(version=bins.published, state="done", ok=False, finished_at=NIGHT)
    CheckLine.objects.create(
        run=run, position=0, number=8, ok=False, title={"ja": "速さ"}, message={"ja": "遅い"}, remedy={}
    )
    Gadget.objects.update(state="suspended")
    assert not nightly.tell(run.pk)
    Gadget.objects.update(state="published")
    assert nightly.tell(run.pk)


def test_old_reports_go_but_the_last_one_stays(bins: Gadget) -> None:
    last = CheckRun.objects.latest("pk")
    for day in (60, 40, 2):
        at = NIGHT - timedelta(days=day)
        last = CheckRun.objects.create(
            version=bins.published, state="done", ok=True, created_at=at, finished_at=at
        )
    CheckRun.objects.exclude(pk=last.pk).filter(finished_at__gt=NIGHT - timedelta(days=10)).delete()
    assert nightly.forget_old(NIGHT) == 2
    assert list(CheckRun.objects.values_list("pk", flat=True)) == [last.pk]
    assert nightly.forget_old(NIGHT + timedelta(days=90)) == 0
