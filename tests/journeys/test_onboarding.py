"""The first visit: a guest's choices are taken over after asking, and three steps show the home before it is there."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys import steps
from tests.journeys.test_registration import register
from tests.sites import Site


@pytest.fixture
def bare_page(browser: Browser) -> Iterator[Page]:
    """A page in a profile that runs no scripts."""
    context = browser.new_context(
        locale="ja-JP", java_script_enabled=False, viewport={"width": 360, "height": 740}
    )
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def choose_as_guest(page: Page, site: Site, district: str, topic: str) -> None:
    page.goto(site.portal_url + "/")
    page.locator("#guest summary").click()
    page.locator("#guest-district").select_option(district)
    page.locator(f"#guest input[value={topic}]").check()
    page.locator("#guest button[value=save]").click()
    page.wait_for_url(site.portal_url + "/")


def sample(page: Page) -> list[str]:
    """The titles of the sample as it stands."""
    return page.locator("[data-sample-here] .entry__title").all_inner_texts()


def to_the_topics(page: Page, site: Site) -> None:
    """From the first step to the third, with what stands in the forms."""
    page.get_by_role("button", name="つぎへ").click()
    page.wait_for_url(f"{site.portal_url}/welcome/district/?next=**")
    page.get_by_role("button", name="つぎへ").click()
    page.wait_for_url(f"{site.portal_url}/welcome/topics/?next=**")


def test_a_guest_registers_is_asked_and_sees_the_home_before_it_is_there(page: Page, site: Site) -> None:
    choose_as_guest(page, site, "busshozan", "childcare")
    page.goto(f"{site.portal_url}/sign-up/?next=/")
    register(page, site)
    page.wait_for_url(f"{site.portal_url}/welcome/?next=**")
    expect(page.locator("main .notice")).to_contain_text("ゲストのときに選んだ「仏生山・子育て」")
    page.get_by_role("button", name="入れる", exact=True).click()
    expect(page.locator(".notice--success")).to_contain_text("あなたの設定に入れました")
    assert "guest" not in {cookie.get("name") for cookie in page.context.cookies(site.portal_url)}

    to_the_topics(page, site)
    expect(page.locator("input[value=childcare]")).to_be_checked()
    before = sample(page)
    assert "仏生山" in before[0]
    page.locator("input[value=disaster]").check()
    expect(page.locator("[data-said]")).to_have_text("見本を新しくしました")
    after = sample(page)
    assert after != before
    expect(page.locator("[data-sample-here]")).to_contain_text("防災")
    # Nothing of it is kept yet: the home of somebody who has not said yes is in the order of time.
    other = page.context.new_page()
    other.goto(site.portal_url + "/")
    steps.expect_newest_first(other)
    other.close()

    page.get_by_role("button", name="おすすめ順にする").click()
    page.wait_for_url(site.portal_url + "/")
    expect(page.locator(".notice--success")).to_contain_text("設定しました")
    assert steps.titles(page)[:5] == after[:5]


def test_later_skips_all_of_it_at_once(page: Page, site: Site) -> None:
    page.goto(f"{site.portal_url}/sign-up/?next=/all-news/")
    register(page, site)
    steps.leave_welcome(page, site, "/all-news/")
    # She is still signed in at the ID: coming in again leads straight on.
    page.context.clear_cookies(domain="portal.region.localhost")
    page.goto(f"{site.portal_url}/sign-in/?next=/all-news/")
    page.wait_for_url(site.portal_url + "/all-news/")
    page.goto(site.portal_url + "/")
    steps.expect_newest_first(page)


def test_the_steps_without_javascript(bare_page: Page, site: Site) -> None:
    page = bare_page
    page.goto(f"{site.portal_url}/sign-up/?next=/")
    register(page, site)
    page.wait_for_url(f"{site.portal_url}/welcome/?next=**")
    page.get_by_role("button", name="つぎへ").click()
    page.get_by_label("地区をさがす").fill("やしま")
    page.get_by_role("button", name="さがす").click()
    expect(page.locator("#district")).to_have_value("yashima")
    page.get_by_role("button", name="つぎへ").click()
    page.wait_for_url(f"{site.portal_url}/welcome/topics/?next=**")
    assert sample(page)[0] == "屋島地区のコミュニティバスの時刻変更"
    page.locator("input[value=music]").check()
    page.get_by_role("button", name="見本を見る").click()
    expect(page.locator("[data-sample-here]")).to_contain_text("音楽")
    expect(page.locator("input[value=music]")).to_be_checked()
    page.get_by_role("link", name="前にもどる").click()
    expect(page.locator("#district")).to_have_value("yashima")
    page.get_by_role("button", name="つぎへ").click()
    page.get_by_role("button", name="新しい順にする").click()
    page.wait_for_url(site.portal_url + "/")
    steps.expect_newest_first(page)


def test_who_was_here_before_says_which_of_two_districts_holds(page: Page, site: Site) -> None:
    choose_as_guest(page, site, "yashima", "sports")
    page.locator(".site-header__account a[href*='/sign-in/']").click()
    steps.enter_password(page, site, "merging")
    page.wait_for_url(f"{site.portal_url}/welcome/guest/?next=**")
    page.get_by_role("button", name="入れる", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("どちらの地区にするか")
    page.get_by_label("仏生山").check()
    page.get_by_role("button", name="入れる", exact=True).click()
    page.wait_for_url(site.portal_url + "/")
    page.goto(f"{site.portal_url}/my-data/attributes/")
    expect(page.locator("#area-district select")).to_have_value("busshozan")
    expect(page.locator("#interests input[value=sports]")).to_be_checked()
