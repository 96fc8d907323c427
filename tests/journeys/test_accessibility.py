"""axe-core finds nothing on the residents' pages, in light and dark, on a phone and on a wide screen."""

from itertools import product

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys import steps
from tests.sites import Site

SCHEMES, WIDTHS = ("light", "dark"), (360, 1280)
HERS = ("/", f"/consent/{steps.WASTE}/", "/my-data/", "/my-data/attributes/", "/my-data/personalisation/", "/my-data/hidden/",
        f"/gadgets/{steps.WASTE}/", "/gadgets/", "/home/arrange/", "/en/", "/ja-simple/")  # fmt: skip


def look(page: Page) -> list[str]:
    """What axe finds on the page as it stands, and whether it is wider than its window."""
    found = []
    for scheme, width in product(SCHEMES, WIDTHS):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        result = Axe().run(page)
        found += [
            f"{page.url} {scheme} {width}: {one['id']}: {node['html'][:300]}"
            for one in result.response["violations"]
            for node in one["nodes"][:2]
        ]
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            found.append(f"{page.url} {scheme} {width}: wider than the window")
    return found


def test_guest_home_and_sign_in(page: Page, site: Site) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto(site.portal_url + "/")
    steps.expect_filled(page, steps.WASTE)
    problems += look(page)
    page.locator("#guest summary").click()
    problems += look(page)
    page.goto(site.portal_url + "/sign-in/")
    page.wait_for_url(f"{site.id_url}/**")
    problems += look(page)
    page.goto(site.portal_url + "/sign-up/")
    page.wait_for_url(f"{site.id_url}/**")
    problems += look(page)
    assert problems == []


def test_a_residents_own_pages(page: Page, site: Site) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    steps.sign_in(page, site, "looking")
    for path in HERS:
        answer = page.goto(site.portal_url + path)
        assert answer is not None
        assert answer.status == 200, path
        if path == "/":
            assert steps.asks(page, steps.WASTE).count() == 1
            steps.expect_filled(page, steps.RIVER)
        problems += look(page)
    assert problems == []
