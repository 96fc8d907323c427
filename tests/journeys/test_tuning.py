"""An editor asks why, pins an item after a dry run, changes a weight and goes back; residents see it and why."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.journeys import desk, steps
from tests.sites import Site

PINNED = "市の担当者が、いま読んでほしいお知らせとして先頭に出しています"


def test_an_item_is_pinned_by_keyboard_and_let_go(page: Page, site: Site, browser: Browser) -> None:
    desk.enter_admin(page, site, "editor")
    with desk.somebody(browser) as guest:
        guest.goto(site.portal_url + "/")
        title = steps.titles(guest)[3]
        page.goto(f"{site.portal_url}/admin/ranking/")
        desk.accessible(page)
        page.get_by_label("題名にふくむことば").fill(title)
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/ranking/?person=guest&q=**")
        page.get_by_role("link", name=f"決まりを作る {title}").click()
        page.wait_for_url("**/admin/ranking/rules/?item=**")
        page.get_by_label("先頭に出す").check()
        page.get_by_label("理由", exact=True).fill("申込みの締切が近いため")
        page.get_by_role("button", name="試してみる").click()
        expect(page.locator("#trial")).to_contain_text(PINNED)
        desk.accessible(page)
        guest.reload()
        assert steps.titles(guest)[0] != title
        page.get_by_role("button", name="この決まりを作る").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".messages")).to_contain_text("決まりを作りました")
        try:
            desk.wait_until(lambda: steps.titles(guest)[0] == title, guest.reload)
            assert PINNED in " ".join(dict(steps.listed(guest))[title])
            guest.goto(f"{site.portal_url}/my-data/ranking/")
            expect(guest.locator("main")).to_contain_text("申込みの締切が近いため")
        finally:
            page.get_by_role("button", name=re.compile("^終わらせる")).first.click()
            expect(page.locator(".messages")).to_contain_text("終わらせました")
        guest.goto(site.portal_url + "/")
        desk.wait_until(lambda: steps.titles(guest)[0] != title, guest.reload)


def test_a_weight_is_tried_set_and_set_back(page: Page, site: Site) -> None:
    desk.enter_admin(page, site, "operator")
    page.goto(f"{site.portal_url}/admin/ranking/prior/")
    before = page.get_by_label("ほかの地区だけの項目").input_value()
    page.get_by_label("ほかの地区だけの項目").fill("9")
    page.get_by_role("button", name="この数字に決める").click()
    expect(page.get_by_role("alert")).to_contain_text("まだ何も変えていません")
    desk.accessible(page)
    page.get_by_label("ほかの地区だけの項目").fill("1.5")
    page.get_by_role("button", name="試してみる").click()
    expect(page.locator("#trial")).to_contain_text("変わります")
    expect(page.get_by_label("ほかの地区だけの項目")).to_have_value("1.5")
    desk.accessible(page)
    for value in ("1.5", before):
        page.get_by_label("ほかの地区だけの項目").fill(value)
        page.get_by_label("変える理由").fill("試すため")
        page.get_by_role("button", name="この数字に決める").click()
        expect(page.locator(".messages")).to_contain_text("版にしました")
        expect(page.get_by_label("ほかの地区だけの項目")).to_have_value(value)
    page.goto(f"{site.portal_url}/admin/ranking/figures/")
    desk.accessible(page)
