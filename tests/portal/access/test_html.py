"""Every page of both hosts, in each language, is HTML that the Nu checker knows; the admin's are Wagtail's."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import resolve
from django.utils import translation

from core.problems import not_found
from tests.portal.access import routes, table, world
from tests.services import nu
from tests.services.keycloak import cache_folder

pytestmark = [pytest.mark.django_db, pytest.mark.full]
WHOLE = b'<!doctype html><html lang="ja"><head><title>a</title></head><body>%s</body></html>'
"""Around what a script puts into a page: a card, a dialog."""
LANGUAGES = ("ja", "en", "ja-simple")


@pytest.fixture
def made(now: datetime, tmp_path: Path, settings: Any) -> world.World:
    cache.clear()
    settings.ALERTS_DIR, settings.MEDIA_ROOT = tmp_path / "alerts", tmp_path / "media"
    return world.make(now)


def pages(made: world.World) -> Iterator[tuple[str, bytes]]:
    """(where and for whom, the page): what guests, residents and providers read, and each refusal once."""
    portal, own = made.on_the_portal(), made.at_the_id()
    readers = [(portal[name], "portal.urls", name) for name in (table.GUEST, table.RESIDENT, table.PROVIDER)]
    readers += [(own[name], "identity.embedded.urls", name) for name in (table.GUEST, table.RESIDENT)]
    for client, urlconf, reader in readers:
        for language in LANGUAGES:
            for path in addresses(urlconf, made, language):
                answer = client.get(path)
                if not answer.streaming and answer.get("Content-Type", "").startswith("text/html"):
                    yield f"{answer.status_code} {reader} {path}", answer.content


def addresses(urlconf: str, made: world.World, language: str) -> Iterator[str]:
    with translation.override(language):
        found = [routes.address(route, made.arguments) for route in routes.routes(urlconf)]
        for path in found:
            if not path.startswith("/admin/") and resolve(path, urlconf).func is not not_found:
                yield path


def test_the_checker_finds_nothing(made: world.World, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    names, seen = {}, set()
    for name, page in pages(made):
        if page and page not in seen:
            seen.add(page)
            path = folder / f"{len(names)}.html"
            path.write_bytes(page if page.lstrip().lower().startswith(b"<!doctype") else WHOLE % page)
            names[path.name] = name
    assert len(names) > 100
    found = [
        f"{names[Path(one['url']).name]}: {one['message']} … {one.get('extract', '')!r}"
        for one in nu.errors(folder, cache_folder())
    ]
    assert found == []


def test_the_checker_is_really_asked(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.html").write_text(
        '<!doctype html><html lang="ja"><title>a</title><time datetime="2026-10-05T09:00:00.123456+09:00">9</time>'
    )
    (message,) = nu.errors(folder, cache_folder())
    assert "datetime" in message["message"]
