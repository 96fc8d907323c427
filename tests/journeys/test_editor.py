"""An editor writes for parents of one district: it stands on Hanako's home with its reason, and not on Taro's."""

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys import desk, steps
from tests.sites import Site

NEWS = "仏生山の親子リトミック教室（予約不要）"
TOKYO = ZoneInfo("Asia/Tokyo")


def write_news(page: Page, site: Site, title: str) -> None:
    """A news page for parents of Busshōzan, filled in but not yet published."""
    desk.new_page(page, site, "お知らせ", "newspage")
    page.locator("#id_title").fill(title)
    page.locator("#id_summary").fill("毎週土曜の朝、コミュニティセンターで開きます。")
    desk.tab(page, "対象とテーマ")
    page.get_by_role("group", name="お住まいの地区").get_by_label("仏生山", exact=True).check()
    page.get_by_role("group", name="子どものいる世帯").get_by_label("はい").check()
    page.locator("input[name=topics][value=childcare]").check()


def test_news_for_parents_of_one_district(page: Page, site: Site, browser: Browser) -> None:
    desk.enter_admin(page, site, "editor")
    with desk.somebody(browser) as hers, desk.somebody(browser) as his:
        steps.sign_in(hers, site, "hanako")
        steps.sign_in(his, site, "taro")
        before = steps.titles(hers)
        assert NEWS not in before
        write_news(page, site, NEWS)
        number = desk.publish(page)
        try:
            hers.reload()
            found = dict(steps.listed(hers))
            assert NEWS in list(found)[:3]
            reasons = " ".join(found[NEWS])
            assert "お住まいの地区（仏生山）" in reasons
            assert "お子さまのいるご家庭" in reasons
            hers.get_by_role("link", name=NEWS).first.click()
            expect(hers.locator("h1")).to_have_text(NEWS)
            assert re.search(r"/news/\d{8}(-\d+)?/$", hers.url)
            address = hers.url
            hers.go_back()

            his.reload()
            assert NEWS not in steps.titles(his)
            preview(page, site)
        finally:
            desk.unpublish(page, site, number)
        hers.reload()
        assert NEWS not in hers.content()
        assert steps.titles(hers)[:5] == before[:5]
        assert desk.status(hers, address) == 410


def preview(page: Page, site: Site) -> None:
    """The home as two made-up people would see it, beside the editor's form."""
    page.goto(f"{site.portal_url}/admin/pages/")
    below = page.locator("a[href^='/admin/pages/'][href$='/add_subpage/']").first.get_attribute("href")
    page.goto(site.portal_url + str(below).replace("/add_subpage/", "/edit/"))
    page.get_by_role("button", name="Toggle preview").click()
    # The choice counts once the editor's script has drawn the first one.
    desk.seen(page.locator("#w-preview-iframe[src*='mode=guest']"))
    desk.seen(page.frame_locator("#w-preview-iframe").locator("main .alert").first)
    home = page.frame_locator("#w-preview-iframe")
    for name, mark, sees in (("hanako", NEWS, True), ("taro", "屋島で見守りの集いを始めます", False)):
        page.locator("#id_preview_mode").select_option(name)
        desk.seen(page.locator(f"#w-preview-iframe[src*='mode={name}']"))
        desk.seen(home.locator("#main, main").get_by_role("link", name=mark).first)
        assert (NEWS in home.locator("body").inner_html()) is sees


@pytest.mark.browser
def test_the_panel_says_in_words_how_many_are_reached(page: Page, demo_site: Site) -> None:
    desk.enter_admin(page, demo_site, "editor")
    desk.new_page(page, demo_site, "お知らせ", "newspage")
    page.get_by_role("button", name="届く人数を開く・閉じる").click()
    words, reach = page.locator("[data-reach-words]"), page.locator("[data-reach-count]")
    desk.seen(words, "全員")
    desk.seen(reach, "全員に届きます。")
    desk.tab(page, "対象とテーマ")
    page.get_by_role("group", name="お住まいの地区").get_by_label("仏生山", exact=True).check()
    desk.seen(words, "お住まいの地区: 仏生山")
    expect(reach).to_have_text(
        re.compile(r"^約 [\d,]*0人（10人きざみ）$|^30人未満のため"), timeout=desk.PATIENCE
    )
    page.get_by_role("group", name="年代").get_by_label("75歳以上").check()
    page.get_by_role("group", name="お子さんの学年").get_by_label("中学3年").check()
    desk.seen(words, "年代: 75歳以上")
    desk.seen(reach, "30人未満のため人数は出しません。")


