"""Planned maintenance: who may plan it, what a window may be, and that everybody's registry knows it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from gadgets import actions
from gadgets.errors import LifeError, NotPermittedError, WrongStateError
from gadgets.models import Gadget, Maintenance, ReviewNote
from gadgets.operation import maintenance
from identity.domain.roles import Actor
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.upgrades import Bins

HOUR = timedelta(hours=1)


@pytest.fixture
def bins(desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> Bins:
    return Bins(careless, django_capture_on_commit_callbacks)


@pytest.fixture
def tomorrow() -> datetime:
    return timezone.now() + timedelta(days=1)


def plan(bins: Bins, start: datetime, end: datetime, by: Actor | None = None, sentence: str = "") -> int:
    with bins.capture(execute=True):
        return actions.plan_maintenance(
            gadget_id=bins.id, starts_at=start, ends_at=end, sentence=sentence, by=by or bins.busco
        )


def test_a_planned_pause_is_in_the_registry_until_it_is_over(bins: Bins, tomorrow: datetime) -> None:
    plan(bins, tomorrow, tomorrow + HOUR, sentence="サーバーを入れかえます。")
    assert bins.info.pause(timezone.now()) is None
    found = bins.info.pause(tomorrow + HOUR / 2)
    assert found is not None
    assert found.note == {"ja": "サーバーを入れかえます。"}
    assert bins.info.pause(tomorrow + HOUR) is None
    note = ReviewNote.objects.get(decision="maintenance")
    assert (note.side, note.who_id) == ("provider", bins.busco.id)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (2, 2, "終わりの時刻"),
        (3, 2, "終わりの時刻"),
        (-1, 2, "過ぎた時刻"),
        (2, 2 + 14 * 24 + 1, "14日以内"),
        (181 * 24, 181 * 24 + 1, "180日より先"),
        (25, 27, "重なって"),
        (20, 30, "重なって"),
    ],
)
def test_a_window_that_breaks_a_rule_is_refused_with_the_rule(
    bins: Bins, tomorrow: datetime, start: int, end: int, told: str
) -> None:
    plan(bins, tomorrow, tomorrow + 2 * HOUR)
    now = tomorrow - timedelta(days=1)
    with pytest.raises(LifeError, match=told):
        plan(bins, now + start * HOUR, now + end * HOUR)
    assert Maintenance.objects.count() == 1


def test_windows_may_follow_each_other_and_are_counted(
    bins: Bins, tomorrow: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "MOST", 2)
    plan(bins, tomorrow, tomorrow + HOUR)
    plan(bins, tomorrow + HOUR, tomorrow + 2 * HOUR)
    with pytest.raises(LifeError, match="2件まで"):
        plan(bins, tomorrow + 3 * HOUR, tomorrow + 4 * HOUR)


def test_a_cancelled_one_is_gone_and_a_running_one_ends_now(bins: Bins, tomorrow: datetime) -> None:
    later = plan(bins, tomorrow, tomorrow + HOUR)
    running = plan(bins, timezone.now(), timezone.now() + HOUR)
    Maintenance.objects.filter(pk=running).update(starts_at=timezone.now() - HOUR)
    for window in (later, running):
        with bins.capture(execute=True):
            actions.cancel_maintenance(gadget_id=bins.id, window=window, by=bins.busco)
    assert bins.info.pauses == ()
    assert list(Maintenance.objects.values_list("pk", flat=True)) == [running]
    with pytest.raises(WrongStateError, match="もうありません"):
        actions.cancel_maintenance(gadget_id=bins.id, window=later, by=bins.busco)


def test_only_its_provider_and_operators_plan(bins: Bins, tomorrow: datetime) -> None:
    window = plan(bins, tomorrow, tomorrow + HOUR, by=cast.as_actor(cast.operator()))
    assert ReviewNote.objects.filter(decision="maintenance", side="operator").exists()
    taro = cast.as_actor(cast.taro())
    with pytest.raises(NotPermittedError):
        plan(bins, tomorrow + 5 * HOUR, tomorrow + 6 * HOUR, by=taro)
    with pytest.raises(NotPermittedError):
        actions.cancel_maintenance(gadget_id=bins.id, window=window, by=taro)


def test_what_is_not_public_has_no_maintenance(bins: Bins, tomorrow: datetime) -> None:
    Gadget.objects.update(state="retired")
    with pytest.raises(WrongStateError, match="公開している"):
        plan(bins, tomorrow, tomorrow + HOUR)


def test_the_operator_plans_and_cancels_at_the_desk(bins: Bins, desk: DeskFor, tomorrow: datetime) -> None:
    operator = desk(cast.operator())
    url = reverse("city_review_decide", args=[bins.id])
    local = timezone.localtime(tomorrow)
    form = {
        "decision": "plan",
        "starts_at": f"{local:%Y-%m-%dT%H:%M}",
        "ends_at": f"{local + HOUR:%Y-%m-%dT%H:%M}",
    }
    html = operator.post(url, **form, sentence="入れかえ").content.decode()
    assert f"{local:%Y-%m-%d %H:%M} –" in html
    assert operator.post(url, **{**form, "starts_at": "soon"}).status_code == 422
    assert operator.post(url, **form).status_code == 422
    row = Maintenance.objects.get()
    assert operator.post(url, decision="unplan", window="x").status_code == 422
    assert operator.post(url, decision="unplan", window=str(row.pk)).status_code == 200
    assert not Maintenance.objects.exists()
