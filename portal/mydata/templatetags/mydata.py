"""Filters that put what a manifest declares about data into words."""

import re

from django import template
from django.utils.translation import gettext as _

register = template.Library()
_DURATION = re.compile(r"P(\d+)([DMY])")


@register.filter
def retention_text(retention: str) -> str:
    """P0D → not kept; P30D → kept for at most 30 days; anything else is shown as it was declared."""
    found = _DURATION.fullmatch(retention)
    if found is None:
        return _("保存の期間: %(period)s") % {"period": retention}
    number = int(found[1])
    if number == 0:
        return _("表示に使ったあと、保存しません")
    sentences = {
        "D": _("長くて%(n)s日間保存します"),
        "M": _("長くて%(n)sか月保存します"),
        "Y": _("長くて%(n)s年間保存します"),
    }
    return sentences[found[2]] % {"n": number}
