"""Signing out at the portal signs out at the ID and at every provider, and the other way round."""

from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.sites import Site


def enter(page: Page, site: Site, provider: str) -> None:
    page.goto(site.providers[provider] + "/")
    page.locator("a.button[href^='/oidc/start']").click()
    expect(page.locator("#subject")).to_be_visible()


def is_in(page: Page, site: Site, provider: str) -> bool:
    page.goto(site.providers[provider] + "/")
    return page.locator("#subject").count() == 1


def test_out_at_the_portal_is_out_everywhere(page: Page, site: Site) -> None:
    passwords = steps.Passwords().watch(page.context)
    steps.sign_in(page, site, "leaving")
    enter(page, site, "waste")
    enter(page, site, "lunch")
    assert is_in(page, site, "waste")
    page.goto(site.portal_url + "/")
    steps.sign_out(page, site)
    steps.eventually(lambda: not is_in(page, site, "waste"))
    steps.eventually(lambda: not is_in(page, site, "lunch"))
    # The ID has forgotten her as well: the next sign-in asks for the password.
    assert len(passwords.sent) == 1
    page.goto(site.portal_url + "/my-data/")
    steps.enter_password(page, site, "leaving")
    page.wait_for_url(site.portal_url + "/my-data/")
    assert len(passwords.sent) == 2


def test_out_at_a_provider_is_out_at_the_portal(page: Page, site: Site) -> None:
    steps.sign_in(page, site, "leaving")
    enter(page, site, "waste")
    page.locator("form[action='/oidc/logout'] button").click()
    expect(page.locator("#subject")).to_have_count(0)

    def guest() -> bool:
        page.goto(site.portal_url + "/")
        return page.locator("form[action$='/sign-out/']").count() == 0

    steps.eventually(guest)
