"""The operator's desk: what waits, who may not decide, and the switch that stops a gadget at once."""

from playwright.sync_api import Browser, Page, expect

from tests.journeys import desk, steps
from tests.sites import Site

OWN = "localhost.ownwork.page"
REASON = "水位の更新が止まっているため、確かめます。"


def test_nobody_reviews_work_of_their_own(page: Page, site: Site, browser: Browser) -> None:
    desk.enter_admin(page, site, "operator")
    page.goto(f"{site.portal_url}/provider/")
    page.locator("#org-name").fill("運用者の会社")
    page.locator("#org-contact").fill("own@region.localhost")
    page.get_by_role("button", name="組織を登録").click()
    desk.seen(page.locator(".notice--success").first)
    with desk.serving("ownwork") as url:
        desk.register(page, site, url, "運用者の会社")
        page.wait_for_url(f"**/provider/gadgets/{OWN}/")
        assert all(ok for _, ok, _ in desk.checked(page))
        desk.step(page, "submit")
        desk.seen(page.locator(".notice--success").first, "審査を申し込みました")

    try:
        desk.review(page, site, OWN)
        desk.seen(page.locator("main"), "あなたはこの組織の一員です。審査は別の運用者が行います。")
        expect(page.locator("button[value=approve], button[value=refuse]")).to_have_count(0)
        desk.accessible(page, inside=".nice-padding")
        with desk.somebody(browser) as guest:
            guest.goto(f"{site.portal_url}/gadgets/")
            expect(guest.locator("h1")).to_be_visible()
            assert "ownwork" not in guest.content()
    finally:
        desk.open_gadget(page, site, OWN)
        page.locator("summary", has_text="サービスを終了する").click()
        desk.step(page, "retire")
    desk.seen(page.locator("main .tag").first, "終了")


def test_the_queue_shows_what_waits_and_what_stands(page: Page, site: Site) -> None:
    desk.enter_admin(page, site, "operator")
    page.get_by_role("link", name="サービスの審査").click()
    page.wait_for_url("**/admin/services/")
    desk.seen(page.get_by_role("heading", name="審査を待っているサービス"))
    for gadget_id in steps.CARDS:
        desk.seen(page.locator("tr", has_text=gadget_id), "公開中")
    desk.accessible(page, inside=".nice-padding")
    desk.review(page, site, steps.WASTE)
    main = page.locator("main")
    for words in ("ごみ収集の区域", "自動検査", "これまでの記録", "承認されました"):
        desk.seen(main, words)


def test_a_gadget_that_is_stopped_is_gone_at_once_and_comes_back(
    page: Page, site: Site, browser: Browser
) -> None:
    desk.enter_admin(page, site, "operator")
    with desk.somebody(browser) as guest, desk.somebody(browser) as hanako:
        guest.goto(site.portal_url + "/")
        steps.expect_filled(guest, steps.RIVER)
        steps.sign_in(hanako, site, "hanako")
        desk.seen(steps.card(hanako, steps.RIVER))
        desk.review(page, site, steps.RIVER)
        desk.decide(page, "suspend", REASON)
        try:
            desk.seen(page.locator(".messages .success"), "停止しました")
            for reader in (guest, hanako):
                reader.goto(site.portal_url + "/")
                expect(steps.card(reader, steps.WASTE)).to_have_count(1)
                expect(steps.card(reader, steps.RIVER)).to_have_count(0)
            desk.seen(page.locator("main"), REASON)
        finally:
            desk.review(page, site, steps.RIVER)
            desk.decide(page, "resume")
        desk.seen(page.locator(".messages .success"), "再開しました")
        for reader in (guest, hanako):
            reader.goto(site.portal_url + "/")
            steps.expect_filled(reader, steps.RIVER)


def test_a_resident_finds_no_desk(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "looking")
    assert desk.status(page, f"{site.portal_url}/admin/services/") == 403
    assert desk.status(page, f"{site.portal_url}/admin/services/{steps.RIVER}/") == 403
