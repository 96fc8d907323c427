"""Rows of the log as what the model learns from: documents back into items and readers; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recommender.features import Shown
from recommender.types import Item, Profile, Value

CLICKS = frozenset({"open", "action"})
REFUSAL = "not_for_me"


@dataclass(frozen=True, slots=True)
class Row:
    """An item that stood on a list with what came of it, the visit that it belongs to, and the chance that it stood there."""

    shown: Shown
    visit: str
    propensity: float = 1.0


def item(document: Mapping[str, Any]) -> Item:
    """The item of a logged view. Raises KeyError, TypeError or ValueError for what is none."""
    starts = document.get("starts_at")
    return Item(
        id=str(document["id"]),
        kind=str(document["kind"]),
        topics=tuple(document["topics"]),
        places=tuple(document["places"]),
        provider=str(document["provider"]),
        language=str(document["language"]),
        published_at=_moment(document["published_at"]),
        expires_at=None,
        urgent=False,
        audience_keys=tuple(document["audience_keys"]),
        starts_at=_moment(starts) if starts else None,
    )


def profile(document: Mapping[str, Any]) -> Profile:
    """The reader of a logged view. Raises KeyError, TypeError or ValueError for what is none."""
    attributes: dict[str, Value] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in dict(document["attributes"]).items()
    }
    return Profile(
        district=document["district"],
        followed=tuple(document["followed"]),
        declared=tuple(document["declared"]),
        avoided=tuple(document["avoided"]),
        attributes=attributes,
    )


def clicked(acts: frozenset[str]) -> float:
    """1 when it was opened; "not for me" takes an opening back."""
    return 1.0 if acts & CLICKS and REFUSAL not in acts else 0.0


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found
