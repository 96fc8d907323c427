"""The vocabularies of identity as choices for editors, and audiences in words for readers."""

from collections.abc import Mapping

from django.utils.functional import lazy
from django.utils.translation import get_language

from core.texts import Texts, pick
from identity.domain.attributes import DEFINITIONS, DISTRICTS, TOPICS, label, value_label
from identity.domain.audience import Audience
from identity.errors import AudienceError

EDITABLE_KEYS = (
    "area.district",
    "area.waste_zone",
    "age_band",
    "household.has_child",
    "household.school_years",
    "language",
)
"""What a page may be aimed at. Access needs and interests are not among them: nobody is singled out by a need."""


def _in_the_readers_language(texts: Texts) -> str:
    return pick(texts, get_language() or "ja")


_local = lazy(_in_the_readers_language, str)
"""A form is made once for all who read it: its words are chosen when they are drawn."""


def topic_choices() -> list[tuple[str, str]]:
    """Topics by their names in the reader's language."""
    return [(code, _local(texts)) for code, texts in TOPICS.items()]


def district_choices() -> list[tuple[str, str]]:
    """Districts by their names in the reader's language."""
    return [(district.code, _local(district.name)) for district in DISTRICTS.values()]


def district_codes() -> frozenset[str]:
    """Codes of all districts."""
    return frozenset(DISTRICTS)


def audience_choices(key: str) -> tuple[str, list[tuple[str, str]]]:
    """The attribute's name and its values with their names, in the reader's language."""
    known = DEFINITIONS[key]
    return _local(known.label), [(code, _local(texts)) for code, texts in known.options.items()]


def stored_audience(raw: object) -> Audience:
    """The audience of a page as it is stored; one that the vocabulary no longer knows counts as everybody's.

    For words on the page and the editor's panel only: who gets a page is decided by `queries.items`, which
    leaves such a page out.
    """
    try:
        return Audience.parse(raw)
    except AudienceError:
        return Audience()


def audience_in_words(audience: Audience, locale: str) -> str:
    """One line such as 「お住まいの地区: 仏生山 / 子どものいる世帯: はい」; empty for everybody."""
    parts = []
    for key, values in audience.to_json().items():
        names = [value_label(key, value, locale) for value in values]
        parts.append(f"{label(key, locale)}: {(', ' if locale == 'en' else '、').join(names)}")
    return " / ".join(parts)


def topic_names(codes: list[str] | tuple[str, ...], locale: str) -> list[str]:
    """Names of topics; a code that is no longer in the vocabulary is left out."""
    known: Mapping[str, Mapping[str, str]] = TOPICS
    return [pick(known[code], locale) for code in codes if code in known]
