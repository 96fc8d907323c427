"""Previews: pages in a frame of the editor, and the home for made-up persons; no resident is read."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from portal.content.editing.framing import framed
from portal.content.queries import NOBODY, layout_of, personas
from portal.home.views import preview

if TYPE_CHECKING:
    from portal.content.models import HomePage


def preview_home(home: "HomePage", request: HttpRequest, mode_name: str) -> HttpResponse:
    """The home of the persona `mode_name`."""
    shown = personas().get(mode_name, NOBODY)
    locale = shown.locale
    with translation.override(locale):
        return framed(preview(request, layout_of(home), shown.attributes, locale=locale, now=timezone.now()))
