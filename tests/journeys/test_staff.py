"""Staff: a password and a code open the desk, a decision wants both again, lifting a protection takes two people."""

import re
import sys

from playwright.sync_api import Browser, Page, expect

from demo.cast import CAST
from demo.supervise import run_to_end
from tests import sites
from tests.journeys import desk, steps
from tests.journeys.conftest import both_modes
from tests.sites import Site

PROTECTION = "/admin/protection/"


def let_time_pass(site: Site, name: str) -> None:
    """Ten minutes, for the proofs of one account."""
    run_to_end(
        [sys.executable, "-m", "tests.journeys.ageing", CAST[name].username],
        env=site.environment,
        cwd=sites.ROOT,
        log=site.logs / "ageing.log",
    )


def password(page: Page, site: Site, name: str) -> None:
    """The first factor alone."""
    page.wait_for_url(f"{site.id_url}/**")
    who = steps.person(name)
    named = page.locator("input[name=login], input[name=username]")
    if named.count() and named.first.is_editable():
        named.first.fill(who.username)
    page.locator("input[name=password]").fill(who.password)
    page.locator("input[name=password]").press("Enter")
    expect(page.locator("input[name=code], input[name=otp]")).to_be_visible()


@both_modes
def test_a_password_alone_opens_no_desk_and_a_decision_wants_both_again(page: Page, site: Site) -> None:
    page.set_viewport_size(desk.WIDE)
    page.goto(site.portal_url + desk.ADMIN)
    password(page, site, "operator2")
    place = page.locator("input[name=code], input[name=otp]")
    place.fill("000000")
    place.press("Enter")
    expect(page.locator("[role=alert], .form__error, #input-error-otp").first).to_be_visible()
    page.goto(site.portal_url + desk.ADMIN)
    assert page.url.startswith(site.id_url)
    if page.locator("input[name=password]").count():
        password(page, site, "operator2")
    steps.enter_code(page, site, steps.person("operator2"))
    page.wait_for_url(site.portal_url + desk.ADMIN)

    page.goto(site.portal_url + PROTECTION)
    expect(page.locator("input[name=number]")).to_be_visible()
    let_time_pass(site, "operator2")
    page.locator("input[name=number]").fill("1234 5678 9012 3456")
    page.get_by_role("button", name="探す", exact=True).click()
    password(page, site, "operator2")
    steps.enter_code(page, site, steps.person("operator2"))
    # Back on the page of the form, which was kept without the number.
    page.wait_for_url(re.compile(re.escape(site.portal_url + PROTECTION) + r"\?kept="))
    expect(page.locator(".messages")).to_contain_text("まだ送っていません")
    expect(page.locator("input[name=number]")).to_have_value("")


def test_a_stranger_gets_in_with_the_code_that_the_demo_shows(page: Page, demo_site: Site) -> None:
    page.goto(demo_site.portal_url + desk.ADMIN)
    password(page, demo_site, "auditor")
    desk.accessible(page)
    shown = page.locator("[data-sample-code] strong").inner_text()
    assert re.fullmatch(r"\d{6}", shown)
    page.locator("input[name=code]").fill(shown)
    page.locator("input[name=code]").press("Enter")
    expect(page.locator("h1")).to_have_text(
        "この画面には入れません"
    )  # signed in, and no desk of this role yet


def test_lifting_a_protection_takes_two_people(page: Page, site: Site, browser: Browser) -> None:
    page.goto(f"{site.portal_url}/my-data/")
    steps.enter_password(page, site, "sheltering")
    page.wait_for_url(f"{site.portal_url}/my-data/")
    number = page.locator("text=/\\d{4} \\d{4} \\d{4} \\d{4}/").first.inner_text()
    number = re.search(r"\d{4} \d{4} \d{4} \d{4}", number)[0]  # type: ignore[index]
    with desk.somebody(browser) as first, desk.somebody(browser) as second:
        desk.enter_admin(first, site, "operator")
        desk.enter_admin(second, site, "operator2")
        open_number(first, site, number)
        decide(first, "set")
        try:
            open_number(first, site, number)
            decide(first, "ask")
            open_number(first, site, number)
            expect(first.locator("main")).to_contain_text("あなたが申請しました")
            expect(first.locator("button[value=lift]")).to_have_count(0)
        finally:
            open_number(second, site, number)
            expect(second.locator("main")).to_contain_text("ほかの運用者が申請しました")
            decide(second, "lift")
        open_number(second, site, number)
        expect(second.locator("main")).to_contain_text("保護していません")


def open_number(page: Page, site: Site, number: str) -> None:
    page.goto(site.portal_url + PROTECTION)
    page.locator("input[name=number]").fill(number)
    page.get_by_role("button", name="探す", exact=True).click()
    expect(page.locator("input[name=confirmed]").first).to_be_visible()


def decide(page: Page, decision: str) -> None:
    for box in page.locator("input[name=confirmed]").all():
        box.check()
    page.locator(f"button[name=decision][value={decision}]").click()
    desk.seen(page.locator(".messages .success"))
