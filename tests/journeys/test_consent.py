"""The waste card asks before the first attribute leaves; a refusal is kept, and the card stays public."""

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.people import ZONES
from tests.sites import Site


def test_nothing_leaves_before_she_says_yes(page: Page, watched: Site) -> None:
    zone = ZONES["granting"][1]
    steps.sign_in(page, watched, "granting")
    frame = steps.expect_filled(page, steps.WASTE)
    expect(frame).to_contain_text("収集区8")  # the public form: every zone
    expect(frame).to_contain_text("お住まいの地区の収集日を調べるため")
    # One question for each page, however many gadgets would like to ask.
    assert page.locator("[data-gadget] form[action*='/consent/']").count() == 2
    page.reload()
    page.goto(f"{watched.portal_url}/gadgets/{steps.WASTE}/")
    expect(page.locator(".rc-card")).to_contain_text("収集区8")
    assert zone not in steps.zones_seen(watched)

    page.goto(watched.portal_url + "/")
    steps.grant(page, steps.WASTE)
    frame = steps.card(page, steps.WASTE)
    expect(frame.locator(".rc-dates")).to_be_visible()
    expect(frame).to_contain_text(f"収集区{zone}")
    expect(frame).not_to_contain_text("収集区8")
    seen = steps.claims_seen(watched)
    assert set(seen) == {steps.ZONE}  # never the district, never a name
    assert zone in steps.zones_seen(watched)
    assert steps.debug_answer(watched, "waste").json()["last"]["has_sub"] is False

    page.goto(f"{watched.portal_url}/my-data/")
    row = page.locator("article").filter(has_text="ごみ収集日")
    expect(row).to_contain_text("ごみ収集の区域")
    expect(page.locator("section[aria-labelledby=log-title] tbody tr").first).to_contain_text("ごみ収集日")


def test_who_says_no_keeps_the_public_form_and_is_not_asked_again(page: Page, watched: Site) -> None:
    steps.sign_in(page, watched, "refusing")
    steps.card(page, steps.WASTE).locator("form[action$='/refuse/'] button").click()
    expect(page.locator(".notice--success")).to_contain_text("ごみ収集日")
    for _visit in (1, 2):
        frame = steps.expect_filled(page, steps.WASTE)
        expect(frame).to_contain_text("収集区8")
        expect(steps.asks(page, steps.WASTE)).to_have_count(0)
        # A new visit: she signs in again.
        page.context.clear_cookies()
        steps.sign_in(page, watched, "refusing")
    page.goto(f"{watched.portal_url}/gadgets/{steps.WASTE}/")
    expect(page.locator(".rc-card")).to_contain_text("収集区8")
    assert ZONES["refusing"][1] not in steps.zones_seen(watched)
