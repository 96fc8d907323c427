"""Providers that are away or hang: the home keeps its place for each, says so on the card, and asks none itself."""

from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys import steps
from tests.sites import PROVIDERS, Site

WORDS = {"最新", "古い", "取得できません"}


def test_the_home_itself_asks_no_provider(context: BrowserContext, page: Page, watched: Site) -> None:
    steps.sign_in(page, watched, "looking")
    steps.expect_filled(page, steps.WASTE)
    cookies = {str(one["name"]): str(one["value"]) for one in context.cookies(watched.portal_url)}
    calls = steps.calls_seen(watched)
    for path in ("/", "/en/", "/ja-simple/"):
        for _time in range(3):
            answer = watched.get(watched.portal_url + path, cookies=cookies)
            assert answer.status_code == 200
            assert f'data-gadget="{steps.WASTE}"' in answer.text
    assert steps.calls_seen(watched) == calls


def broken(page: Page, site: Site, path: str = "/") -> None:
    """Opens the home: every frame stands there, and says how old its content is or that there is none."""
    answer = page.goto(site.portal_url + path)
    assert answer is not None
    assert answer.status == 200
    expect(page.locator("[aria-busy]")).to_have_count(0, timeout=20_000)
    for gadget_id in steps.CARDS:
        frame = steps.card(page, gadget_id)
        said = frame.locator(".card__status .tag").inner_text()
        assert said in WORDS
        assert (frame.locator(".rc-card").count() == 1) is (said != "取得できません")


def test_with_all_three_killed_the_layout_stays(page: Page, mended: Site) -> None:
    site = mended
    steps.sign_in(page, site, "outage")
    for gadget_id in steps.CARDS:
        steps.expect_filled(page, gadget_id)
    healthy = steps.layout(page)
    for name in PROVIDERS[:3]:
        site.kill(name)
    # With her consent a card of her own is wanted, which nobody ever fetched: that of everybody stands in.
    steps.grant_on_page(page, site, steps.WASTE)
    broken(page, site)
    assert steps.layout(page) == healthy
    expect(steps.card(page, steps.WASTE)).to_contain_text("だれでも見られる内容を表示しています")
    assert page.locator("main .alert").count() >= 1
    assert len(steps.listed(page)) == 12
    steps.card(page, steps.WASTE).locator(".card__title a").click()
    expect(page.locator(".card__status")).to_contain_text("あなた向けの内容は、いま取得できません")
    expect(page.locator("section.card .rc-card")).to_be_visible()

    # Once they are back, so is the card.
    for name in PROVIDERS[:3]:
        site.start(name)

    def back() -> bool:
        page.goto(site.portal_url + "/")
        expect(page.locator("[aria-busy]")).to_have_count(0, timeout=20_000)
        return "収集区5" in steps.card(page, steps.WASTE).inner_text()

    steps.eventually(back, 90)


def test_with_one_that_hangs_the_layout_stays(page: Page, mended: Site) -> None:
    site = mended
    steps.sign_in(page, site, "hanging")
    for gadget_id in steps.CARDS:
        steps.expect_filled(page, gadget_id)
    healthy = steps.layout(page)
    site.start("lunch", fault="hang:30")
    steps.grant_on_page(page, site, steps.LUNCH)
    broken(page, site)
    assert steps.layout(page) == healthy
    expect(steps.card(page, steps.LUNCH)).to_contain_text("だれでも見られる内容を表示しています")
    assert steps.card(page, steps.WASTE).locator(".tag").inner_text() == "最新"
