"""わたしのデータ: what she stops, leaves no more; what she changes, shows at once; off means newest first."""

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.people import ZONES
from tests.sites import Site


def set_district(page: Page, site: Site, district: str) -> None:
    page.goto(f"{site.portal_url}/my-data/attributes/")
    page.locator("#area-district select").select_option(district)
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".notice--success")).to_contain_text("保存しました")


def test_what_is_withdrawn_leaves_no_more(page: Page, watched: Site) -> None:
    zone = ZONES["withdrawing"][1]
    steps.sign_in(page, watched, "withdrawing")
    steps.grant(page, steps.WASTE)
    expect(steps.card(page, steps.WASTE).locator(".rc-dates")).to_be_visible()
    assert zone in steps.zones_seen(watched)

    page.goto(f"{watched.portal_url}/my-data/")
    page.locator(f"form[action='/my-data/stop/{steps.WASTE}/'] button").click()
    expect(page.locator(".notice--success")).to_contain_text("ごみ収集日")
    expect(page.locator("article").filter(has_text="ごみ収集日")).to_contain_text("止めた内容")
    before = steps.claims_seen(watched)
    # A zone that no card was fetched for: if it were allowed to leave, it would have to.
    set_district(page, watched, "enza")
    page.goto(watched.portal_url + "/")
    frame = steps.expect_filled(page, steps.WASTE)
    expect(frame).to_contain_text("収集区8")
    expect(frame.locator(".rc-dates")).to_have_count(0)
    expect(steps.asks(page, steps.WASTE)).to_have_count(0)
    page.goto(f"{watched.portal_url}/gadgets/{steps.WASTE}/")
    expect(page.locator(".rc-card")).to_contain_text("収集区8")
    assert steps.claims_seen(watched) == before

    # She may change her mind; then it leaves again, from there on.
    steps.grant_on_page(page, watched, steps.WASTE)
    page.goto(f"{watched.portal_url}/gadgets/{steps.WASTE}/")
    expect(page.locator(".rc-card")).to_contain_text("収集区6")


def test_another_district_moves_card_and_order_at_once(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "moving")
    steps.grant(page, steps.WASTE)
    expect(steps.card(page, steps.WASTE)).to_contain_text("収集区3")
    before = steps.titles(page)
    assert "栗林の駐輪場の利用方法が変わります" in before[:8]
    set_district(page, site, "busshozan")
    page.goto(site.portal_url + "/")
    after = steps.titles(page)
    assert after[0] == "仏生山に親子のひろばができます"
    assert after[0] not in before
    assert "栗林の駐輪場の利用方法が変わります" not in after[:8]
    assert "仏生山" in " ".join(steps.listed(page)[0][1])
    expect(steps.card(page, steps.WASTE)).to_contain_text("収集区7")
    expect(steps.card(page, steps.WASTE)).not_to_contain_text("収集区3")


def test_without_personalisation_the_order_is_that_of_time(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "switching")
    personal = steps.titles(page)
    page.goto(f"{site.portal_url}/my-data/")
    page.locator("form[action='/my-data/personalisation/'] button").click()
    expect(page.locator(".notice--success")).to_contain_text("新しい順")
    page.goto(site.portal_url + "/")
    steps.expect_newest_first(page)
    assert steps.titles(page) != personal
    page.goto(f"{site.portal_url}/my-data/personalisation/")
    page.locator("form:has(input[value=on]) button").click()
    expect(page.locator(".notice--success")).to_be_visible()
    page.goto(site.portal_url + "/")
    assert steps.titles(page)[:5] == personal[:5]
