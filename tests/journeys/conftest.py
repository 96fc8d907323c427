"""A whole site for each journey: the demo as a newcomer starts it, and the city with Keycloak and PostgreSQL."""

import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from demo.supervise import run_to_end
from tests import sites
from tests.journeys import steps

# The first journey of a mode starts its site, which takes minutes on a machine that is busy with both.
PATIENCE = pytest.mark.timeout(900)
IN_THE_CITY = [pytest.mark.browser, pytest.mark.keycloak, PATIENCE, pytest.mark.xdist_group("city")]
# Each journey runs in the demo; a whole run (`bin/test --full`) adds the city.
MODES = (
    pytest.param("demo", marks=[pytest.mark.browser, PATIENCE, pytest.mark.xdist_group("demo")]),
    pytest.param("city", marks=[*IN_THE_CITY, pytest.mark.full]),
)

# For what only Keycloak can do, and for the few journeys that `bin/test` shows in the city too.
city_only = pytest.mark.parametrize("site", [pytest.param("city", marks=IN_THE_CITY)], indirect=True)
both_modes = pytest.mark.parametrize(
    "site", [MODES[0], pytest.param("city", marks=IN_THE_CITY)], indirect=True
)


@pytest.fixture(scope="session", params=MODES)
def site(request: pytest.FixtureRequest) -> sites.Site:
    """The running site, once in each mode; the marks keep the journeys of one mode in one worker."""
    found: sites.Site = request.getfixturevalue(f"{request.param}_site")
    run_to_end(
        [sys.executable, "-m", "tests.journeys.people"],
        env=found.environment,
        cwd=sites.ROOT,
        log=found.logs / "people.log",
    )
    return found


# Two cores run the portal, Keycloak, providers and the browser: what a page comes to show may take as long as a step.
expect.set_options(timeout=30_000)


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    """As everywhere, with as much patience for each step."""
    context.set_default_timeout(30_000)
    return context


@pytest.fixture
def watched(site: sites.Site) -> sites.Site:
    """The site with a waste provider that counts the claims which reach it."""
    if steps.debug_answer(site, "waste").status_code != 200:
        site.start("waste", debug_claims=True)
    return site


@pytest.fixture
def mended(site: sites.Site) -> Iterator[sites.Site]:
    """For a journey that breaks providers: afterwards all three run as before."""
    yield site
    for name in sites.PROVIDERS[:3]:
        site.start(name)
