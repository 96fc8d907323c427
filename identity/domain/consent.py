"""Consent: what a decision is, how long it holds, and what may be released because of it.

Pure. The ledger's rows are in `identity.models`; the rules about them are here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.texts import pick
from identity.domain import attributes

GRANTED = "granted"
REFUSED = "refused"
WITHDRAWN = "withdrawn"

RECOMMENDER = "recommender"
PURPOSE_RANKING = "ranking"
PURPOSE_CARD = "card"
RANKING_ITEMS = tuple(key for key in attributes.KEYS if key != "access_needs")
"""What the portal's own ordering may use once a resident opts in: from how somebody reads nothing follows about what
they want, so access needs are not asked for."""

LEARNING = "learning"
"""Learning from what residents do with their list: a recipient of its own, so that its yes is asked by itself."""
PURPOSE_LEARNING = "learning"
BEHAVIOUR = "behaviour"
LEARNING_ITEMS = (BEHAVIOUR,)
_BEHAVIOUR = {
    "ja": "おすすめの一覧で開いたもの",
    "en": "What you open on the recommended list",
    "ja-simple": "おすすめで 開(ひら)いた もの",
}
ITEMS = (*attributes.KEYS, BEHAVIOUR)
"""Everything that somebody may be asked to allow: the attributes, and what nobody fills in but leaves behind."""
OWN = frozenset({RECOMMENDER, LEARNING})
"""Recipients that are the portal itself."""
MINOR = "0-17"

LEVELS = ("none", "audience", "pairwise")
"""How much a recipient learns of who it is, from nothing to a pseudonym of its own."""

GRANT_DAYS = 365
"""A grant ends after a year unless it says otherwise: schools, homes and families change with the year, and what was
agreed to longer ago than that is no longer known to whoever agreed."""
RENEW_DAYS = 30
"""So long before its end a resident may be asked to renew a grant."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The exact text that was on the screen when somebody decided."""

    language: str
    text: str

    @property
    def sha256(self) -> str:
        """Of language and text, so that one hash stands for one screen."""
        return hashlib.sha256(f"{self.language}\n{self.text}".encode()).hexdigest()


def ends(given_at: datetime) -> datetime:
    """Until when a grant holds that names no end itself."""
    return given_at + timedelta(days=GRANT_DAYS)


def holds(status: str, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a decision is a grant that is still in force."""
    return status == GRANTED and (expires_at is None or now < expires_at)


def covers(granted_level: str, wanted_level: str) -> bool:
    """Whether a grant given at one level serves a request at another; a higher level must ask again."""
    return LEVELS.index(wanted_level) <= LEVELS.index(granted_level)


def learns_from(values: Mapping[str, attributes.Value]) -> bool:
    """Whether somebody with these attributes may be learnt from at all: nobody who says that they are a child."""
    return values.get("age_band") != MINOR


def item_label(item: str, locale: str) -> str:
    """What an item of the ledger is called."""
    return pick(_BEHAVIOUR, locale) if item == BEHAVIOUR else attributes.label(item, locale)
