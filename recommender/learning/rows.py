"""Rows of the log as what the model learns from: documents back into items and readers; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recommender.domain.features import Shown
from recommender.domain.types import Item, Profile, Value

CLICKS = frozenset({"open", "action"})
REFUSAL = "not_for_me"
REFUSED = 5
"""Who passes over an item may not have seen it; who puts it away has."""


@dataclass(frozen=True, slots=True)
class Row:
    """An item that stood on a list with what came of it, the visit that it belongs to, and the chance that it stood there.

    It counts `times`: what was refused counts as REFUSED views that nothing came of.
    """

    shown: Shown
    visit: str
    propensity: float = 1.0
    times: int = 1


def item(document: Mapping[str, Any]) -> Item:
    """The item of a logged view. Raises KeyError, TypeError or ValueError for what is none."""
    if not isinstance(document, Mapping):
        raise TypeError("an item is a table")
    starts = document.get("starts_at")
    return Item(
        id=str(document["id"]),
        kind=str(document["kind"]),
        topics=_words(document["topics"]),
        places=_words(document["places"]),
        provider=str(document["provider"]),
        language=str(document["language"]),
        published_at=_moment(document["published_at"]),
        expires_at=None,
        urgent=False,
        audience_keys=_words(document["audience_keys"]),
        starts_at=_moment(starts) if starts else None,
    )


def profile(document: Mapping[str, Any]) -> Profile:
    """The reader of a logged view. Raises KeyError, TypeError or ValueError for what is none."""
    district = document["district"]
    if district is not None and not isinstance(district, str):
        raise ValueError("a district is a word")
    attributes: dict[str, Value] = {key: _value(value) for key, value in dict(document["attributes"]).items()}
    return Profile(
        district=district,
        followed=_words(document["followed"]),
        declared=_words(document["declared"]),
        avoided=_words(document["avoided"]),
        attributes=attributes,
    )


def _value(found: object) -> Value:
    return found if isinstance(found, str | bool) else _words(found)


def _words(found: object) -> tuple[str, ...]:
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise ValueError("a list of words is expected")
    return tuple(found)


def clicked(acts: frozenset[str]) -> float:
    """1 when it was opened; "not for me" takes an opening back."""
    return 1.0 if acts & CLICKS and REFUSAL not in acts else 0.0


def weight(acts: frozenset[str]) -> int:
    """How many views it counts for."""
    return REFUSED if REFUSAL in acts else 1


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found
