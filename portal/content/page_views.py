"""How the home and the lists are answered: their models ask here, the rooms that know how are registered at start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class PageViews:
    home: Callable[[HttpRequest], HttpResponse]
    preview_home: Callable[[Any, HttpRequest, str], HttpResponse]
    """(home page as it is being edited, request, persona)."""
    list_context: Callable[[str, str, datetime], Mapping[str, Any]]
    """(kind of list, number of its page, now) → what its template shows."""


_registered: PageViews | None = None


def register(views: PageViews) -> None:
    global _registered
    _registered = views


def registered() -> PageViews:
    if _registered is None:
        raise ImproperlyConfigured("pages have no views: portal/wiring.py registers them")
    return _registered
