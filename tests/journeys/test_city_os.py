"""A card without any server of its provider: added from the catalogue, asked for, near to the resident, as its owner agreed."""

from playwright.sync_api import Page, expect

from tests.journeys import desk, steps
from tests.sites import Site

GAUGE = "localhost.cityos.river"


def test_a_resident_adds_the_nearest_gauge_and_sees_what_left(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "hanako")
    page.goto(f"{site.portal_url}/gadgets/")
    page.locator(f"form[action$='/gadgets/{GAUGE}/add'] button").click()
    page.goto(site.portal_url + "/")
    # Before she is asked, the card is there for everybody: the gauge nearest to the middle of the city.
    expect(steps.expect_filled(page, GAUGE)).to_contain_text("福井県の2023年7月13日の記録")
    steps.grant_on_page(page, site, GAUGE)
    page.goto(site.portal_url + "/")
    frame = steps.expect_filled(page, GAUGE)
    expect(frame).to_contain_text("荒川 原目")
    expect(frame).to_contain_text("川の見本事業者（MIT）")
    page.goto(f"{site.portal_url}/my-data/")
    expect(page.locator("main")).to_contain_text("最寄りの川の水位")
    page.goto(site.portal_url + "/gadgets/")
    page.locator(f"form[action$='/gadgets/{GAUGE}/remove'] button").click()


def test_everybody_sees_which_service_reads_which_data_from_whom(page: Page, site: Site) -> None:
    page.goto(f"{site.portal_url}/gadgets/")
    page.get_by_role("link", name="どのサービスが、どのデータを使うか").click()
    page.wait_for_url(f"{site.portal_url}/connections/")
    row = page.locator("tr", has_text="WaterLevelObserved")
    for words in ("最寄りの川の水位", "川の見本事業者", "MIT"):
        desk.seen(row, words)
    desk.seen(page.locator("tr", has_text="Library"), "市")
    expect(page.get_by_role("img", name="サービスとデータのつながりの図")).to_be_visible()
    desk.accessible(page)
    page.emulate_media(forced_colors="active")
    ink, paper = page.locator(".links-picture__box").first.evaluate(
        "box => [getComputedStyle(box).stroke, getComputedStyle(box).fill]"
    )
    assert ink != paper
    page.emulate_media(forced_colors="none")
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_owner_of_the_data_reads_who_reads_them_and_may_take_the_agreement_back(
    page: Page, site: Site
) -> None:
    steps.sign_in(page, site, "wasteco")
    page.goto(f"{site.portal_url}/provider/contracts/")
    contract = page.locator("section", has_text="WaterLevelObserved")
    desk.seen(contract, "最寄りの川の水位")
    expect(contract.locator("button[value=end]")).to_be_visible()
    desk.accessible(page)
