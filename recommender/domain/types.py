"""The words of the recommender: items to rank, what is known of a reader, and a ranked item with its terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

Value = str | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """Something that may be shown: a page, an event, a gadget.

    `places` empty = the whole region. `language` empty = every language. `published_at` and
    `expires_at` are aware. `audience_keys` are the attributes by which its audience was chosen, and
    `audience_values` (key, value) for whom it is: a reader may have several values, and only one is meant. What takes
    place at a time (`starts_at`) is the fresher, the nearer that time is; everything else ages from its
    publication.
    """

    id: str
    kind: str
    topics: tuple[str, ...]
    places: tuple[str, ...]
    provider: str
    language: str
    published_at: datetime
    expires_at: datetime | None
    urgent: bool
    audience_keys: tuple[str, ...] = ()
    starts_at: datetime | None = None
    audience_values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """Features of a reader, never who the reader is; a guest and a resident look the same here."""

    district: str | None = None
    followed: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    avoided: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of a score: the family of weights it comes from and the key inside the family."""

    family: str
    key: str
    weight: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """An item in its place; the weights of `terms` sum to `score` within 1e-5.

    `days` lie between now and its publication, or the time when it takes place. `propensity` is the chance that this item stands in this place, given those above it. `exploring` is what was put
    there to be seen at all; `lifted` stands higher than its score alone would put it, so that its provider is seen;
    `pinned` stands first because editors said so. `varied` stands before something of a higher score, so that the list is
    not all of one topic or provider.
    """

    item_id: str
    score: float
    terms: tuple[Term, ...]
    propensity: float = 1.0
    exploring: bool = False
    days: float = 0.0
    lifted: bool = False
    pinned: bool = False
    varied: bool = False


@dataclass(frozen=True, slots=True)
class ViewRow:
    """An item that stood open on somebody's list, with the features as they were, and the chance that it stood there.

    `subject` is a pseudonym; empty for somebody who is counted and not learnt from.
    """

    subject: str
    visit: UUID
    item: Item
    profile: Profile
    position: int
    propensity: float
    exploring: bool
    arm: str
    consent_version: int
    at: datetime
