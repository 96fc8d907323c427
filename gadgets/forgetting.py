"""Forgets one resident in every table of gadgets, and their private cards; for the closing of an account."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from gadgets import private_cards, warm
from gadgets.addressees import addressees
from gadgets.models import EventDelivery, Gadget, Membership, Placement, ReviewNote


@transaction.atomic
def forget_resident(resident_id: UUID) -> Mapping[str, int]:
    """Takes the resident out; returns how many rows of each kind, for the report.

    `layout` is the arrangement of the home with its settings; a review that they wrote stays, without their name.
    What was queued about a withdrawal goes too: order the erasure first (`gadgets.erasure.order`), it says more.
    """
    counts = {
        "layout": Placement.objects.filter(resident_id=resident_id).delete()[0],
        "memberships": Membership.objects.filter(resident_id=resident_id).delete()[0],
        "notices": EventDelivery.objects.filter(resident_id=resident_id).delete()[0],
        "reviews": ReviewNote.objects.filter(who_id=resident_id).update(who=None),
    }
    private = [to.gadget_id for to in addressees()]
    noted = list(Gadget.objects.values_list("gadget_id", flat=True))

    def cards() -> None:
        for gadget_id in private:
            private_cards.purge(gadget_id, resident_id)
        for gadget_id in noted:
            warm.forget(gadget_id, resident_id)

    transaction.on_commit(cards)
    return counts
