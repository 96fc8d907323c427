"""Whether the times of a card can be true: a provider whose clock lies would call old values new; pure.

A time of the future by more than `TOLERANCE`, a time before `EARLIEST` (a clock that was never set), and a card that
ends before it was made are refused. How old a card may be is no question of its clock: the page says its time, and
`valid_until` and the manifest's `cache` say until when it passes for current. The header `Date` is never read.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gadgets.errors import CardError, Problem
from gadgets.protocol.card import Card, Metric
from gadgets.protocol.wire import problem

TOLERANCE = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def check(card: Card, now: datetime) -> Card:
    """The card itself; raises CardError with every time that cannot be true at `now`."""
    found = [*_times(card, now), *_order(card)]
    if found:
        raise CardError(*found)
    return card


def _times(card: Card, now: datetime) -> Iterator[Problem]:
    observed = [
        (f"$.blocks[{index}].observed", block.observed)
        for index, block in enumerate(card.blocks)
        if isinstance(block, Metric) and block.observed
    ]
    for path, at in [("$.updated", card.updated), *observed]:
        if at - now > TOLERANCE:
            yield problem(
                path,
                f"{at.isoformat()} は、まだ来ていない時刻です。",
                f"{at.isoformat()} has not come yet.",
                "サーバーの時計と時差（+09:00 など）を確かめてください。5分までのずれは許されます。",
                "Check the server's clock and the offset (such as +09:00); up to 5 minutes are tolerated.",
            )
        elif at < EARLIEST:
            yield problem(
                path,
                f"{at.isoformat()} は、古すぎます。",
                f"{at.isoformat()} is too long ago.",
                "サーバーの時計が合っているか確かめてください。値がないときは、値を null にしてください。",
                "Check whether the server's clock is set; where there is no value, send null.",
            )


def _order(card: Card) -> Iterator[Problem]:
    if card.valid_until <= card.updated:
        yield problem(
            "$.valid_until",
            "updated より前か、同じ時刻です。",
            "is not later than updated.",
            "その内容がいつまで正しいかを書いてください。",
            "Say until when the content is right.",
        )
