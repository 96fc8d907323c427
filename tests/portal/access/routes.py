"""Every address of both hosts, those of frameworks too, with an argument of this world for each parameter."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, get_resolver
from django.urls.resolvers import LocalePrefixPattern

_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
PAGE = r"((?:[\w\-]+/)*)"
"""Wagtail's own pattern for the path of a page."""


@dataclass(frozen=True)
class Route:
    """`template` is the address as documents write it, parameters by their names only."""

    template: str
    view: str


def routes(urlconf: str) -> list[Route]:
    return list(_below(get_resolver(urlconf), "/"))


def _below(resolver: Any, prefix: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        # A language's prefix is empty for Japanese.
        own = "" if isinstance(pattern.pattern, LocalePrefixPattern) else str(pattern.pattern)
        template = prefix + own.removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLPattern):
            yield Route(_plain(template), pattern.callback.__module__)
        else:
            yield from _below(pattern, template)


def _plain(template: str) -> str:
    named = template.replace(PAGE, "<page>").replace(".*", "<rest>").replace(r"\.", ".")
    return _PARAMETER.sub(lambda match: f"<{match[2] or match[3]}>", named)


def address(route: Route, arguments: Mapping[str, str]) -> str:
    """A real address of the route. A key is a parameter, or the address up to it, which goes first."""

    def value(match: re.Match[str]) -> str:
        before = route.template[: match.end()]
        fitting = [
            key
            for key in arguments
            if key.endswith(match[0]) and before.startswith(key.removesuffix(match[0]))
        ]
        return arguments[max(fitting, key=len)]

    return re.sub(r"<\w+>", value, route.template)
