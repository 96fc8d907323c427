"""Filters that turn the words of gadgets into sentences of the page's language."""

from typing import TYPE_CHECKING

from django import template
from django.conf import settings

from core.texts import Texts
from gadgets import words
from gadgets.cards.report_words import REASONS
from gadgets.frames.launch import login_link
from gadgets.review import turns

if TYPE_CHECKING:
    from gadgets.review.gadget_status import Standing

register = template.Library()


@register.filter
def in_words(texts: Texts) -> str:
    """{{ gadget.title|in_words }}"""
    return words.pick(texts) if texts else ""


@register.filter
def level_words(level: str) -> str:
    """{{ gadget.identity|level_words }}"""
    return str(words.LEVELS[level])


@register.filter
def state_words(state: str) -> str:
    """{{ gadget.state|state_words }}"""
    return str(words.STATES.get(state, state))


@register.filter
def flag_words(why: str) -> str:
    """{{ flag.why|flag_words }}"""
    return str(words.FLAGS.get(why, why))


@register.filter
def report_words(reason: str) -> str:
    """{{ report.reason|report_words }}"""
    return str(REASONS.get(reason, reason))


@register.filter
def decision_words(decision: str) -> str:
    """{{ note.decision|decision_words }}"""
    return str(words.DECISIONS.get(decision, decision))


@register.filter
def gate_words(gate: str) -> str:
    """{{ view.gate|gate_words }}"""
    return str(words.GATES[gate])


@register.filter
def consequence_words(gate: str) -> str:
    """{{ change.gate|consequence_words }}"""
    return str(words.CONSEQUENCES[gate])


@register.simple_tag
def standing_of(gadget_id: str) -> "Standing | None":
    """{% standing_of view.id as standing %}, for the desks"""
    # It reads tables; the words above are used where there are none.
    from gadgets.review.gadget_status import standing

    return standing(gadget_id)


@register.filter
def need_words(need: str) -> str:
    """{{ claim.need|need_words }}"""
    return str(words.NEEDS[need])


@register.filter
def kind_words(kind: str) -> str:
    """{{ provider.kind|kind_words }}"""
    return str(words.KINDS.get(kind, kind))


@register.filter
def role_words(role: str) -> str:
    """{{ member.role|role_words }}"""
    found = words.ROLES.get(role)
    return str(found[0]) if found else role


@register.filter
def side_words(side: str) -> str:
    """{{ note.side|side_words }}"""
    return str(words.SIDES.get(side, side))


@register.filter
def turn_of(notes: "tuple[turns.Note, ...]") -> turns.Turn | None:
    """{% with turn=view.notes|turn_of %}: who is waited for, since when"""
    return turns.turn(notes)


@register.filter
def retention_words(period: str) -> str:
    """{{ claim.retention|retention_words }}"""
    return words.retention(period)


@register.filter
def attribute_words(name: str) -> str:
    """{{ claim.name|attribute_words }}"""
    return words.attribute(name)


@register.filter
def category_words(code: str) -> str:
    """{{ gadget.category|category_words }}"""
    return words.category(code)


@register.filter
def sign_in_link(login_url: str) -> str:
    """{{ gadget.login_url|sign_in_link }}: the provider's own site, told which regional ID to use."""
    return login_link(login_url, issuer=settings.OIDC_ISSUER)
