"""`manage.py compare_orders`: plans a comparison of two orders, begins it, says how far it is, and concludes it once."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.region_time import region_date
from recommender.abtest import experiments
from recommender.abtest.comparison import ARMS
from recommender.abtest.experiments import Comparison
from recommender.errors import (
    ComparisonMissingError,
    ComparisonRefusedError,
    EstimateError,
    OrderError,
    TooEarlyError,
)
from recommender.evaluation.sizes import Design


class Command(BaseCommand):
    """Before the conclusion it prints homes only, and nothing of what was opened in which order."""

    help = "Two orders compared by residents who said yes to learning: plan, start, status, stop, conclude, list."

    def add_arguments(self, parser: ArgumentParser) -> None:
        does = parser.add_subparsers(
            dest="does", required=True, metavar="plan|start|status|stop|conclude|list"
        )
        does.add_parser("list")
        named = {name: does.add_parser(name) for name in ("plan", "start", "status", "stop", "conclude")}
        for one in named.values():
            one.add_argument("name")
        named["stop"].add_argument("--reason", required=True, help="kept with the comparison")
        plan = named["plan"]
        plan.add_argument("--question", required=True, help="what is to be found out")
        plan.add_argument("--a", default="{}", help="the first order as JSON (the present one)")
        plan.add_argument("--b", required=True, help='the second, for example {"per_topic": 2}')
        plan.add_argument(
            "--baseline", type=float, required=True, help="share of homes that open something now"
        )
        plan.add_argument(
            "--effect", type=float, required=True, help="smallest relative change worth knowing"
        )
        plan.add_argument("--visits-each", type=float, default=1.0, help="visits of one resident meanwhile")
        plan.add_argument(
            "--alike", type=float, default=0.1, help="correlation between visits of one resident"
        )

    def handle(self, *, does: str, name: str = "", **given: Any) -> None:
        try:
            self._do(does, name, given)
        except ComparisonMissingError as error:
            raise CommandError(f"no such comparison: {error}") from error
        except TooEarlyError as error:
            raise CommandError(f"too early: {error}") from error
        except (ComparisonRefusedError, EstimateError, OrderError) as error:
            raise CommandError(f"refused: {error}") from error

    def _do(self, does: str, name: str, given: Mapping[str, Any]) -> None:
        now = timezone.now()
        if does == "list":
            self._list()
        elif does == "status":
            self._status(experiments.comparison(name))
        elif does == "plan":
            self._plan(name, given)
        elif does == "start":
            experiments.start(name=name, now=now)
            self.stdout.write(f"{name} runs: half of those who said yes to learning see order b")
        elif does == "stop":
            experiments.stop(name=name, reason=given["reason"], now=now)
            self.stdout.write(f"{name} is stopped without a conclusion; everybody sees the present order")
        else:
            self._status(experiments.conclude(name=name, now=now))

    def _plan(self, name: str, given: Mapping[str, Any]) -> None:
        design = Design(given["baseline"], given["effect"], given["visits_each"], given["alike"])
        found = experiments.plan(
            name=name, question=given["question"], a=_json(given["a"]), b=_json(given["b"]), design=design
        )
        days = experiments.days_for(found.needed, region_date())
        self.stdout.write(f"{name}: {found.needed} visits are needed for each order")
        if days is None:
            self.stdout.write(f"days: unknown, no home was counted in the last {experiments.LOOK_BACK} days")
        else:
            self.stdout.write(f"days: about {days} at the visits of the last {experiments.LOOK_BACK} days")
        if days is not None and days > experiments.MOST_DAYS:
            self.stdout.write(
                f"longer than {experiments.MOST_DAYS} days: its first sums would be deleted before"
            )

    def _list(self) -> None:
        found = experiments.comparisons()
        for one in found:
            self.stdout.write(f"{one.name:<38}  {one.state:<9}  {one.question}")
        if not found:
            self.stdout.write("nothing was compared yet")

    def _status(self, one: Comparison) -> None:
        self.stdout.write(f"{one.name}: {one.state}. {one.question}")
        self.stdout.write(f"a: {_order(one.a)}; b: {_order(one.b)}")
        if one.started_at:
            end = f", ended {one.ended_at:%Y-%m-%d %H:%M}" if one.ended_at else ""
            self.stdout.write(f"begun {one.started_at:%Y-%m-%d %H:%M}{end}")
        if "stopped" in one.conclusion:
            self.stdout.write(f"no conclusion: {one.conclusion['stopped']}")
        elif one.conclusion:
            self._conclusion(one.conclusion)
        else:
            far = experiments.progress(one.name)
            counted = ", ".join(f"{arm} {far.visits[arm]}" for arm in ARMS)
            self.stdout.write(
                f"visits: {counted} of {far.needed} each; {far.missing} more for each are missing"
            )

    def _conclusion(self, found: Mapping[str, Any]) -> None:
        self.stdout.write(f"visits that opened something: {_shares(found)}")
        p = f"p = {found['p']:.3f}" if found["p"] >= 0.001 else "p < 0.001"
        self.stdout.write(
            f"difference b - a: {found['difference']:+.2%} [{found['low']:+.2%}, {found['high']:+.2%}], {p}"
        )
        self.stdout.write("they differ" if found["differs"] else "no difference beyond chance")
        for one in found["slices"]:
            self.stdout.write(f"  {one['dimension']} {one['value']}: {_shares(one)}")
        for dimension, value in found["withheld"]:
            self.stdout.write(
                f"  {dimension} {value}: withheld, so that fewer than 20 residents are never told"
            )


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(f"not JSON: {text}") from error


def _order(order: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in order.items()) or "as it is"


def _shares(found: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{arm} {found[arm]['opened']} of {found[arm]['visits']} ({_share(found[arm])})" for arm in ARMS
    )


def _share(arm: Mapping[str, int]) -> str:
    return f"{arm['opened'] / arm['visits']:.1%}" if arm["visits"] else "none"
