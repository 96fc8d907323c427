"""Home and lists: what of the page tree an editor cannot take away, and which addresses are the program's own."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import LocalePrefixPattern, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern
from wagtail.models import Page, PagePermissionTester


class FixedPageTester(PagePermissionTester):
    """Whoever may edit the home or a list may not take it away: not even the buttons are shown."""

    def can_delete(self, ignore_bulk: bool = False) -> bool:  # noqa: ARG002 (Wagtail's own signature)
        return False

    def can_unpublish(self) -> bool:
        return False

    def can_move(self) -> bool:
        return False

    def can_copy(self) -> bool:
        return False


@cache
def reserved() -> frozenset[str]:
    """First parts of addresses that the program answers itself: a page there could never be reached."""
    own = set(_first_parts(get_resolver(settings.ROOT_URLCONF).url_patterns, ""))
    files = {settings.STATIC_URL.strip("/"), settings.MEDIA_URL.strip("/")}
    return frozenset((own | files | {code for code, _name in settings.LANGUAGES}) - {""})


def _first_parts(patterns: list[Any], before: str) -> Iterator[str]:
    for one in patterns:
        pattern = one.pattern
        if isinstance(pattern, LocalePrefixPattern):
            route = before
        elif isinstance(pattern, RoutePattern):
            route = before + str(pattern)
        elif isinstance(pattern, RegexPattern):
            route = before + str(pattern).removeprefix("^").partition("(")[0]
        else:  # a pattern of a kind that is not known yet: nothing can be said of it
            continue
        first, slash, _ = route.partition("/")
        if slash or (isinstance(one, URLPattern) and first):
            if "<" not in first and "(" not in first:
                yield first.rstrip("$")
        elif isinstance(one, URLResolver):
            yield from _first_parts(one.url_patterns, route)


def is_fixed(page: Page) -> bool:
    """Whether the page is the home or one of the lists, however it was fetched."""
    return bool(getattr(page.specific_class, "fixed", False))
