"""The card of a gadget (Region Gadget 1.0): parses and checks what a provider answered; pure.

The rules of the schema stand in `schemas/card-1.0.json`; what a schema cannot say (links inside the
declared origins, cells and columns, a missing value that says so) in `gadgets.protocol.cards.card_rules`; the blocks as
values in `gadgets.protocol.cards.card_blocks`.
"""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gadgets.errors import CardError, CardNotDrawnError, GadgetError
from gadgets.protocol.cards import card_size
from gadgets.protocol.cards.card_blocks import (
    KNOWN,
    Action,
    Actions,
    Block,
    Chart,
    DateItem,
    Dates,
    Fact,
    Facts,
    Fallback,
    Form,
    Image,
    ListBlock,
    ListItem,
    Map,
    Metric,
    Notice,
    Place,
    Progress,
    Series,
    Submit,
    Table,
    Text,
    build,
)
from gadgets.protocol.cards.card_rules import CardRules, inputs_in, problems
from gadgets.protocol.text import walk_texts
from gadgets.protocol.wire import check_schema, loads, schema
from gadgets.types import Source

__all__ = [
    "KNOWN_BLOCKS",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MEDIA_TYPE",
    "Action",
    "Actions",
    "Block",
    "Card",
    "CardRules",
    "Chart",
    "DateItem",
    "Dates",
    "Fact",
    "Facts",
    "Fallback",
    "Form",
    "Image",
    "ListBlock",
    "ListItem",
    "Map",
    "Metric",
    "Notice",
    "Place",
    "Progress",
    "Series",
    "Submit",
    "Table",
    "Text",
    "bulkhead",
    "parse",
]

MEDIA_TYPE = "application/vnd.region-card+json"
MAX_BYTES = 64 * 1024
MAX_DEPTH = 12
KNOWN_BLOCKS = KNOWN


@dataclass(frozen=True, slots=True)
class Card:
    """A card that passed every check; times are aware. `inputs` are its forms and submits, as they came."""

    lang: str
    summary: str
    updated: datetime
    valid_until: datetime
    source: Source
    blocks: tuple[Block, ...]
    inputs: tuple[Mapping[str, Any], ...] = ()

    @property
    def observed_at(self) -> datetime:
        """As of when the card speaks: its oldest observation, else its own `updated`."""
        observed = [block.observed for block in self.blocks if isinstance(block, Metric) and block.observed]
        return min(observed, default=self.updated)


@contextmanager
def bulkhead() -> Iterator[None]:
    """Around every reading and drawing of a card: whatever breaks there is a CardError of that gadget."""
    try:
        yield
    except GadgetError:
        raise
    except Exception as error:  # noqa: BLE001  bulkhead: a card of a provider's must break no page and no sweep
        raise CardNotDrawnError(place_of(error)) from None


def place_of(error: Exception) -> str:
    """The class of an error, and the innermost place of ours that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = next((frame for frame in reversed(frames) if "/gadgets/" in frame.filename), None)
    where = f", {ours.filename.rpartition('/gadgets/')[2]}:{ours.lineno}" if ours else ""
    return f"{type(error).__name__}{where}"


def parse(raw: bytes, *, manifest: CardRules) -> Card:
    """Parses the answer of a gadget's card endpoint; raises CardError with every problem found, and nothing else."""
    with bulkhead():
        return _parsed(raw, manifest)


def _parsed(raw: bytes, manifest: CardRules) -> Card:
    document = loads(raw, error=CardError, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    broken = [*check_schema(document, schema("card-1.0")), *walk_texts(document)]
    if not broken:
        broken = problems(document, manifest)
    if broken:
        raise CardError(*broken)
    source = document["source"]
    blocks = tuple(build(block) for block in document["blocks"])
    if too_large := list(card_size.problems(blocks)):
        raise CardError(*too_large)
    return Card(
        lang=document["lang"],
        summary=document["summary"],
        updated=datetime.fromisoformat(document["updated"]),
        valid_until=datetime.fromisoformat(document["valid_until"]),
        source=Source(source["publisher"], source["licence"], source.get("url"), source.get("note")),
        blocks=blocks,
        inputs=tuple(item for _, item in inputs_in(document)),
    )
