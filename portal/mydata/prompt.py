"""The question for consent: what is asked, why, by whom, for how long; and its text as the ledger keeps it.

The text of the ledger is drawn from the very template that the pages include, so that it is what was shown.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from core.region.current import current_region
from core.texts import Texts, pick
from gadgets.types import GadgetInfo
from identity.domain import attributes
from identity.domain.consent import GRANT_DAYS, RANKING_ITEMS, RENEW_DAYS, Notice
from identity.errors import UndeclaredItem

BODY = "mydata/_asked.html"
RANKING_BODY = "mydata/_asked_ranking.html"
LEARNING_BODY = "mydata/_asked_learning.html"
# A number of days and no date: what was asked at five to midnight is still what was asked when the answer comes.
TIMES = {"grant_days": GRANT_DAYS, "renew_days": RENEW_DAYS}


@dataclass(frozen=True, slots=True)
class Asked:
    """One attribute of a question, in the reader's language."""

    name: str
    label: str
    purpose: str
    required: bool
    retention: str


def asked(gadget: GadgetInfo, names: Iterable[str], locale: str) -> tuple[Asked, ...]:
    """What the question about `names` shows, in the manifest's order; `UndeclaredItem` for any other name."""
    wanted = list(names)
    for name in wanted:
        if name not in gadget.declared:
            raise UndeclaredItem(name)
    return tuple(
        Asked(
            name=claim.name,
            label=attributes.label(claim.name, locale),
            purpose=pick(claim.purpose, locale),
            required=claim.need == "required",
            retention=claim.retention,
        )
        for claim in gadget.claims
        if claim.name in wanted
    )


def body_context(
    gadget: GadgetInfo, names: Iterable[str], locale: str, *, news: Iterable[Texts] = ()
) -> dict[str, Any]:
    """What the template of the question needs; `news`: what is asked in another way than when they decided."""
    return {
        "gadget": gadget,
        "title": pick(gadget.title, locale),
        "items": asked(gadget, names, locale),
        "news": [pick(text, locale) for text in news],
        **TIMES,
    }


def gadget_notice(
    gadget: GadgetInfo, names: Iterable[str], locale: str, *, news: Iterable[Texts] = ()
) -> Notice:
    """The question as plain text; raises `UndeclaredItem`."""
    return Notice(locale, plain(render_to_string(BODY, body_context(gadget, names, locale, news=news))))


def ranking_context(locale: str) -> dict[str, Any]:
    """What the template of the question about personalised order needs."""
    return {"labels": [attributes.label(name, locale) for name in RANKING_ITEMS], **TIMES}


def ranking_notice(locale: str) -> Notice:
    """The question about personalised order as plain text."""
    return Notice(locale, plain(render_to_string(RANKING_BODY, ranking_context(locale))))


def learning_notice(locale: str) -> Notice:
    """The question about learning from what is opened, as plain text."""
    return Notice(locale, plain(render_to_string(LEARNING_BODY, TIMES)))


def plain(html: str) -> str:
    """One line for each block of the page, without marks and without runs of white space."""
    lines = (re.sub(r"\s+", " ", unescape(line)).strip() for line in strip_tags(html).splitlines())
    return "\n".join(line for line in lines if line)


def controller() -> str:
    """Who is responsible for the portal's own ordering; the ledger names it in Japanese."""
    names: Any = current_region().portal_name
    return pick(names, "ja")


def recommender_title() -> str:
    """What the portal's own ordering is called among the recipients."""
    return _("おすすめ（この窓口の並べかえ）")


def learning_title() -> str:
    """What learning is called among the recipients."""
    return _("開いたものからの学習（この窓口）")
