"""A comparison is planned, runs alone, counts homes of nobody, says nothing before its size, and is concluded once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from recommender import actions, queries
from recommender.abtest import experiments
from recommender.abtest.comparison import Order, arm, marked
from recommender.domain.types import Profile, ViewRow
from recommender.errors import (
    ComparisonMissingError,
    ComparisonRefusedError,
    EstimateError,
    OrderError,
    TooEarlyError,
)
from recommender.evaluation import sizes
from recommender.evaluation.sizes import Arm, Design
from recommender.learning import job
from recommender.metrics import compared, counting
from recommender.metrics.counting import Opened
from recommender.models import Count, Experiment, Interaction
from tests.recommender.samples import item

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
LATER = AT + timedelta(days=30)
QUICK = Design(0.3, 0.9)
"""Needs 51 visits for each."""
WARD = Profile(district="yashima", attributes={"age_band": "35-44", "language": "ja"})


@pytest.fixture(autouse=True)
def no_version_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def plan(name: str = "caps", **more: Any) -> experiments.Comparison:
    given: dict[str, Any] = {
        "question": "Do tighter caps help?",
        "a": {},
        "b": {"per_topic": 2},
        "design": QUICK,
    } | more
    return experiments.plan(name=name, **given)


def running(name: str = "caps", **more: Any) -> experiments.Comparison:
    plan(name, **more)
    return experiments.start(name=name, now=AT)


def people(which: str, count: int, name: str = "caps") -> list[str]:
    """Pseudonyms of one arm."""
    found = (f"s{number}" for number in range(100_000))
    return [subject for subject, _ in zip((one for one in found if arm(one, name) == which), range(count))]  # noqa: B905


def home(subject: str, profile: Profile = WARD, name: str = "caps", at: datetime = AT) -> UUID:
    """One home of three entries, counted and written as `portal.home.feedback.impressions` does."""
    visit = uuid4()
    rows = [
        ViewRow(
            subject=subject,
            visit=visit,
            item=item(f"n{place}", topics=("school",)),
            profile=profile,
            position=place,
            propensity=1.0,
            exploring=False,
            arm=marked(name, arm(subject, name)) if subject and name else "",
            consent_version=1,
            at=at,
        )
        for place in range(3)
    ]
    counting.of_visits(rows)
    if subject:
        actions.record_views(rows)
    return visit


def opens(subject: str, visit: UUID, items: Sequence[str], at: datetime = AT) -> None:
    counting.of_opened([Opened(visit, one, at) for one in items])
    for one in items:
        actions.record_act(subject, visit, one, "open", at, 1)


def version() -> int:
    """As it stands in the table: what is spread on commit waits for the end of a test."""
    cache.clear()
    return queries.version()


def fill(a: Arm, b: Arm, name: str = "caps") -> None:
    """As if so much had been counted."""
    for which, found in (("a", a), ("b", b)):
        actions.count(AT.date(), compared.VISITS, marked(name, which), found.visits)
        actions.count(AT.date(), compared.OPENED, marked(name, which), found.opened)


def run(*given: str) -> str:
    out = StringIO()
    call_command("compare_orders", *given, stdout=out)
    return out.getvalue()


def sums() -> dict[tuple[str, str], float]:
    return {(row.name, row.key): row.value for row in Count.objects.filter(name__startswith="compared.")}


# --- planning --------------------------------------------------------------------------------------------------


def test_a_plan_says_how_many_visits_and_days_before_anything_is_counted(time_machine: Any) -> None:
    time_machine.move_to(AT, tick=False)
    given = ("--question", "Caps?", "--b", '{"per_topic": 2}', "--baseline", "0.3", "--effect", "0.2")
    needed = Design(0.3, 0.2).needed
    printed = run("plan", "caps", *given)
    assert f"{needed} visits are needed for each order" in printed
    assert "days: unknown" in printed
    for ago in range(1, 20):
        actions.count(AT.date() - timedelta(days=ago), counting.LEARNT, "", 100)
    # Two orders share a hundred homes a day.
    days = -(-2 * needed // 100)
    assert f"about {days} at the visits of the last 14 days" in run("plan", "caps-again", *given)
    assert "longer than 365 days" in run("plan", "caps-small", *given[:-1], "0.02")
    assert [one.state for one in experiments.comparisons()] == ["planned"] * 3
    assert queries.running_experiment() is None


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"name": "Caps"}, ComparisonRefusedError, "small letters"),
        ({"name": "a|b"}, ComparisonRefusedError, "small letters"),
        ({"name": "a" * 39}, ComparisonRefusedError, "at most 38"),
        ({"question": "  "}, ComparisonRefusedError, "say which"),
        ({"b": {"per_topic": 0}}, OrderError, "per_topic"),
        ({"a": {"unknown": 1}}, OrderError, "unknown"),
        ({"design": Design(0.3, 1e-9)}, EstimateError, "so small a change"),
        ({"design": Design(0.3, 0.1, float("inf"))}, EstimateError, "finite"),
        ({"design": Design(1e-9, 0.1)}, EstimateError, "so small a change"),
    ],
)
def test_a_plan_that_is_none_is_refused_and_nothing_is_written(
    wrong: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        plan(**wrong)
    assert not Experiment.objects.exists()


def test_a_name_is_used_once() -> None:
    plan()
    with pytest.raises(ComparisonRefusedError, match="already"):
        plan()


def test_the_command_says_what_is_wrong() -> None:
    given = ("--question", "?", "--baseline", "0.3", "--effect", "0.2")
    with pytest.raises(CommandError, match="not JSON"):
        run("plan", "caps", *given, "--b", "{")
    with pytest.raises(CommandError, match="refused: calibration"):
        run("plan", "caps", *given, "--b", '{"calibration": 7}')
    with pytest.raises(CommandError, match="refused: the rate"):
        run("plan", "caps", "--question", "?", "--baseline", "3", "--effect", "0.2", "--b", "{}")
    for does in (("start",), ("status",), ("conclude",), ("stop", "--reason", "x")):
        with pytest.raises(CommandError, match="no such comparison: nothing"):
            run(does[0], "nothing", *does[1:])
    with pytest.raises(ComparisonMissingError):
        experiments.comparison("nothing")
    assert run("list") == "nothing was compared yet\n"


# --- one at a time ---------------------------------------------------------------------------------------------


def test_it_begins_once_raises_the_version_and_is_known_to_the_home() -> None:
    plan(a={"learnt": False})
    before = version()
    experiments.start(name="caps", now=AT)
    assert version() == before + 1
    found = queries.running_experiment()
    assert found is not None
    assert (found.name, found.a, found.b) == ("caps", Order(learnt=False), Order(per_topic=2))
    begun = experiments.comparison("caps")
    assert (begun.needed, begun.started_at) == (QUICK.needed, AT)
    with pytest.raises(ComparisonRefusedError, match="caps is running: it begins once"):
        experiments.start(name="caps", now=LATER)


def test_of_two_at_once_the_second_is_refused_also_by_the_table() -> None:
    running()
    plan("other")
    with pytest.raises(ComparisonRefusedError, match="another comparison is running"):
        experiments.start(name="other", now=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.filter(name="other").update(state="running", started_at=AT)
    assert experiments.comparison("other").state == "planned"
    experiments.stop(name="caps", reason="enough", now=LATER)
    assert experiments.start(name="other", now=LATER).state == "running"


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "running"},
        {"state": "concluded"},
        {"started_at": AT},
        {"started_at": AT, "ended_at": AT, "state": "stopped"},
        {"visits_each": 0.5},
        {"alike": 2.0},
    ],
)
def test_the_table_refuses_a_life_that_cannot_be(wrong: dict[str, Any]) -> None:
    plan()
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.filter(name="caps").update(**wrong)


def test_an_order_of_another_release_shows_nothing_and_does_not_begin(
    caplog: pytest.LogCaptureFixture,
) -> None:
    running()
    Experiment.objects.filter(name="caps").update(b={"warp": 9})
    assert queries.running_experiment() is None
    assert "comparison caps shows nothing: unknown: warp" in caplog.text
    plan("other")
    Experiment.objects.filter(name="other").update(b={"warp": 9})
    with pytest.raises(OrderError, match="warp"):
        experiments.start(name="other", now=AT)


# --- counting --------------------------------------------------------------------------------------------------


def test_a_home_that_opened_something_counts_once_however_much_it_opened() -> None:
    running()
    (one,) = people("a", 1)
    (other,) = people("b", 1)
    visit = home(one)
    opens(one, visit, ["n0", "n1"])
    opens(one, visit, ["n2"])
    opens(one, visit, ["n0"])
    home(one)
    opens(other, home(other), ["n1"])
    found = sums()
    assert found[compared.VISITS, "caps|a"] == 2
    assert found[compared.OPENED, "caps|a"] == 1
    assert found[compared.VISITS, "caps|b"] == found[compared.OPENED, "caps|b"] == 1
    assert found[f"{compared.OPENED}.ward", "caps|a|yashima"] == 1
    assert compared.visits("caps") == {"a": 2, "b": 1}


def test_who_is_not_learnt_from_or_has_no_arm_is_not_counted() -> None:
    running()
    home("")
    opens("s1", home("s1", name=""), ["n0"])
    assert sums() == {}
    assert Count.objects.get(name=counting.LEARNT).value == 1


def test_an_opening_after_its_home_was_folded_counts_for_neither() -> None:
    running()
    (one,) = people("a", 1)
    visit = home(one)
    job.learn(AT + timedelta(hours=1))
    assert not Interaction.objects.exists()
    opens(one, visit, ["n0"], AT + timedelta(hours=1))
    assert (compared.OPENED, "caps|a") not in sums()


def test_after_a_withdrawal_the_sums_stay_and_nothing_is_added() -> None:
    running()
    (one,) = people("b", 1)
    visit = home(one)
    opens(one, visit, ["n0"])
    later = home(one)
    before = sums()
    actions.forget(one)
    counting.of_opened([Opened(later, "n0", AT)])
    assert sums() == before
    assert not [key for _name, key in before if one in key]


def test_counting_takes_one_statement_more_while_a_comparison_runs_and_none_otherwise() -> None:
    def cost(name: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            home("s1", name=name)
        return len(captured)

    cost("")
    without = cost("")
    assert cost("caps") == without + 1


# --- the end ---------------------------------------------------------------------------------------------------


def test_before_its_size_it_says_how_many_are_missing_and_nothing_of_what_was_opened() -> None:
    running()
    fill(Arm(QUICK.needed, 17), Arm(QUICK.needed - 3, 29))
    with CaptureQueriesContext(connection) as captured, pytest.raises(TooEarlyError, match=r"^3 more visits"):
        experiments.conclude(name="caps", now=LATER)
    assert not [query for query in captured if compared.OPENED in query["sql"]]
    with pytest.raises(CommandError, match="too early: 3 more visits are needed for each order"):
        run("conclude", "caps")
    printed = run("status", "caps") + run("list")
    assert f"visits: a {QUICK.needed}, b {QUICK.needed - 3} of {QUICK.needed} each; 3 more" in printed
    assert "17" not in printed
    assert "29" not in printed
    assert "opened" not in printed
    assert experiments.comparison("caps").conclusion == {}


def test_at_its_size_it_concludes_once_and_for_good() -> None:
    running()
    fill(Arm(400, 120), Arm(420, 210))
    before = version()
    found = experiments.conclude(name="caps", now=LATER)
    expected = sizes.conclude(QUICK, Arm(400, 120), Arm(420, 210))
    assert found.conclusion["difference"] == expected.difference == pytest.approx(0.2)
    assert found.conclusion["differs"] is True
    assert (found.state, found.ended_at) == ("concluded", LATER)
    assert version() == before + 1
    assert queries.running_experiment() is None
    # What it was made of is gone, and nothing changes it.
    assert sums() == {}
    fill(Arm(5000, 10), Arm(5000, 10))
    tomorrow = LATER + timedelta(days=1)
    with pytest.raises(ComparisonRefusedError, match="caps is concluded"):
        experiments.conclude(name="caps", now=tomorrow)
    with pytest.raises(ComparisonRefusedError, match="caps is concluded"):
        experiments.start(name="caps", now=tomorrow)
    with pytest.raises(ComparisonRefusedError, match="caps is concluded"):
        experiments.stop(name="caps", reason="x", now=tomorrow)
    assert experiments.comparison("caps") == found
    assert experiments.progress("caps").visits == {"a": 400, "b": 420}
    printed = run("status", "caps")
    assert "a 120 of 400 (30.0%), b 210 of 420 (50.0%)" in printed
    assert "difference b - a: +20.00%" in printed
    assert "they differ" in printed


def test_what_was_only_planned_is_not_concluded() -> None:
    plan()
    with pytest.raises(ComparisonRefusedError, match="caps is planned"):
        experiments.conclude(name="caps", now=LATER)


def test_stopped_it_has_no_conclusion_and_its_sums_go_unread() -> None:
    running()
    fill(Arm(400, 120), Arm(420, 210))
    actions.count(AT.date(), compared.VISITS, "caps-again|a", 7)
    with pytest.raises(CommandError, match="say why"):
        run("stop", "caps", "--reason", " ")
    assert "without a conclusion" in run("stop", "caps", "--reason", "a fault in the order")
    assert sums() == {(compared.VISITS, "caps-again|a"): 7}
    assert queries.running_experiment() is None
    with pytest.raises(CommandError, match="caps is stopped"):
        run("conclude", "caps")
    printed = run("status", "caps")
    assert "no conclusion: a fault in the order" in printed
    assert "difference" not in printed


def test_two_orders_that_are_the_same_differ_in_no_more_than_one_of_twenty() -> None:
    """Residents with habits of their own come three times; hundreds of comparisons divide them anew."""
    random = np.random.default_rng(7)
    # A beta of nine: visits of one resident correlate by 1/10.
    opened = random.binomial(3, random.beta(2.7, 6.3, 1500))
    design = Design(0.3, 0.25, visits_each=3, alike=0.1)
    found = 0
    for number in range(300):
        b = np.array([arm(f"s{one}", f"aa-{number}") == "b" for one in range(len(opened))])
        arms = [Arm(3 * int(half.sum()), int(opened[half].sum())) for half in (~b, b)]
        found += sizes.conclude(design, *arms).differs
    # 15 are expected; four standard errors above.
    assert 0 < found <= 15 + 4 * 3.8


# --- groups ----------------------------------------------------------------------------------------------------


def live(ward: str, count: int) -> None:
    """So many residents of each arm in this ward, each with one home; those of `a` open something."""
    for which in ("a", "b"):
        for subject in people(which, count):
            name = next(one for n in range(9999) if arm(one := f"{ward}{subject}{n}", "caps") == which)
            visit = home(name, Profile(district=ward, attributes={"language": "ja"}))
            if which == "a":
                opens(name, visit, ["n0"])


def test_groups_are_told_from_twenty_residents_of_each_arm_on() -> None:
    running()
    live("yashima", 60)
    live("busshozan", 19)
    live("ritsurin", 5)
    found = experiments.conclude(name="caps", now=LATER).conclusion
    told = {(one["dimension"], one["value"]): one for one in found["slices"]}
    assert set(told) == {("ward", "yashima"), ("language", "ja")}
    assert told["ward", "yashima"]["a"] == {"visits": 60, "opened": 60}
    assert told["ward", "yashima"]["b"] == {"visits": 60, "opened": 0}
    assert found["withheld"] == [["ward", "busshozan"], ["ward", "ritsurin"]]
    printed = run("status", "caps")
    assert "ward busshozan: withheld, so that fewer than 20 residents are never told" in printed
    assert "19" not in printed


def test_one_group_alone_is_not_withheld_where_the_rest_would_tell_it() -> None:
    running()
    live("yashima", 60)
    live("busshozan", 50)
    live("ritsurin", 5)
    found = experiments.conclude(name="caps", now=LATER).conclusion
    assert [one["value"] for one in found["slices"] if one["dimension"] == "ward"] == ["yashima"]
    assert found["withheld"] == [["ward", "busshozan"], ["ward", "ritsurin"]]


def test_one_resident_who_comes_often_in_two_months_is_one() -> None:
    running()
    for which in ("a", "b"):
        for subject in people(which, 19):
            home(subject)
            home(subject, at=AT + timedelta(days=31))
    for which, count in compared.visits("caps").items():
        actions.count(AT.date(), compared.VISITS, marked("caps", which), QUICK.needed - count)
    found = experiments.conclude(name="caps", now=LATER + timedelta(days=9)).conclusion
    assert found["slices"] == []
    assert ["ward", "yashima"] in found["withheld"]
