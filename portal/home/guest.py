"""A guest's choices: a district and topics in one cookie on the guest's own device; pure.

The cookie is `1.<district>.<topics joined by ->`, sorted, so that equal choices are equal keys of a shared
cache. What is not in the vocabulary is not taken over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from identity.domain.attributes import DISTRICTS, TOPICS, Value, derive
from portal.home.errors import ChoicesError

MAX_AGE = 180 * 24 * 3600
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Choices:
    """What a guest chose; nothing chosen is the plain page."""

    district: str | None = None
    topics: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.district or self.topics)

    @property
    def cookie(self) -> str:
        """The normalised form."""
        return f"1.{self.district or ''}.{'-'.join(self.topics)}"

    @property
    def attributes(self) -> dict[str, Value]:
        """The choices as attributes, with what follows from them."""
        values: dict[str, Value] = {}
        if self.district:
            values["area.district"] = self.district
        if self.topics:
            values["interests"] = self.topics
        return derive(values)


def choose(district: str, topics: Iterable[str]) -> Choices:
    """Choices from a form; ChoicesError for anything outside the vocabulary."""
    wanted = sorted(set(topics))
    if (district and district not in DISTRICTS) or any(topic not in TOPICS for topic in wanted):
        raise ChoicesError(f"{district!r} {wanted!r}")
    return Choices(district or None, tuple(wanted))


def read(cookie: str | None) -> Choices:
    """Choices from a cookie; a cookie that is broken, old or forged counts as no choice."""
    if not cookie or len(cookie) > LONGEST:
        return Choices()
    version, _, rest = cookie.partition(".")
    district, dot, topics = rest.partition(".")
    if version != "1" or not dot:
        return Choices()
    try:
        return choose(district, topics.split("-") if topics else ())
    except ChoicesError:
        return Choices()
