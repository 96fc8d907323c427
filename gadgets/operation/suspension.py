"""A published gadget from day to day: the kill switch, and back on the pages."""

from django.db import transaction

from gadgets.models import Gadget, bump_registry
from gadgets.operation.oidc_clients import client_due
from gadgets.review.transitions import Decision, Side, locked, note, operator, reviewed, turn, words
from identity.domain.roles import Actor


@transaction.atomic
def suspend(*, gadget_id: str, reason: str, by: Actor) -> None:
    """The kill switch: gone from every page on the next request; its site can sign nobody in any more.

    Any operator may pull it, a member of the provider too: only lifting it takes somebody else.
    """
    operator(by)
    gadget = locked(gadget_id)
    why = words(reason)
    turn(gadget, Gadget.State.PUBLISHED, Gadget.State.SUSPENDED)
    note(gadget, gadget.published, by, Decision.SUSPENDED, why, side=Side.OPERATOR)
    bump_registry()
    client_due(gadget)


@transaction.atomic
def resume(*, gadget_id: str, by: Actor) -> None:
    """Back on the pages as it was approved."""
    gadget = reviewed(gadget_id, by)
    turn(gadget, Gadget.State.SUSPENDED, Gadget.State.PUBLISHED)
    note(gadget, gadget.published, by, Decision.RESUMED, side=Side.OPERATOR)
    bump_registry()
    client_due(gadget)
