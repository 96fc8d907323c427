"""Pieces of a home's HTML that are drawn once for everybody and kept with the catalogue."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string

from core.region_time import for_everybody
from portal.home.page.compose import HomeView
from portal.home.page.page_template import Shell


def draw(view: HomeView, key: tuple[object, ...], template: str, context: Mapping[str, Any]) -> Shell:
    """The piece of this key, drawn by its template when it is first wanted."""
    drawn = view.catalogue.drawn
    full = (view.reader.locale, *key)
    found = drawn.get(full)
    if found is None:
        with for_everybody(view.reader.locale):
            found = drawn[full] = Shell.cut(render_to_string(template, dict(context)))
    return found
