"""An editor's rule as a sentence, for the desk and for residents who ask how the order comes about."""

from django.utils.translation import gettext as _

from core.texts import pick
from identity.domain.attributes import TOPICS
from portal.home.index.content_index import Catalogue
from recommender.domain.explain import factor
from recommender.domain.rules import Rule


def told(rule: Rule, catalogue: Catalogue, locale: str) -> str:
    """What the rule does, without for whom and until when."""
    what = named(rule, catalogue, locale)
    if rule.effect == "pin":
        return _("%(what)s: 先頭に出す") % {"what": what}
    if rule.effect == "hide":
        return _("%(what)s: 一覧に出さない") % {"what": what}
    words = _("%(what)s: 上げる（%(times)s倍）") if rule.amount > 0 else _("%(what)s: 下げる（%(times)s倍）")
    return words % {"what": what, "times": factor(rule.amount)}


def named(rule: Rule, catalogue: Catalogue, locale: str) -> str:
    """What the rule speaks of; an item that is no longer published by its number."""
    if rule.of == "item":
        row = catalogue.compiled.index.get(rule.target)
        return rule.target if row is None else f"「{pick(catalogue.entries[row].title, locale)}」"
    if rule.of == "topic":
        known = TOPICS.get(rule.target)
        return _("話題「%(name)s」の項目") % {"name": pick(known, locale) if known else rule.target}
    if rule.of == "provider":
        return _("提供者「%(name)s」の項目") % {"name": rule.target}
    return _("種類「%(name)s」の項目") % {"name": str(kind(rule.target))}


def kind(name: str) -> str:
    """A kind of items in words."""
    return {
        "news": _("お知らせ"),
        "notice": _("お知らせ（通知）"),
        "event": _("イベント"),
        "service": _("手続き・サービス"),
        "gadget": _("サービス"),
    }.get(name, name)


KINDS = ("news", "notice", "event", "service", "gadget")
"""Kinds of which the desk speaks."""
