"""The region file reaches every page: names, colours and mark on both hosts, cookies of its own, and refusals at the start."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from core.region import theme
from core.region.current import DEFAULT, current_region
from core.region.region_file import read
from tests import cast
from tests.portal.test_settings import ROOT, city, start

INVENTED = ROOT / "demo" / "regions" / "minamo.toml"
# What a process of another region answers where it needs no database.
ASK = """
from urllib.parse import urlsplit
import django
django.setup()
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from core.region import theme
from core import problems
from identity.domain.attributes import DEFINITIONS
from gadgets.conformance.checks.request_tokens import PERSONAS
from gadgets.rgadget.drawing import PEOPLE
from portal.celery import app
host = {"host": urlsplit(settings.PORTAL_URL).netloc}
client = Client(headers=host)
request = RequestFactory().get("/", headers=host)
print(client.get(f"/theme/{theme.digest()}.css").content.decode())
print(client.get(f"/theme/{theme.digest()}.svg").content.decode())
print(problems.bare_page(request, 400).content.decode())
print(DEFINITIONS["area.district"].options, DEFINITIONS["area.waste_zone"].options, PERSONAS, PEOPLE)
print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.GUEST_COOKIE_NAME, settings.TIME_ZONE, app.conf.timezone)
"""


def ask(**more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "DEMO": "1", "DJANGO_SETTINGS_MODULE": "portal.settings", **more},
    )  # fmt: skip


def test_another_region_file_makes_another_region_without_a_change_of_code(tmp_path: Path) -> None:
    path = tmp_path / "region.toml"
    path.write_text(INVENTED.read_text().replace("Asia/Tokyo", "Pacific/Auckland"))
    (tmp_path / "minamo.svg").write_bytes(INVENTED.with_name("minamo.svg").read_bytes())
    answer = ask(REGION_FILE=str(path), VAR_DIR=str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    assert theme.stylesheet(read(INVENTED)) in answer.stdout
    for word in ("みなもポータル", "若葉台", "Todaimae", "East side", "wakabadai", 'fill="#00636c"'):
        assert word in answer.stdout, word
    assert "session-minamo csrf-minamo guest-minamo Pacific/Auckland Pacific/Auckland" in answer.stdout
    city = read(DEFAULT)
    for word in (*city.portal_name.values(), "仏生山", "yashima", "takamatsu", city.light["action"]):
        assert word not in answer.stdout, word


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "REGION_FILE: {path}: cannot be read: No such file or directory"),
        ("id = ", "REGION_FILE: {path}: is not TOML: "),
        ('id = "x"', "REGION_FILE: {path}: code: is missing"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "region.toml"
    if text is not None:
        path.write_text(text)
    answer = start({**city(), "REGION_FILE": str(path)})
    assert answer.returncode != 0
    assert said.format(path=path) in answer.stderr.splitlines()[-1]


def test_the_names_of_cookies_are_the_regions_own_where_hosts_can_be_shared() -> None:
    names = (
        settings.SESSION_COOKIE_NAME,
        settings.ID_SESSION_COOKIE_NAME,
        settings.ID_BROWSER_COOKIE_NAME,
        settings.DEVICE_COOKIE_NAME,
        settings.CSRF_COOKIE_NAME,
        settings.KEPT_COOKIE_NAME,
        settings.GUEST_COOKIE_NAME,
        settings.SIGN_IN_COOKIE_PREFIX.rstrip("-"),
    )
    assert all(name.endswith(f"-{current_region().id}") for name in names)
    assert len(set(names)) == len(names)


def hosts() -> list[str]:
    return [urlsplit(settings.PORTAL_URL).netloc, urlsplit(settings.ID_URL).netloc]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["css", "svg"])
def test_colours_and_mark_are_served_on_both_hosts_and_kept_by_their_address(kind: str) -> None:
    for host in hosts():
        client = Client(headers={"host": host})
        answer = client.get(f"/theme/{theme.digest()}.{kind}")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith({"css": "text/css", "svg": "image/svg+xml"}[kind])
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        assert not answer.cookies
        assert client.get(f"/theme/000000000000.{kind}").status_code == 404
        assert client.post(f"/theme/{theme.digest()}.{kind}").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/en/", "/ja-simple/", "/no-such-page/"])
def test_a_page_has_name_mark_colours_and_attribution_of_the_region(path: str) -> None:
    html = cast.portal_client().get(path).content.decode()
    region, locale = current_region(), path.strip("/") if path in {"/en/", "/ja-simple/"} else "ja"
    for word in (region.portal_name[locale], region.attribution[locale]):
        assert word in html
    for kind in ("css", "svg"):
        assert f"/theme/{theme.digest()}.{kind}" in html
    assert not re.search(r"<style|\sstyle=", html)


@pytest.mark.django_db
def test_the_ids_pages_have_them_too(settings: Any) -> None:
    html = Client(headers={"host": urlsplit(settings.ID_URL).netloc}).get("/login/").content.decode()
    assert f"{current_region().portal_name['ja']}と、つながるサービス" in html
    assert f"/theme/{theme.digest()}.css" in html


def test_nothing_in_the_product_names_the_sample_region() -> None:
    """Its file does, and so may examples of values in prose."""
    named = re.compile(r"takamatsu|高松|くらしの窓口|372013|仏生山|Kurashi|#0017c1", re.IGNORECASE)
    found = {
        str(path.relative_to(ROOT))
        for package in ("core", "identity", "gadgets", "recommender", "portal")
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".html", ".js", ".css", ".po", ".txt", ".json"}
        and named.search(path.read_text())
    }
    assert found == {
        "core/region/current.py",  # the default file
        "core/region/region_file.py",  # an example of a code, in messages
        "portal/content/editing/vocabulary.py",  # an example of an audience in words
        "portal/content/migrations/0003_keep_imported_events.py",  # the one list of its time
        "portal/imports/list_reader.py",  # says after whose columns it was made
        "portal/static/portal/base.css",  # a notice of information, in the Digital Agency's blue
    }
