"""What editors decide about the order: versions of the prior, and rules. Who may do so is asked by the caller.

Each change is one row more, with its reason, and raises the version by which every process sees it.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core import versions
from recommender.actions import bump
from recommender.domain import priors
from recommender.domain.rules import MOST_RULES
from recommender.domain.rules import Rule as PureRule
from recommender.domain.weights import Prior
from recommender.errors import EditedMeanwhileError, RuleMissingError, RuleRefusedError, WeightsError
from recommender.models import PriorChange, Rule
from recommender.queries import VERSION_KEY


@dataclass(frozen=True, slots=True)
class PriorVersion:
    """A version of the prior that was set; `by` is the resident id of who set it."""

    id: int
    reason: str
    by: UUID | None
    at: datetime
    prior: Prior


@dataclass(frozen=True, slots=True)
class MadeRule:
    """A rule as it stands in the table, with who made it and when."""

    rule: PureRule
    by: UUID | None
    at: datetime


# --- reads -----------------------------------------------------------------------------------------------------


def prior_version() -> int:
    """The number of the prior that holds; 0 is the one that the code comes with."""
    return PriorChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def prior_versions(most: int = 50) -> tuple[PriorVersion, ...]:
    """The last versions that can be read, the newest first."""
    found = []
    for row in PriorChange.objects.order_by("-pk")[:most]:
        with suppress(WeightsError):
            found.append(PriorVersion(row.pk, row.reason, row.by, row.at, priors.from_json(row.prior)))
    return tuple(found)


def rules(now: datetime) -> tuple[PureRule, ...]:
    """Those that hold at `now` or will, the oldest first; one query."""
    return tuple(_pure(row) for row in Rule.objects.filter(ends_at__gt=now).order_by("pk"))


def made_rules(most: int = 100) -> tuple[MadeRule, ...]:
    """All rules, also those that ended, the newest first."""
    return tuple(MadeRule(_pure(row), row.by, row.at) for row in Rule.objects.order_by("-pk")[:most])


def _pure(row: Rule) -> PureRule:
    return PureRule(
        id=row.pk,
        effect=row.effect,  # type: ignore[arg-type]  # the column has these choices
        of=row.of,  # type: ignore[arg-type]
        target=row.target,
        amount=row.amount,
        audience=row.audience,
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


# --- writes ----------------------------------------------------------------------------------------------------


@transaction.atomic
def set_prior(*, document: Mapping[str, Any], reason: str, by: UUID | None, now: datetime, base: int) -> int:
    """A version more of the prior, the whole of it; returns its number.

    Raises WeightsError for a document that is none or has no reason, EditedMeanwhileError when another one than `base`
    holds by now.
    """
    if not reason.strip():
        raise WeightsError("a change of the prior needs a reason")
    prior = priors.bounded(priors.from_json(document))
    _wait_for_others()
    if prior_version() != base:
        raise EditedMeanwhileError
    row = PriorChange.objects.create(prior=priors.to_json(prior), reason=reason.strip(), by=by, at=now)
    bump()
    return row.pk


@transaction.atomic
def make_rule(*, rule: PureRule, by: UUID | None, now: datetime) -> int:
    """A rule more; returns its number. Raises RuleRefusedError, also when as many hold as may."""
    rule.check(now)
    _wait_for_others()
    if Rule.objects.filter(ends_at__gt=now).count() >= MOST_RULES:
        raise RuleRefusedError("count")
    row = Rule.objects.create(
        effect=rule.effect,
        of=rule.of,
        target=rule.target,
        amount=rule.amount,
        audience=dict(rule.audience),
        reason=rule.reason.strip(),
        starts_at=rule.starts_at,
        ends_at=rule.ends_at,
        by=by,
        at=now,
    )
    bump()
    return row.pk


@transaction.atomic
def end_rule(*, number: int, now: datetime) -> None:
    """Ends a rule now; one that has not begun is taken away. Raises RuleMissingError when none of this number is left."""
    row = Rule.objects.select_for_update().filter(pk=number, ends_at__gt=now).first()
    if row is None:
        raise RuleMissingError
    if row.starts_at >= now:
        row.delete()
    else:
        row.ends_at = now
        row.save(update_fields=["ends_at"])
    bump()


def _wait_for_others() -> None:
    """Two editors who press at once are one after the other: the row of the version is held."""
    versions.hold(VERSION_KEY)
