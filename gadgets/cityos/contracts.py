"""Contracts about data: asked for when a query is handed in, agreed by owner and operator, ended by either.

Data are the city's own, and the operator's agreement is the owner's too, unless an operator made a provider their owner
(`gadgets.cityos.owners`). A provider needs no agreement for its own data.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from core.texts import Texts
from gadgets.cityos.owners import LIVE, owner_of, settle
from gadgets.errors import ContractMissingError, NotPermittedError, WrongStateError
from gadgets.models import Contract, Gadget, Membership
from gadgets.protocol.manifest import Manifest
from gadgets.review.transitions import Decision, Side, is_member, note, side_of, words
from gadgets.types import DataSpec
from identity.domain.roles import OPERATOR, Actor


@dataclass(frozen=True, slots=True)
class Need:
    """What a gadget needs of one type of entity, all its `data[]` together."""

    type: str
    attrs: frozenset[str]
    required: bool
    purpose: Texts


def needs(data: Iterable[DataSpec]) -> tuple[Need, ...]:
    """One for each type: attributes together, required if any is, the purpose of the first."""
    found: dict[str, Need] = {}
    for spec in data:
        before = found.get(spec.type)
        required = spec.need == "required"
        found[spec.type] = (
            Need(spec.type, frozenset(spec.attrs), required, spec.purpose)
            if before is None
            else Need(spec.type, before.attrs | set(spec.attrs), before.required or required, before.purpose)
        )
    return tuple(found.values())


# --- asking ----------------------------------------------------------------------------------------------------


@transaction.atomic
def ask(gadget: Gadget, parsed: Manifest, *, by: Actor | None) -> None:
    """Asks for what the version needs and no contract covers yet; what it needs no more is not asked any more."""
    wanted = {need.type: need for need in needs(parsed.data)}
    rows = list(gadget.contracts.select_for_update().filter(state__in=LIVE))
    for row in rows:
        need = wanted.get(row.entity_type)
        if row.state == Contract.State.ASKED and (need is None or not _covers(row, need)):
            _close(row, Contract.State.ENDED, "")
    held = [row for row in rows if row.state in LIVE]
    for need in wanted.values():
        if not any(row.entity_type == need.type and _covers(row, need) for row in held):
            _ask_for(gadget, need, by)


def _ask_for(gadget: Gadget, need: Need, by: Actor | None) -> None:
    owner = owner_of(need.type)
    own = owner.provider_id == gadget.provider_id
    Contract.objects.create(
        consumer=gadget,
        owner_id=owner.provider_id,
        entity_type=need.type,
        attrs=sorted(need.attrs),
        purpose=dict(need.purpose),
        licence=owner.licence,
        owner_agreed_at=timezone.now() if own else None,
    )
    note(gadget, None, by, Decision.CONTRACT, f"{need.type}: 取り決めを申し込みました。", side=Side.PROVIDER)


def _covers(row: Contract, need: Need) -> bool:
    return need.attrs <= set(row.attrs) and row.purpose.get("ja") == need.purpose["ja"]


# --- agreeing --------------------------------------------------------------------------------------------------


@transaction.atomic
def approved(gadget: Gadget, parsed: Manifest, *, by: Actor) -> None:
    """The operator's agreement, with the approval of a version; raises ContractMissingError.

    Required data of which the owner has not agreed yet hold the version back; optional data may follow.
    """
    ask(gadget, parsed, by=by)
    for row in gadget.contracts.select_for_update().filter(state=Contract.State.ASKED):
        _operator_agrees(row)
    agreed = list(gadget.contracts.filter(state=Contract.State.AGREED).select_related("owner"))
    for need in needs(parsed.data):
        if need.required and not any(row.entity_type == need.type and _covers(row, need) for row in agreed):
            raise ContractMissingError(need.type, _who(gadget, need))


def _who(gadget: Gadget, need: Need) -> str:
    asked = gadget.contracts.filter(state=Contract.State.ASKED, entity_type=need.type).select_related("owner")
    row = asked.first()
    return row.owner.name if row is not None and row.owner is not None else ""


def _operator_agrees(row: Contract) -> None:
    row.operator_agreed_at = row.operator_agreed_at or timezone.now()
    settle(row)


@transaction.atomic
def agree(*, contract_id: int, by: Actor) -> None:
    """The owner's agreement by an owner of the organisation, or the operator's by an operator."""
    row = _asked(contract_id)
    if row.owner_id is not None and row.owner_agreed_at is None and _speaks_for(row.owner_id, by):
        row.owner_agreed_at = timezone.now()
        settle(row)
        side = Side.PROVIDER
    elif _is_the_desk(row, by):
        _operator_agrees(row)
        side = Side.OPERATOR
    else:
        raise NotPermittedError
    note(
        row.consumer,
        None,
        by,
        Decision.CONTRACT,
        f"{row.entity_type}: 取り決めに同意しました。",
        side=side,
    )


@transaction.atomic
def refuse(*, contract_id: int, reason: str, by: Actor) -> None:
    """The owner or the operator says no; whoever asked reads `reason` as it was written."""
    row = _asked(contract_id)
    _may_end(row, by)
    why = words(reason)
    _close(row, Contract.State.REFUSED, why)
    note(
        row.consumer,
        None,
        by,
        Decision.CONTRACT,
        f"{row.entity_type}: 取り決めを断りました。{why}",
        side=_side(row, by),
    )


@transaction.atomic
def end(*, contract_id: int, reason: str, by: Actor) -> None:
    """Takes an agreement back: from the next fetch on, nothing is read under it."""
    row = Contract.objects.select_for_update(of=("self",)).filter(pk=contract_id).first()
    if row is None or row.state != Contract.State.AGREED:
        raise WrongStateError
    _may_end(row, by)
    why = words(reason)
    _close(row, Contract.State.ENDED, why)
    note(
        row.consumer,
        None,
        by,
        Decision.CONTRACT,
        f"{row.entity_type}: 取り決めを終えました。{why}",
        side=_side(row, by),
    )


def _asked(contract_id: int) -> Contract:
    row = Contract.objects.select_for_update(of=("self",)).filter(pk=contract_id).first()
    if row is None or row.state != Contract.State.ASKED:
        raise WrongStateError
    return row


def _close(row: Contract, state: str, reason: str) -> None:
    row.state, row.reason, row.ended_at = state, reason, timezone.now()
    row.save(update_fields=["state", "reason", "ended_at"])


# --- who -------------------------------------------------------------------------------------------------------


def _speaks_for(provider_id: int, by: Actor) -> bool:
    """Whether somebody may bind the organisation: one of its owners."""
    return (
        by.id is not None
        and Membership.objects.filter(
            resident_id=by.id, provider_id=provider_id, role=Membership.Role.OWNER
        ).exists()
    )


def _is_the_desk(row: Contract, by: Actor) -> bool:
    """An operator who is on neither side."""
    sides = [number for number in (row.owner_id, row.consumer.provider_id) if number is not None]
    return by.has(OPERATOR) and not any(is_member(number, by) for number in sides)


def _may_end(row: Contract, by: Actor) -> None:
    if row.owner_id is not None and _speaks_for(row.owner_id, by):
        return
    if not _is_the_desk(row, by):
        raise NotPermittedError


def _side(row: Contract, by: Actor) -> str:
    return side_of(row.owner_id, by) if row.owner_id is not None else Side.OPERATOR
