"""What failed in the sweeps and is tried again: the operators' list, and a notice on the admin's first page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from wagtail.admin.ui.components import Component
from wagtail.models import Page

from core import sweeps
from portal.city import views
from portal.content import tasks as content


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Every item that failed the last time, by job and id."""
    views.operator_of(request)
    return render(request, "city/faults.html", {"faults": sweeps.faults(limit=500)})


class FaultsPanel(Component):
    """For operators how much failed; for everybody in the admin which pages the clock could not handle."""

    name = "sweep_faults"
    order = 50

    def render_html(self, parent_context: Any = None) -> SafeString:
        request = parent_context["request"]
        lines = [(reverse("wagtailadmin_pages:edit", args=[found.pk]), found.title) for found in _pages()]
        told = format_html_join("", '<li><a href="{}">{}</a></li>', lines)
        parts = []
        if told:
            words = _("予定の時刻に公開や終了ができなかったページがあります。毎分やり直しています。")
            parts.append(format_html("<p>{}</p><ul>{}</ul>", words, told))
        count = len(sweeps.faults(limit=500)) if views.is_operator(request) else 0
        if count:
            words = _("失敗している処理が %(count)d 件あります。") % {"count": count}
            parts.append(format_html('<p><a href="{}">{}</a></p>', reverse("city_faults"), words))
        if not parts:
            return SafeString("")
        inner = format_html_join("", "{}", ((part,) for part in parts))
        return format_html(
            '<div class="nice-padding"><div class="help-block help-critical">{}</div></div>', inner
        )


def _pages() -> list[Page]:
    ids = {fault.item.partition(":")[2] for fault in sweeps.faults(content.JOB)}
    return list(Page.objects.filter(pk__in=[number for number in ids if number.isdigit()]).order_by("title"))
