"""Writes of gadgets, the door for other packages: each step of a life from the module that does it.

One function for each step: it checks who asks, changes the tables and writes the audit row in one
transaction, and lets effects (clients at the ID, the registry's number, the executor) follow the commit.
Nothing is fetched inside a transaction. Residents' layouts are in `gadgets.placing`.
"""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from gadgets.ending import announce_retirement, cancel_retirement, retire
from gadgets.errors import LifeError, NotPermittedError, NotYoursError
from gadgets.forgetting import forget_resident
from gadgets.maintenance import cancel as cancel_maintenance
from gadgets.maintenance import plan as plan_maintenance
from gadgets.models import Membership, Provider
from gadgets.placing import configure, hide, move, place, unplace
from gadgets.registering import finish_checks, refresh, register, rotate_secret, run_checks, submit
from gadgets.reviewing import approve, refuse, roll_back, roll_out
from gadgets.running import resume, suspend
from gadgets.steps import member
from identity.roles import Actor

__all__ = [
    "add_member",
    "announce_retirement",
    "approve",
    "cancel_maintenance",
    "cancel_retirement",
    "configure",
    "create_organisation",
    "finish_checks",
    "forget_resident",
    "hide",
    "move",
    "place",
    "plan_maintenance",
    "refresh",
    "refuse",
    "register",
    "resume",
    "retire",
    "roll_back",
    "roll_out",
    "rotate_secret",
    "run_checks",
    "submit",
    "suspend",
    "unplace",
]


# --- organisations ---------------------------------------------------------------------------------------------


def create_organisation(*, name: str, kind: str, contact: str, by: Actor) -> int:
    """Anyone signed in may create one and becomes its first member; returns its number."""
    if by.id is None:
        raise NotPermittedError
    provider = Provider(name=name.strip(), kind=kind, contact=contact.strip())
    try:
        provider.clean_fields(exclude=["host"])
        if "\0" in name + contact:
            raise ValidationError("null byte")
    except ValidationError as error:
        raise LifeError("組織の名前、種類、連絡先のメールアドレスを書いてください。") from error
    try:
        with transaction.atomic():
            provider.save()
            Membership.objects.create(provider=provider, resident_id=by.id)
    except IntegrityError as error:
        raise NotYoursError("同じ名前の組織が、すでに登録されています。") from error
    return provider.pk


def add_member(*, provider_id: int, resident_id: UUID, by: Actor) -> None:
    """A member lets another resident act for the organisation."""
    member(provider_id, by)
    Membership.objects.get_or_create(provider_id=provider_id, resident_id=resident_id)
