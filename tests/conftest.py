"""Fixtures of every test: the fixed time, real parts, whole sites and a real browser."""

import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as generated
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from pytest_django import DjangoDbBlocker

from demo.supervise import StartError
from tests import logs, quick_flush, sites
from tests.migrations import Migrations

NOW = datetime(2026, 10, 5, 9, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
CHROMIUM = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
KEPT = Path(__file__).resolve().parent.parent / "var" / "test"


# --- the whole suite ----------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """The one marker that no test writes itself, and generated examples without a clock."""
    # How long an example takes is the machine's matter and no test's.
    generated.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    generated.load_profile("suite")
    config.addinivalue_line("markers", "site: starts a whole site (added to every test that uses one)")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run what is marked `full` too")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is marked `full`; journeys that share a site run in one worker, so that it starts once."""
    if not config.getoption("--full"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not item.get_closest_marker("full")]
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        for fixture, group in (("city_site", "city"), ("demo_site", "demo")):
            if fixture in names:
                item.add_marker(pytest.mark.xdist_group(group))
                item.add_marker(pytest.mark.site)
                break


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test is a failed run: what is not run is not known to work."""
    if hasattr(session.config, "workerinput"):
        return
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", ())) if reporter else 0
    if skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\n{skipped} skipped: no test may be skipped here", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Lets the browser fixtures see whether the test failed."""
    report = yield
    item.stash.setdefault(REPORTS, {})[report.when] = report
    return report


REPORTS: pytest.StashKey[dict[str, pytest.TestReport]] = pytest.StashKey()


@pytest.fixture(autouse=True)
def japanese() -> None:
    """A request leaves its language active in its thread; the next test begins in Japanese again."""
    translation.activate("ja")


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process holds what is published by its version number; the rows of two tests have the same numbers."""
    for name in ("gadgets.registry", "portal.home.index.content_index"):
        if name in sys.modules:
            monkeypatch.setattr(sys.modules[name], "_held", None)


@pytest.fixture(autouse=True)
def discreet_logs() -> Iterator[None]:
    """No personal value, token or address reaches a log of this process, whatever the test does."""
    watch = logs.Watch()
    logging.getLogger().addHandler(watch)
    yield
    logging.getLogger().removeHandler(watch)
    assert watch.found == []


# --- time and parts -----------------------------------------------------------------------------------------


@pytest.fixture
def now() -> datetime:
    """A Monday morning; events of the sample data lie before and after it."""
    return NOW


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Each worker's database is a copy of the migrated one that bin/test prepares; without it, it migrates."""
    template = os.environ.get("TEST_DATABASE_TEMPLATE")
    if template:
        connection.settings_dict["TEST"]["TEMPLATE"] = template


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """After a test that commits, the database is put back quickly."""
    with django_db_blocker.unblock():
        quick_flush.install()


@pytest.fixture
def migrations(transactional_db: None) -> Iterator[Migrations]:
    """Whatever the test does, the tests after it find the newest tables."""
    found = Migrations()
    yield found
    found.to_newest()


@pytest.fixture(scope="session")
def keycloak_env() -> dict[str, str]:
    """Addresses and secrets of the Keycloak that bin/test started; fails where there is none."""
    names = (
        "KEYCLOAK_URL", "KEYCLOAK_PUBLIC_URL", "KEYCLOAK_REALM", "KEYCLOAK_ISSUER", "KEYCLOAK_DISCOVERY_URL",
        "KEYCLOAK_PORTAL_URL", "KEYCLOAK_HEALTH_URL", "KEYCLOAK_CAST", "KEYCLOAK_ADMIN_CLIENT_ID",
        "KEYCLOAK_ADMIN_CLIENT_SECRET", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET",
    )  # fmt: skip
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        pytest.fail(f"{missing[0]} is not set. {sites.CITY_ONLY}", pytrace=False)
    return {name: os.environ[name] for name in names}


# --- whole sites --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def demo_site() -> Iterator[sites.Site]:
    """`bin/demo`, as a newcomer types it: SQLite, embedded ID, three providers."""
    yield from _running(sites.start_demo)


@pytest.fixture(scope="session")
def city_site() -> Iterator[sites.Site]:
    """As a city runs it: PostgreSQL, Redis, Celery, Keycloak, three providers."""
    yield from _running(sites.start_city)


def _running(start: "sites.Starter") -> Iterator[sites.Site]:
    site, fault = None, ""
    try:
        site = start()
    except StartError as error:
        fault = str(error)
    if site is None:
        pytest.fail(fault, pytrace=False)
    yield site
    told = logs.found_below(site.logs)
    site.stop()
    assert told == [], "no log of a site may hold personal values, tokens or addresses"


@pytest.fixture
def providers_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """For a test that kills providers or makes them misbehave: afterwards all three run as before."""
    yield
    for name in ("demo_site", "city_site"):
        if name in request.fixturenames:
            site: sites.Site = request.getfixturevalue(name)
            for provider in sites.PROVIDERS[:3]:
                site.start(provider)


# --- browser ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright without browsers of its own."""
    # Playwright's loop runs in this thread as long as the browser lives; Django would refuse its database then.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as started:
        yield started
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing: sudo apt-get install chromium, or run bin/test.", pytrace=False)
    started = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM))
    yield started
    started.close()


@pytest.fixture
def context_args() -> dict[str, object]:
    """A small phone in Japan; a test may override it for dark, wide, without JavaScript and so on."""
    return {"locale": "ja-JP", "timezone_id": "Asia/Tokyo", "viewport": {"width": 360, "height": 740}}


@pytest.fixture
def context(
    browser: Browser, context_args: dict[str, object], request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """A fresh profile; when the test fails, pictures of its pages are kept in var/test/."""
    made = browser.new_context(**context_args)  # type: ignore[arg-type]
    made.set_default_timeout(10_000)
    yield made
    reports = request.node.stash.get(REPORTS, {})
    if any(report.failed for report in reports.values()):
        _keep_pictures(made, request.node.nodeid)
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One page of `context`."""
    return context.new_page()


def _keep_pictures(context: BrowserContext, name: str) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "_", name)
    for number, page in enumerate(context.pages):
        page.screenshot(path=KEPT / f"{stem}-{number}.png", full_page=True)
        (KEPT / f"{stem}-{number}.html").write_text(page.content())