def test_a_lesser_alert_stands_below_the_urgent_one(page: Page, site: Site, browser: Browser) -> None:
    title = "強風に注意してください（試し）"
    desk.enter_admin(page, site, "editor")
    with desk.somebody(browser) as guest:
        guest.goto(site.portal_url + "/")
        urgent = guest.locator("main .alert").first.locator("h2 a").inner_text()
        desk.new_page(page, site, "緊急のお知らせ", "alertpage")
        page.locator("#id_title").fill(title)
        page.locator("#id_level").fill("2")
        page.locator("#id_alert_kind").select_option("wind")
        page.locator("#id_whole_city").check()
        page.locator("#id_valid_until").fill("2099-01-01 10:00")
        page.locator("#id_what_to_do").fill("外に出ないでください。")
        number = desk.publish(page)
        try:
            guest.reload()
            shown = guest.locator("main .alert h2 a").all_inner_texts()
            assert shown[0] == urgent
            assert title in shown[1:]
            expect(guest.locator("main .alert").first.locator(".tag--urgent")).to_be_visible()
            # Whoever reads the file that stands without the portal sees the same order.
            assert alerts(site)[0]["title"]["ja"] == urgent
            assert title in {it["title"]["ja"] for it in alerts(site)}
        finally:
            desk.unpublish(page, site, number)
        guest.reload()
        assert title not in guest.locator("main .alert h2 a").all_inner_texts()
        assert title not in {it["title"]["ja"] for it in alerts(site)}


def alerts(site: Site) -> list[dict[str, Any]]:
    """The static file."""
    folder = Path(site.environment.get("ALERTS_DIR") or site.folder / "alerts")
    found: list[dict[str, Any]] = json.loads((folder / "alerts.json").read_text())["alerts"]
    return found


@pytest.mark.full
@pytest.mark.browser
def test_a_page_that_has_ended_leaves_the_home_on_the_next_request(
    page: Page, demo_site: Site, browser: Browser
) -> None:
    title = "今日かぎりのお知らせ（試し）"
    desk.enter_admin(page, demo_site, "editor")
    desk.new_page(page, demo_site, "お知らせ", "newspage")
    page.locator("#id_title").fill(title)
    page.get_by_role("button", name="Toggle status").click()
    page.get_by_role("button", name="Set schedule").click()
    ends = (datetime.now(TOKYO) + timedelta(seconds=85)).replace(second=0, microsecond=0)
    page.locator("#id_expire_at").fill(f"{ends:%Y-%m-%d %H:%M}")
    # By keyboard: the calendar that opens at the field may lie over the button.
    page.get_by_role("button", name="Save schedule").press("Enter")
    desk.publish(page)
    with desk.somebody(browser) as guest:
        guest.goto(demo_site.portal_url + "/all-news/")
        place = guest.get_by_role("link", name=title)
        desk.seen(place)
        address = demo_site.portal_url + str(place.get_attribute("href"))
        assert datetime.now(TOKYO) < ends
        while datetime.now(TOKYO) < ends:
            time.sleep(0.5)
        guest.reload()
        expect(guest.locator("h1")).to_be_visible()
        assert title not in guest.content()
        assert desk.status(guest, address) == 410
        guest.goto(demo_site.portal_url + "/")
        assert title not in guest.content()


def test_who_may_enter_the_admin_and_what_sign_out_means_there(page: Page, site: Site) -> None:
    passwords = steps.Passwords().watch(page.context)
    desk.enter_admin(page, site, "editor")
    # An editor does not review services.
    expect(page.get_by_role("link", name="サービスの審査")).to_have_count(0)
    page.goto(f"{site.portal_url}/admin/services/")
    assert page.url == site.portal_url + desk.ADMIN
    page.locator(".sidebar-footer button, .w-sidebar button", has_text="editor").first.click()
    page.get_by_role("button", name="ログアウト").click()
    page.wait_for_url(site.portal_url + "/")
    assert len(passwords.sent) == 1
    # The ID has forgotten her too: the next visitor at this machine is asked.
    page.goto(site.portal_url + desk.ADMIN)
    steps.enter_password(page, site, "taro")
    desk.seen(page.locator("h1"))
    assert len(passwords.sent) == 2
    assert desk.status(page, site.portal_url + desk.ADMIN) == 403
