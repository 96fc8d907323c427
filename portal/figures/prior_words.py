"""The editors' prior in words: each number as how many times as often, or in how many days it halves."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from core.texts import pick
from identity.domain.attributes import DEFINITIONS, TOPICS, label, value_label
from portal.city.tuning_forms import SINGLE
from portal.home.index.rule_words import kind
from recommender.domain.explain import factor

Row = tuple[str, str]


def rows(document: Mapping[str, Any], locale: str) -> tuple[Row, ...]:
    """Every number of the prior, as `recommender.domain.priors.to_json` writes it; what has no words stands with its name."""
    return tuple(_rows(document, locale))


def codes(document: Mapping[str, Any], before: str = "") -> Iterator[Row]:
    """The same by the names that the program has, as the numbers that it adds."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from codes(value, f"{before}{name} ")
        else:
            yield f"{before}{name}", f"{value:g}"


def _rows(document: Mapping[str, Any], locale: str) -> Iterator[Row]:
    for name, value in document.items():
        if name == "base":
            yield from (
                (f"{_('種類ごとのはじめの高さ')}: {_kind(one)}", _times(w)) for one, w in value.items()
            )
        elif name == "half_life_days":
            yield from ((f"{_('半分になるまでの日数')}: {_kind(one)}", f"{w:g}") for one, w in value.items())
        elif name == "default_half_life_days":
            yield f"{_('半分になるまでの日数')}: {_('そのほか')}", f"{value:g}"
        elif name == "attribute_topic":
            yield from _topics(value, locale)
        else:
            yield str(SINGLE.get(name, name)), _times(value)


def _topics(table: Mapping[str, Any], locale: str) -> Iterator[Row]:
    for key, values in table.items():
        for value, topics in values.items():
            who = f"{label(key, locale)}: {value_label(key, value, locale)}" if key in DEFINITIONS else key
            for topic, weight in topics.items():
                about = pick(TOPICS[topic], locale) if topic in TOPICS else topic
                yield f"{who} × {about}", _times(weight)


def _kind(code: str) -> str:
    return _("緊急のお知らせ") if code == "alert" else str(kind(code))


def _times(weight: float) -> str:
    return _("%(times)s倍") % {"times": factor(weight)}
