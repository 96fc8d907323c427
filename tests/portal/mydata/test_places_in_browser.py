"""In a real browser: large letters on a phone, and back to the place where somebody pressed."""

import pytest
from playwright.sync_api import Page, expect

from core.markup import html_id
from tests.portal.mydata.conftest import LUNCH, WASTE
from tests.portal.mydata.test_in_browser import Opener, hanako, opened, portal

__all__ = ["hanako", "opened", "portal"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 360, "height": 740}
PAGES = (
    "/",
    "/gadgets/",
    f"/gadgets/{WASTE}/",
    "/home/arrange/",
    "/my-data/",
    "/my-data/attributes/",
    "/my-data/sessions/",
    "/my-data/ranking/",
    "/my-data/household/",
    f"/consent/{LUNCH}/",
    "/welcome/topics/",
    "/provider/",
    "/all-news/",
    "/nothing-here/",
)
OUTSIDE = """() => [...document.querySelectorAll(".card .button, .card input, .card select, .notice .button")]
  .filter((one) => one.checkVisibility())
  .filter((one) => one.getBoundingClientRect().right
    > one.closest(".card, .notice").getBoundingClientRect().right + .5)
  .map((one) => one.outerHTML.slice(0, 120))"""
TEXTS = "() => [...document.querySelectorAll('header a, header button')].map((one) => one.textContent.trim())"


@pytest.mark.parametrize("prefix", ["", "/en", pytest.param("/ja-simple", marks=pytest.mark.full)])
def test_letters_of_double_size_leave_the_page_usable(opened: Opener, portal: str, prefix: str) -> None:
    page = opened(viewport=PHONE, reduced_motion="reduce").new_page()
    for path in PAGES:
        page.goto(f"{portal}{prefix}{path}")
        texts = page.evaluate(TEXTS)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        height = page.evaluate("document.querySelector('header').getBoundingClientRect().height")
        assert height <= PHONE["height"] / 3, (path, height)
        assert page.evaluate(OUTSIDE) == [], path
        assert page.evaluate(TEXTS) == texts
        reachable(page)


def css(anchor: str) -> str:
    return f'[id="{anchor}"]'


def reachable(page: Page) -> None:
    """Every link of the header comes into view when it has the focus."""
    for one in page.locator("header a, header button").all():
        one.focus()
        box = one.bounding_box()
        assert box is not None
        assert box["x"] >= -1
        assert box["x"] < PHONE["width"]


@pytest.mark.parametrize("script", [True, False])
def test_after_an_action_she_stands_where_she_pressed(opened: Opener, portal: str, script: bool) -> None:
    page = opened(java_script_enabled=script, viewport=PHONE).new_page()

    def stands_at(anchor: str) -> None:
        expect(page).to_have_url(f"{portal}{path}#{anchor}")
        expect(page.locator(css(anchor))).to_be_focused()
        expect(page.locator(css(anchor))).to_be_in_viewport()

    path = "/my-data/"
    page.goto(portal + path)
    page.get_by_role("article", name="ごみ収集日").get_by_role("button", name="見せるのを止める").click()
    stands_at(f"to-{html_id(WASTE)}")
    page.get_by_role("article", name="ごみ収集日").get_by_role("link", name="もう一度たずねる").click()
    page.get_by_role("button", name="許可して使う").click()
    stands_at(f"to-{html_id(WASTE)}")

    path = "/gadgets/"
    page.goto(portal + path)
    row = page.locator(css(f"g-{html_id(LUNCH)}"))
    row.get_by_role("button").first.click()
    stands_at(f"g-{html_id(LUNCH)}")

    path = "/home/arrange/"
    page.goto(portal + path)
    page.locator(css(f"g-{html_id(LUNCH)}")).get_by_role("button", name="隠す").click()
    stands_at(f"g-{html_id(LUNCH)}")

    path = f"/gadgets/{LUNCH}/"
    page.goto(portal + path)
    page.locator("#on-home").get_by_role("button").last.click()
    stands_at("on-home")
