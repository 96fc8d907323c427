"""Two browsers of one person: each seen from the other, the other one ended, and a proof of the person asked again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys import steps
from tests.sites import Site

PAGE = "/my-data/sessions/"


@pytest.fixture
def laptop(browser: Browser) -> Iterator[BrowserContext]:
    """A second browser of the same person."""
    made = browser.new_context(
        locale="ja-JP",
        user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0",
    )
    made.set_default_timeout(30_000)
    yield made
    made.close()


def test_the_other_browser_is_seen_and_ended_with_its_services(
    page: Page, laptop: BrowserContext, site: Site
) -> None:
    steps.sign_in(page, site, "leaving")
    other = laptop.new_page()
    steps.sign_in(other, site, "leaving")
    other.goto(site.providers["waste"] + "/")
    other.locator("a.button[href^='/oidc/start']").click()
    expect(other.locator("#subject")).to_be_visible()
    page.goto(site.portal_url + PAGE)
    rows = page.locator("section.card")
    expect(rows.first).to_contain_text("この端末")
    theirs = rows.filter(has_text="Firefox, Windows").first
    expect(theirs).to_contain_text("ごみ")
    theirs.get_by_role("button", name="この端末をサインアウト").click()
    expect(page.get_by_role("status").first).to_contain_text("サインアウトしました。")

    def out() -> bool:
        other.goto(site.providers["waste"] + "/")
        return other.locator("#subject").count() == 0

    steps.eventually(out)
    other.goto(site.portal_url + PAGE)
    other.wait_for_url(f"{site.id_url}/**")
    page.goto(site.portal_url + PAGE)
    expect(rows.first).to_contain_text("この端末")


def test_a_proof_of_the_person_is_asked_again_and_leads_back(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "leaving")
    passwords = steps.Passwords().watch(page.context)

    def asked() -> bool:
        page.goto(f"{site.portal_url}/sign-in/?fresh=1&next={PAGE}")
        return page.url.startswith(site.id_url)

    steps.eventually(asked)  # a sign-in of the last seconds is proof enough
    page.locator("input[name=password]").fill(steps.person("leaving").password)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(site.portal_url + PAGE)
    assert len(passwords.sent) == 1
    expect(page.locator("section.card").first).to_contain_text("この端末")
