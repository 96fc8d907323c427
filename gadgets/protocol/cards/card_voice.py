"""What a card may say in whose name: notices of danger are for organisations that an operator lets use them; pure."""

from dataclasses import replace

from gadgets.protocol.card import Card
from gadgets.protocol.cards.card_blocks import Notice


def lowered(card: Card, *, may_alert: bool) -> Card:
    """The same card; without that right each notice of danger is a warning. Its words stay: they may matter."""
    if may_alert:
        return card
    blocks = tuple(
        replace(block, level="warning") if isinstance(block, Notice) and block.level == "danger" else block
        for block in card.blocks
    )
    return replace(card, blocks=blocks)
