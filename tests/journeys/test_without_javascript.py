"""With JavaScript off the same page is whole: sign-in, question, cards and the way to each card."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys import steps
from tests.sites import Site


@pytest.fixture
def context_args(context_args: dict[str, object]) -> dict[str, object]:
    """Every page of these journeys runs without scripts."""
    return {**context_args, "java_script_enabled": False}


def on_its_own_page(page: Page, site: Site, gadget_id: str) -> str:
    """From the frame on the home to the gadget's page, which the server draws; the card's text."""
    page.goto(site.portal_url + "/")
    steps.card(page, gadget_id).locator(".card__title a").click()
    page.wait_for_url(f"{site.portal_url}/gadgets/{gadget_id}/")
    expect(page.locator(".rc-card")).to_be_visible()
    return page.locator(".rc-card").inner_text()


def test_a_guest_sees_the_same_page(page: Page, site: Site, browser: Browser) -> None:
    page.goto(site.portal_url + "/")
    bare = (steps.layout(page), page.locator("main h3.entry__title").all_inner_texts())
    scripted = browser.new_context(locale="ja-JP", viewport={"width": 360, "height": 740})
    try:
        other = scripted.new_page()
        other.goto(site.portal_url + "/")
        assert (steps.layout(other), other.locator("main h3.entry__title").all_inner_texts()) == bare
    finally:
        scripted.close()
    for gadget_id in steps.CARDS:
        assert on_its_own_page(page, site, gadget_id)
    # What was fetched for those pages now stands on the home, with no script at all.
    page.goto(site.portal_url + "/ja-simple/")
    for gadget_id in steps.CARDS:
        page.goto(f"{site.portal_url}/ja-simple/gadgets/{gadget_id}/")
        expect(page.locator(".rc-card")).to_be_visible()


def test_hanako_goes_her_whole_way(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "scriptless")
    page.locator(".entry__why summary").first.click()
    expect(page.locator(".entry__why li").first).to_be_visible()
    steps.grant(page, steps.WASTE)
    assert "収集区7" in on_its_own_page(page, site, steps.WASTE)
    # The gadget is arranged by plain forms.
    page.goto(site.portal_url + "/")
    before = steps.layout(page)[1]
    page.locator("a[href='/home/arrange/']").click()
    river = page.locator(f"form[action='/gadgets/{steps.RIVER}/move']").first
    river.locator("button[value=up], button[value=first]").first.click()
    page.goto(site.portal_url + "/")
    after = steps.layout(page)[1]
    assert sorted(map(str, after)) == sorted(map(str, before))
    assert after.index(steps.RIVER) < before.index(steps.RIVER)
    page.goto(f"{site.portal_url}/gadgets/{steps.WASTE}/")
    page.locator("a.button[rel=noreferrer]").click()
    expect(page.locator("#subject")).to_be_visible()
    page.goto(site.portal_url + "/")
    steps.sign_out(page, site)


def to_the_form(page: Page) -> None:
    """By the card's link, which a long card folds away."""
    more = page.locator(".rc-card details.rc-more:not([open]) > summary")
    if more.count():
        more.click()
    page.locator(".rc-form a.rc-action").click()


def test_a_form_of_a_card_is_filled_in_and_the_card_answers(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "scriptless")
    steps.grant_on_page(page, site, steps.LUNCH)
    page.goto(f"{site.portal_url}/gadgets/{steps.LUNCH}/")
    to_the_form(page)
    expect(page.locator("main")).to_contain_text("このポータルの外の「学校給食の見本事業者」に送られます")
    wheat = page.locator("#f-wheat")
    expect(wheat).not_to_be_checked()
    wheat.check()
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"{site.portal_url}/gadgets/{steps.LUNCH}/#card")
    expect(page.locator("body")).to_contain_text("「学校給食の見本事業者」に送りました。")
    to_the_form(page)
    expect(page.locator("#f-wheat")).to_be_checked()
    page.goto(f"{site.portal_url}/my-data/")
    expect(page.locator("body")).to_contain_text("入力した内容の送信")
