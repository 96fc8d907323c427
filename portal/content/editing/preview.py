"""Previews: pages in a frame of the editor, and the home for made-up persons; no resident is read."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from demo.cast import CAST
from identity.domain.attributes import Value, derive
from portal.content.editing.framing import framed
from portal.content.queries import layout_of
from portal.home.views import preview

if TYPE_CHECKING:
    from portal.content.models import HomePage


def persona(name: str) -> tuple[Mapping[str, Value], str]:
    """Attributes and language of a persona; a guest has none and reads Japanese."""
    person = CAST.get(name)
    if person is None:
        return {}, "ja"
    return derive(person.attributes), str(person.attributes.get("language", "ja"))


def preview_home(home: "HomePage", request: HttpRequest, mode_name: str) -> HttpResponse:
    """The home of the persona `mode_name`."""
    attributes, locale = persona(mode_name)
    with translation.override(locale):
        return framed(preview(request, layout_of(home), attributes, locale=locale, now=timezone.now()))
