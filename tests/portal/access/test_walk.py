"""A walk over all addresses of both hosts, those of frameworks too, as seven principals."""

import re
from collections.abc import Iterator, Mapping, Set
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import resolve

from core.problems import not_found
from tests.portal.access import routes, table, world

pytestmark = pytest.mark.django_db
PASSWORD_FIELD = re.compile(rb"<input[^>]*\btype\s*=\s*[\"']?password", re.I)
OK = 200


@pytest.fixture
def made(now: datetime, tmp_path: Path, settings: Any) -> world.World:
    """The world, with files of its own and nothing remembered of another test's gadgets."""
    cache.clear()
    settings.ALERTS_DIR, settings.MEDIA_ROOT = tmp_path / "alerts", tmp_path / "media"
    return world.make(now)


def row(declared: Mapping[str, Set[str]], template: str) -> str:
    """The longest row that fits: an address, or its beginning up to a slash. The root is no beginning."""
    fitting = [
        key for key in declared if template == key or (key[-1:] == "/" != key and template.startswith(key))
    ]
    return max(fitting, key=len, default="")


class Seen(NamedTuple):
    template: str
    principal: str
    status: int
    asks_for_a_password: bool


def walk(urlconf: str, clients: Mapping[str, Client], arguments: Mapping[str, str]) -> Iterator[Seen]:
    for route in routes.routes(urlconf):
        path = routes.address(route, arguments)
        assert not set(path) & set("<>()^$\\*"), f"no argument for {route.template}"
        # What is closed to everybody asks nobody who they are.
        closed = resolve(path, urlconf).func is not_found
        for principal, client in clients.items():
            if closed and principal != table.OPERATOR:
                continue
            answer = client.get(path)
            text = b"".join(answer.streaming_content) if answer.streaming else answer.content
            yield Seen(route.template, principal, answer.status_code, bool(PASSWORD_FIELD.search(text)))


def differences(walked: list[Seen], declared: Mapping[str, Set[str]]) -> list[str]:
    """What the walk found and the table does not say, and what the table says and the walk did not find."""
    found: list[str] = []
    answered: dict[str, set[str]] = {key: set() for key in declared}
    for template, principal, status, _ in walked:
        key = row(declared, template)
        if not key:
            found.append(f"{template} stands in no row of the table")
            continue
        if status == 500:
            found.append(f"{template} answers {status} to {principal}")
        if status == OK:
            answered[key].add(principal)
            if principal not in declared[key]:
                found.append(f"{template} answers 200 to {principal}")
    missing = ((key, principal) for key, who in declared.items() for principal in sorted(who - answered[key]))
    return sorted(set(found)) + [f"{key} never answers 200 to {principal}" for key, principal in missing]


# Wagtail leaves the file open from which it makes a picture's thumbnail.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_portal_answers_whom_the_table_names_and_shows_no_field_for_a_password(made: world.World) -> None:
    walked = list(walk("portal.urls", made.on_the_portal(), made.arguments))
    assert [seen.template for seen in walked if seen.asks_for_a_password] == []
    assert differences(walked, table.PORTAL) == []


def test_the_id_answers_whom_the_table_names(made: world.World) -> None:
    walked = list(walk("identity.embedded.urls", made.at_the_id(), made.arguments))
    assert differences(walked, table.ID) == []
