"""Whose a type of entity is: the city's, unless an operator gave it to a provider that publishes it.

What a manifest `provides` is an offer and gives nothing by itself. The gift holds while a published gadget of that
provider offers the type; then it is the city's again.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from gadgets import registry
from gadgets.errors import WrongStateError
from gadgets.models import Contract, DataOwner, Gadget
from gadgets.review.transitions import Decision, Side, note, reviewed, words
from identity.audit import chain
from identity.domain.roles import Actor

LIVE = (Contract.State.ASKED, Contract.State.AGREED)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a dataset is; without a `provider_id` it is the city's own."""

    provider_id: int | None
    licence: str
    name: str = ""


CITY = Owner(None, "")


def owner_of(entity_type: str) -> Owner:
    """Who decides about this type now."""
    row = DataOwner.objects.select_related("provider").filter(entity_type=entity_type).first()
    if row is None:
        return CITY
    theirs = Gadget.objects.filter(provider_id=row.provider_id, state=Gadget.State.PUBLISHED)
    published = registry.registry().gadgets
    for gadget_id in theirs.order_by("published_at", "gadget_id").values_list("gadget_id", flat=True):
        info = published.get(gadget_id)
        for offer in info.provides if info is not None else ():
            if offer.type == entity_type:
                return Owner(row.provider_id, offer.licence, row.provider.name)
    return CITY


@transaction.atomic
def give(*, gadget_id: str, entity_type: str, reason: str, by: Actor) -> None:
    """An operator makes the gadget's provider the owner of a type that the gadget offers.

    Who asks from now on, and who has asked and got no answer, needs that provider's agreement; what is agreed stays.
    """
    gadget = reviewed(gadget_id, by)
    info = registry.registry().gadgets.get(gadget_id)
    if info is None or all(offer.type != entity_type for offer in info.provides):
        raise WrongStateError(gettext_noop("公開中の版が、この種類のデータを出していません。"))
    why = words(reason)
    DataOwner.objects.update_or_create(
        entity_type=entity_type,
        defaults={"provider_id": gadget.provider_id, "decided_by_id": by.id, "decided_at": timezone.now()},
    )
    owner = owner_of(entity_type)
    asked = Contract.objects.filter(entity_type=entity_type, state=Contract.State.ASKED)
    asked.update(owner_id=owner.provider_id, licence=owner.licence, owner_agreed_at=None)
    asked.filter(consumer__provider_id=gadget.provider_id).update(owner_agreed_at=timezone.now())
    _written_down(gadget, by, f"{entity_type}: データの持ち主になりました。{why}")
    chain.record("data_owner_set", by=by, type=entity_type, gadget=gadget_id)


@transaction.atomic
def take_back(*, gadget_id: str, entity_type: str, reason: str, by: Actor) -> None:
    """The type is the city's again, with every contract about it; what the operator had agreed to holds at once."""
    gadget = reviewed(gadget_id, by)
    why = words(reason)
    removed, _ = DataOwner.objects.filter(entity_type=entity_type, provider_id=gadget.provider_id).delete()
    rows = list(live(gadget.provider_id, entity_type).select_for_update())
    if not removed and not rows:
        raise WrongStateError(gettext_noop("この組織は、この種類のデータの持ち主ではありません。"))
    for row in rows:
        row.owner = None
        row.licence = ""
        row.save(update_fields=["owner", "licence"])
        if row.state == Contract.State.ASKED and row.operator_agreed_at:
            settle(row)
    _written_down(gadget, by, f"{entity_type}: データの持ち主ではなくなりました。{why}")
    chain.record("data_owner_removed", by=by, type=entity_type, gadget=gadget_id)


def live(provider_id: int, entity_type: str) -> QuerySet[Contract]:
    """The contracts that name the provider as the owner; some are older than owners' being decided by operators."""
    return Contract.objects.filter(entity_type=entity_type, owner_id=provider_id, state__in=LIVE)


def settle(row: Contract) -> None:
    """Of the city's own data the operator's agreement is the owner's too; with both it holds, and the narrower ends."""
    now = timezone.now()
    if row.owner_id is None and row.operator_agreed_at:
        row.owner_agreed_at = row.owner_agreed_at or now
    if row.owner_agreed_at and row.operator_agreed_at:
        Contract.objects.filter(
            consumer_id=row.consumer_id, entity_type=row.entity_type, state=Contract.State.AGREED
        ).update(state=Contract.State.ENDED, ended_at=now)
        row.state = Contract.State.AGREED
    row.save(update_fields=["state", "owner_agreed_at", "operator_agreed_at"])


def _written_down(gadget: Gadget, by: Actor, told: str) -> None:
    note(gadget, gadget.published, by, Decision.CONTRACT, told, side=Side.OPERATOR)
