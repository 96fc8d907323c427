"""The weights that concern a reader as rows of tables: what, how much, and on what ground."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.texts import pick
from identity.domain.attributes import KEYS, TOPICS, Value, label, value_label
from portal.home.page.compose import Mode
from portal.home.page.reasons import change_url
from recommender.domain.applicable_weights import BY_PROVIDER, Told, ageing, concerning
from recommender.domain.applicable_weights import common as told_to_all
from recommender.domain.explain import factor
from recommender.domain.features import BY_AUDIENCE, BY_LANGUAGE, BY_PLACE, BY_TOPIC
from recommender.domain.item_matrix import Catalogue
from recommender.domain.types import Profile

MONTH, YEAR = 30.4, 365


@dataclass(frozen=True, slots=True)
class Row:
    """One weight: which items, how many times as high, and where that is from."""

    what: str
    times: str
    rises: bool
    ground: str


@dataclass(frozen=True, slots=True)
class Group:
    """What one attribute or preference does to the order."""

    key: str
    label: str
    value: str
    url: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of item begins and fades, the same for everybody; `kind` as `home/_kind.html` knows it."""

    kind: str
    begins: str
    halves: str
    after_a_week: str


def groups(
    profile: Profile, catalogue: Catalogue, attributes: Mapping[str, Value], locale: str, mode: Mode
) -> tuple[Group, ...]:
    """By attribute, in the order of the form; an attribute that moves nothing now is not there."""
    found = {one.key: one.told for one in concerning(profile, catalogue)}
    return tuple(
        Group(
            key=key,
            label=label(key, locale),
            value=value_label(key, attributes[key], locale) if key in attributes else "",
            url=change_url(key, mode),
            rows=tuple(_row(told, locale) for told in found[key]),
        )
        for key in KEYS
        if key in found
    )


def common(catalogue: Catalogue, locale: str) -> tuple[Row, ...]:
    """Topics and providers as they do for everybody; empty as long as nothing was learnt."""
    return tuple(_row(told, locale) for told in told_to_all(catalogue))


def kinds(catalogue: Catalogue) -> tuple[Kind, ...]:
    """The kinds that there are now."""
    return tuple(
        Kind(one.kind, factor(one.begins), _half(one.half_life), factor(one.after_a_week))
        for one in ageing(catalogue)
    )


def _row(told: Told, locale: str) -> Row:
    ground = _("利用の記録（20人以上）") if told.learnt else _("市の担当者の見込み")
    return Row(_what(told, locale), factor(told.weight), told.weight > 0, ground)


def _what(told: Told, locale: str) -> str:
    if told.about == BY_TOPIC:
        topic = _topic(told.trait, locale)
        if not told.value:
            return _("話題が「%(topic)s」の項目") % {"topic": topic}
        value = f"{label(told.key, locale)}: {value_label(told.key, told.value, locale)}"
        return _("話題が「%(topic)s」の項目（%(value)s）") % {"topic": topic, "value": value}
    if told.about == BY_PROVIDER:
        return _("提供者が「%(provider)s」の項目") % {"provider": told.trait}
    if told.about == BY_PLACE:
        return _("「%(place)s」の項目") % {"place": value_label("area.district", told.trait, locale)}
    if told.about == BY_LANGUAGE:
        return _("「%(language)s」で書かれた項目") % {"language": value_label("language", told.trait, locale)}
    if told.about == BY_AUDIENCE:
        return _("「%(attribute)s」を条件に届け先を決めた項目") % {"attribute": label(told.trait, locale)}
    return _("ほかの地区だけの項目")


def _topic(code: str, locale: str) -> str:
    return pick(TOPICS[code], locale) if code in TOPICS else code


def _half(days: float) -> str:
    """Until when an item has lost half, in words."""
    if days >= YEAR:
        years = round(days / YEAR)
        return ngettext("約%(count)d年", "約%(count)d年", years) % {"count": years}
    if days >= 2 * MONTH:
        months = round(days / MONTH)
        return ngettext("約%(count)dか月", "約%(count)dか月", months) % {"count": months}
    whole = max(round(days), 1)
    return ngettext("%(count)d日", "%(count)d日", whole) % {"count": whole}
