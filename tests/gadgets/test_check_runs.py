"""The queue of check runs: fair among providers, bounded in its tries, and every run ends with a result."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from django.urls import reverse
from django.utils import timezone

from gadgets import actions, conformance, tasks
from gadgets.cards import render
from gadgets.conformance.checks import privacy
from gadgets.models import CheckLine, CheckRun, Gadget, GadgetVersion
from gadgets.protocol.conformance_lines import Line, passed
from gadgets.registration import check_runs
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.samples import URL, raw

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean")]

Register = Callable[[str, int], list[int]]


@pytest.fixture
def waiting(django_capture_on_commit_callbacks: Any) -> Register:
    """Gadgets of a provider whose checks wait; the ids of their runs, in the order of asking."""
    by = cast.as_actor(cast.busco())

    def register(name: str, count: int) -> list[int]:
        organisation = actions.create_organisation(name=name, kind="company", contact="a@bus.example", by=by)
        runs = []
        for number in range(count):
            gadget = Gadget.objects.create(
                gadget_id=f"example.{name.lower()}.g{number}", provider_id=organisation
            )
            version = GadgetVersion.objects.create(gadget=gadget, version="1.0.0", manifest=raw(), url=URL)
            runs.append(CheckRun.objects.create(version=version).pk)
        return runs

    return register


def taken(run_id: int, tries: int = 1, ago: timedelta = timedelta(0)) -> None:
    """As if a worker had it."""
    CheckRun.objects.filter(pk=run_id).update(state="running", started_at=timezone.now() - ago, tries=tries)


def order() -> list[int]:
    """The runs as one worker after the other would take them, none ending meanwhile."""
    found: list[int] = []
    while (run_id := check_runs.following(timezone.now())) is not None:
        taken(run_id)
        found.append(run_id)
    return found


def test_a_provider_has_one_run_at_a_time_and_keeps_nobody_else_waiting(waiting: Register) -> None:
    slow = waiting("SlowCo", 5)
    other, third = waiting("OtherCo", 1), waiting("ThirdCo", 2)
    assert order() == [slow[0], other[0], third[0]]


def test_who_was_served_longest_ago_comes_first(waiting: Register) -> None:
    many, few = waiting("ManyCo", 3), waiting("FewCo", 2)
    turns = []
    while (run_id := check_runs.following(timezone.now())) is not None:
        taken(run_id)
        actions.finish_checks(run_id=run_id, ok=True)
        turns.append(run_id)
    assert turns == [many[0], few[0], many[1], few[1], many[2]]


def test_two_workers_do_not_take_two_runs_of_one_provider(waiting: Register) -> None:
    first, second = waiting("SlowCo", 2)
    taken(first)
    assert check_runs.run(second) is False
    assert CheckRun.objects.get(pk=second).state == "waiting"


def test_a_second_worker_sweeps_the_same_queue() -> None:
    swept = [job.name for job in tasks.JOBS if job.run is check_runs.run_waiting]
    assert swept == [tasks.RUN_CHECKS, tasks.RUN_CHECKS_BESIDE]


def test_a_run_that_kills_its_worker_is_tried_three_times_and_then_has_a_result(waiting: Register) -> None:
    (run_id,) = waiting("CrashCo", 1)
    lost = check_runs.LOST_AFTER * 2
    for tries in range(1, check_runs.MOST_TRIES):
        taken(run_id, tries, lost)
        assert check_runs.following(timezone.now()) == run_id
    taken(run_id, check_runs.MOST_TRIES, lost)
    assert check_runs.run_waiting() == 1
    run = CheckRun.objects.get(pk=run_id)
    assert (run.state, run.ok) == ("done", False)
    (line,) = run.lines.all()
    assert line.message["ja"].startswith("検査のプログラムが 3 回とも途中で止まり")
    assert line.remedy["en"]
    assert check_runs.run_waiting() == 0, "it does not start anew"


def test_a_worker_that_lost_its_run_writes_nothing_more(
    waiting: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run_id,) = waiting("LateCo", 1)

    def lines(*_: object) -> Iterator[Line]:
        yield passed(1, {"ja": "一"}, {"ja": "一"})
        taken(run_id, 2)
        yield passed(2, {"ja": "二"}, {"ja": "二"})

    monkeypatch.setattr(conformance, "check", lines)
    assert check_runs.run(run_id)
    assert list(CheckLine.objects.filter(run_id=run_id).values_list("number", flat=True)) == [1]
    assert CheckRun.objects.get(pk=run_id).state == "running", "the other worker ends it"


def boom(*_: object, **__: object) -> NoReturn:
    raise ArithmeticError("a secret of the card")


def test_a_check_that_breaks_is_a_line_of_the_report(
    desk: DeskFor, careless: life.Careless, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(privacy, "check", boom)
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    with caplog.at_level(logging.ERROR):
        member.checks()
    run = CheckRun.objects.get()
    assert (run.state, run.ok) == ("done", False)
    line = run.lines.order_by("position").last()
    assert line is not None
    assert "ArithmeticError" in line.message["ja"]
    assert careless.url in caplog.text
    assert "secret" not in caplog.text + line.message["ja"] + line.message["en"]
    page = member.page(reverse("gadgets:provider_gadget", args=[run.version.gadget.gadget_id]))
    assert "検査の中断" in page


def test_a_card_that_cannot_be_drawn_fails_check_4(
    desk: DeskFor, careless: life.Careless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "get_template", boom)
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    member.checks()
    run = CheckRun.objects.get()
    assert (run.state, run.ok) == ("done", False)
    line = run.lines.get(number=4)
    assert line.ok is False
    assert "ポータルが表示できませんでした（ArithmeticError" in line.message["ja"]
