"""Somebody new registers at the ID: newest first until they opt in, and back where they came from."""

import uuid

from playwright.sync_api import Page, expect

from tests.journeys import account, steps
from tests.sites import Site

PASSWORD = "a-long-sample-password"


def register(page: Page, site: Site) -> None:
    """Fills in the ID's own form, whichever ID it is."""
    name = f"new-{uuid.uuid4().hex[:12]}"
    page.wait_for_url(f"{site.id_url}/**")
    if site.mode == "city":
        account.register(page, f"{name}@region.localhost")
        return
    page.locator("input[name=email]").fill(f"{name}@region.localhost")
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password1]").press("Enter")


def test_a_new_resident_is_not_personalised_until_they_say_so(page: Page, site: Site) -> None:
    page.goto(f"{site.portal_url}/sign-up/?next=/all-news/")
    register(page, site)
    steps.leave_welcome(page, site, "/all-news/")
    expect(page.locator("form[action$='/sign-out/']")).to_be_visible()
    page.goto(site.portal_url + "/")
    expect(page.locator("section[aria-labelledby=zone-for-you] .notice")).to_contain_text("新しい順")
    steps.expect_newest_first(page)
    # The waste card says what it lacks instead of asking for something that is not there.
    expect(steps.asks(page, steps.WASTE)).to_have_count(0)
    expect(steps.card(page, steps.WASTE)).to_contain_text("登録すると")

    page.goto(f"{site.portal_url}/my-data/attributes/")
    page.locator("#area-district select").select_option("yashima")
    page.locator("#interests input[value=elderly]").check()
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".notice--success")).to_be_visible()
    page.goto(site.portal_url + "/")
    steps.expect_newest_first(page)
    expect(steps.asks(page, steps.WASTE)).to_be_visible()

    page.locator("section[aria-labelledby=zone-for-you] .notice a").click()
    page.locator("form:has(input[value=on]) button").click()
    expect(page.locator(".notice--success")).to_be_visible()
    page.goto(site.portal_url + "/")
    entries = steps.listed(page)
    assert entries[0][0] == "屋島地区のコミュニティバスの時刻変更"
    assert [reason.split(" ")[0] for reason in entries[0][1]] == [
        "お住まいの地区（屋島）のお知らせ",
        "選んだテーマ:",
    ]


def test_the_sign_in_page_leads_to_registration(page: Page, site: Site) -> None:
    page.goto(site.portal_url + "/sign-in/")
    page.wait_for_url(f"{site.id_url}/**")
    link = page.locator("a[href*='registration'], a[href*='signup']").first
    link.click()
    expect(page.locator("input[name=email]")).to_be_visible()
