"""Forgets one resident in every table of gadgets, and their private cards; for the closing of an account."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from gadgets.cards import prefetch, private_cards
from gadgets.models import EventDelivery, Gadget, Placement, ReviewNote
from gadgets.providers import organisations
from gadgets.webhooks.recipients import Addressee, addressees
from identity import queries as identity_queries
from identity.errors import IdentityError


@transaction.atomic
def forget_resident(resident_id: UUID) -> Mapping[str, int]:
    """Takes the resident out; returns how many rows of each kind, for the report.

    `layout` is the arrangement of the home with its settings; a review that they wrote stays, without their name.
    What was queued about a withdrawal goes too: order the erasure first (`gadgets.webhooks.erasure.order`), it says more.
    """
    known = addressees()
    counts = {
        "layout": Placement.objects.filter(resident_id=resident_id).delete()[0],
        "memberships": organisations.leave_all(resident_id),
        "notices": EventDelivery.objects.filter(resident_id=resident_id).delete()[0]
        + sum(_lost_logouts(to, resident_id) for to in known),
        "reviews": ReviewNote.objects.filter(who_id=resident_id).update(who=None),
    }
    private = [to.gadget_id for to in known]
    noted = list(Gadget.objects.values_list("gadget_id", flat=True))

    def cards() -> None:
        for gadget_id in private:
            private_cards.purge(gadget_id, resident_id)
        for gadget_id in noted:
            prefetch.forget(gadget_id, resident_id)

    transaction.on_commit(cards)
    return counts


def _lost_logouts(to: Addressee, resident_id: UUID) -> int:
    """These name the pseudonym only."""
    try:
        sub = identity_queries.subject_for(resident_id, to.client_id)
    except IdentityError:  # nobody could compute the pseudonym, so none was queued
        return 0
    waiting = EventDelivery.objects.filter(
        gadget_id=to.gadget_id, sub=sub, kind=EventDelivery.Kind.SESSION_ENDED
    )
    return waiting.delete()[0]
