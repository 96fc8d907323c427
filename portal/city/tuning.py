"""Who may change the order, and the change itself: the prior and the rules, each with its entry in the audit chain."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest

from identity.audit import chain
from identity.domain.roles import ADMIN_ROLES, Actor
from identity.errors import NoSuchResident
from identity.queries import actor_in
from recommender import editing
from recommender.domain.rules import Rule


def is_desk(request: HttpRequest) -> bool:
    """Whether an editor or an operator asks, as the roles are now."""
    try:
        return bool(actor_in(request).roles & ADMIN_ROLES)
    except NoSuchResident:
        return False


def desk_of(request: HttpRequest) -> Actor:
    """The editor or operator in the admin; nobody else gets any further."""
    try:
        by = actor_in(request)
    except NoSuchResident as error:
        raise PermissionDenied from error
    _check(by)
    return by


@transaction.atomic
def set_prior(*, document: Mapping[str, Any], reason: str, by: Actor, now: datetime, base: int) -> int:
    """See `recommender.editing.set_prior`; editors and operators only."""
    _check(by)
    number = editing.set_prior(document=document, reason=reason, by=by.id, now=now, base=base)
    chain.record("order_changed", by=by, what="prior", number=number)
    return number


@transaction.atomic
def make_rule(*, rule: Rule, by: Actor, now: datetime) -> int:
    """See `recommender.editing.make_rule`; editors and operators only."""
    _check(by)
    number = editing.make_rule(rule=rule, by=by.id, now=now)
    chain.record("order_changed", by=by, what="rule", number=number)
    return number


@transaction.atomic
def end_rule(*, number: int, by: Actor, now: datetime) -> None:
    """See `recommender.editing.end_rule`; editors and operators only."""
    _check(by)
    editing.end_rule(number=number, now=now)
    chain.record("order_changed", by=by, what="rule_ended", number=number)


def _check(by: Actor) -> None:
    if not by.roles & ADMIN_ROLES:
        raise PermissionDenied
