"""A parent adds a child, acts for it, decides for it alone, shares it with the second parent, and comes back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys import steps
from tests.journeys.test_accessibility import look
from tests.sites import Site

HOUSEHOLD = "/my-data/household/"
OWN_YEAR, CHILDS_YEAR, A_YEAR = "小学校3年", "小学校5年", "お子さまの学校"


@pytest.fixture
def other(browser: Browser, context_args: dict[str, object]) -> Iterator[Page]:
    """The second parent's own browser."""
    made = browser.new_context(**context_args)  # type: ignore[arg-type]
    made.set_default_timeout(10_000)
    yield made.new_page()
    made.close()


def lunch(page: Page, site: Site) -> None:
    page.goto(f"{site.portal_url}/gadgets/{steps.LUNCH}/")
    expect(page.locator(".rc-card")).to_be_visible()


def expect_acting(page: Page, *, acting: bool = True) -> None:
    bar = page.locator(".acting-bar")
    if acting:
        expect(bar).to_contain_text("はなさんの代わりに見ています")
    else:
        expect(bar).to_have_count(0)


def test_a_parent_acts_for_a_child_and_shares_it(page: Page, other: Page, site: Site) -> None:
    steps.sign_in(page, site, "minding")
    steps.grant_on_page(page, site, steps.LUNCH)
    lunch(page, site)
    expect(page.locator(".rc-card")).to_contain_text(OWN_YEAR)

    # A child is added, with a school year of its own.
    page.goto(site.portal_url + HOUSEHOLD)
    problems = look(page)
    page.locator(f"a[href='{HOUSEHOLD}add/']").click()
    problems += look(page)
    page.locator("input[name=name]").fill("はな")
    page.locator("select[name=year]").select_option("e5")
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".notice--success")).to_contain_text("はなさんを加えました")

    # It is the child's home, and the child has allowed nothing yet.
    page.locator(f"form[action='{HOUSEHOLD}act/'] button[name=ward]").click()
    page.wait_for_url(site.portal_url + "/")
    expect_acting(page)
    problems += look(page)
    lunch(page, site)
    expect_acting(page)
    expect(page.locator(".rc-card")).not_to_contain_text(A_YEAR)
    expect(page.locator("main")).to_contain_text("あなた自身として入ります")
    steps.grant_on_page(page, site, steps.LUNCH)
    lunch(page, site)
    expect(page.locator(".rc-card")).to_contain_text(CHILDS_YEAR)
    expect(page.locator(".rc-card")).not_to_contain_text(OWN_YEAR)

    # Back to herself, her own consent and card are as they were.
    page.locator(".acting-bar button").click()
    page.wait_for_url(site.portal_url + "/")
    expect_acting(page, acting=False)
    lunch(page, site)
    expect(page.locator(".rc-card")).to_contain_text(OWN_YEAR)
    expect(page.locator(".rc-card")).not_to_contain_text(CHILDS_YEAR)

    # The second parent joins by the code, sees the child's card, and stops it; hers stays.
    page.goto(site.portal_url + HOUSEHOLD)
    page.locator(f"a[href^='{HOUSEHOLD}code/'][aria-describedby]").click()
    page.locator("main form button[type=submit]").click()
    code = page.locator(".code").inner_text()
    problems += look(page)
    steps.sign_in(other, site, "joining")
    other.goto(f"{site.portal_url}{HOUSEHOLD}join/")
    other.locator("input[name=code]").fill(code.lower())
    other.locator("main form button[type=submit]").click()
    expect(other.locator(".notice--success")).to_contain_text("加えました")
    other.locator(f"form[action='{HOUSEHOLD}act/'] button[name=ward]").click()
    other.wait_for_url(site.portal_url + "/")
    lunch(other, site)
    expect(other.locator(".rc-card")).to_contain_text(CHILDS_YEAR)
    other.goto(f"{site.portal_url}/my-data/")
    other.locator(f"form[action='/my-data/stop/{steps.LUNCH}/'] button").click()
    expect(other.locator(".notice--success")).to_be_visible()
    lunch(other, site)
    expect(other.locator(".rc-card")).not_to_contain_text(A_YEAR)
    lunch(page, site)
    expect(page.locator(".rc-card")).to_contain_text(OWN_YEAR)
    assert problems == []


def test_a_form_of_another_tab_reaches_nobody_once_one_acts(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "hanako")
    page.goto(f"{site.portal_url}/my-data/attributes/")
    expect(page.locator("select[name=age_band]")).to_have_value("35-44")
    second = page.context.new_page()
    second.goto(site.portal_url + HOUSEHOLD)
    second.locator(f"form[action='{HOUSEHOLD}act/'] button[name=ward]").first.click()
    second.wait_for_url(site.portal_url + "/")
    expect(second.locator(".acting-bar")).to_contain_text("高松 はなさんの代わりに見ています")
    page.locator("main form button[type=submit]").click()
    # The page is now the child's, and says so; what the parent had there is not on it and went nowhere.
    expect(page.locator(".kept-form [role=alert]")).to_contain_text("何も送られていません")
    expect_acting(page)
    expect(page.locator("select[name=age_band]")).to_have_value("0-17")
    second.locator(".acting-bar button").click()
    second.wait_for_url(site.portal_url + "/")
    expect(second.locator(".acting-bar")).to_have_count(0)
