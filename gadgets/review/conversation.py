"""The conversation about one gadget between its provider and the operators, part of its audit trail."""

from django.db import transaction
from django.utils.translation import gettext_noop

from gadgets.errors import TooOftenError
from gadgets.models import ReviewNote
from gadgets.review.transitions import Decision, is_member, locked, member, note, side_of, words
from identity.domain.roles import OPERATOR, Actor

MOST_OPEN = 50
"""So many messages one side may leave after the other's last word."""


@transaction.atomic
def say(*, gadget_id: str, text: str, by: Actor) -> None:
    """A message from a developer of the provider, or from an operator; the other side is told.

    Raises NoSuchGadgetError, NotPermittedError, ReasonMissingError for an empty one, TooOftenError.
    """
    gadget = locked(gadget_id)
    if not by.has(OPERATOR) or is_member(gadget.provider_id, by):
        member(gadget.provider_id, by)
    side = side_of(gadget.provider_id, by)
    said = words(text)
    latest = ReviewNote.objects.filter(gadget=gadget, decision=Decision.MESSAGE).order_by("-at", "-pk")
    if [row.side for row in latest[:MOST_OPEN]] == [side] * MOST_OPEN:
        raise TooOftenError(
            gettext_noop("返事を待っているメッセージが多すぎます。相手の返事を待ってから、書いてください。")
        )
    draft = gadget.versions.order_by("-fetched_at", "-pk").first()
    note(gadget, draft, by, Decision.MESSAGE, said, side=side)
