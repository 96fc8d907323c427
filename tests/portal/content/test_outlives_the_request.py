"""What outlives a request is the same, byte for byte, whichever zone and language its editor works in."""

import ast
import re
import subprocess
import sys
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation
from wagtail.users.models import UserProfile

from portal.content.models import AlertPage, EventPage
from portal.home.index import content_index
from portal.home.page import render
from tests import cast
from tests.architecture.tables import ROOT
from tests.conftest import NOW
from tests.portal.content.pages import publish
from tests.portal.content.test_alert_rules import ALL
from tests.portal.content.test_editor import add_url, form

FORBIDDEN = ("localtime", "localdate", "make_aware", "make_naive", "get_current_timezone")


def leaves_behind(folder: Path, zone: str, language: str) -> dict[str, Any]:
    """What is there after an editor with this profile published an alert and looked at the home's preview."""
    resident = cast.editor()
    UserProfile.objects.create(user=resident, current_time_zone=zone, preferred_language=language)
    editor = cast.sign_in(cast.portal_client(), resident)
    content_index._held = None
    render._status_lines.clear()
    cache.clear()
    day = date(2026, 10, 6)
    publish("event", "concert", now=NOW, starts_on=day, starts_time=time(10), ends_time=time(12))
    sent = ALL | {"title_en": "Leave", "urgent": "on"}
    assert editor.post(add_url("alertpage", "alert"), form(**sent)).status_code == 302
    end = NOW + timedelta(hours=3)
    AlertPage.objects.update(valid_until=end)
    page = AlertPage.objects.get()
    with timezone.override(zone), translation.override(language):
        from portal.content import actions

        actions.write_alerts()
        found = content_index.current()
    homes = {
        prefix: re.sub(r"(csrf|nonce)[^ ]*", "", cast.portal_client().get(f"{prefix}/").content.decode())
        for prefix in ("", "/en", "/ja-simple")
    }
    made = {
        "files": {one.name: one.read_bytes() for one in sorted(folder.glob("alerts.*"))},
        "events": [(found.entries[row].item.starts_at, found.entries[row].ends_at) for row in found.events],
        "homes": homes,
    }
    AlertPage.objects.all().delete()
    EventPage.objects.all().delete()
    resident.delete()
    return {key: repr(value).replace(f"p{page.pk}", "pN") for key, value in made.items()}


@pytest.mark.django_db(transaction=True)
def test_an_editor_in_new_york_leaves_the_same_bytes_as_one_in_tokyo(client: Client, own_files: Path) -> None:
    with time_machine.travel(NOW, tick=False):
        here = leaves_behind(own_files, "Asia/Tokyo", "ja")
        there = leaves_behind(own_files, "America/New_York", "en")
    assert (
        "9:00 発表" in here["files"].encode().decode("unicode_escape", "ignore") or "09:00" in here["files"]
    )
    assert here == there


def test_the_lint_rule_forbids_the_calls_outside_of_the_one_module(tmp_path: Path) -> None:
    for name in FORBIDDEN:
        path = tmp_path / "some.py"
        path.write_text(f'"""Some."""\n\nfrom django.utils import timezone\n\nprint(timezone.{name})\n')
        command = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), str(path)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "TID251" in said.stdout, name


def test_what_is_drawn_once_for_everybody_is_drawn_in_the_regions_zone() -> None:
    """In the modules that keep HTML, each template is drawn under `for_everybody`."""
    bare = []
    for path in (
        ROOT / "portal" / "home" / "page" / "render.py",
        ROOT / "portal" / "home" / "page" / "fragments.py",
    ):
        tree = ast.parse(path.read_text())
        covered = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.With) and "for_everybody" in ast.unparse(node.items[0])
            for inner in ast.walk(node)
        }
        bare += [
            f"{path.name}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) == "render_to_string"
            and id(node) not in covered
        ]
    assert bare == []
    assert settings.TIME_ZONE == "Asia/Tokyo"
