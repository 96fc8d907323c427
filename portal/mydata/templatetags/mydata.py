"""Filters of わたしのデータ: how long a provider keeps data, in the words of every other page, and lists in a line."""

from collections.abc import Iterable

from django import template
from django.utils.translation import gettext as _

from gadgets import words

register = template.Library()
register.filter("retention_text", words.retention)


@register.filter
def listed(values: Iterable[object]) -> str:
    """Names in one line, parted as the language of the page parts them."""
    return _("、").join(map(str, values))
