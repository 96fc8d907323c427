"""A neighbouring region's resident signs in with the ID from there, and becomes nobody else by an e-mail address."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import account, steps
from tests.journeys.conftest import city_only
from tests.journeys.test_accessibility import look
from tests.services import mail, neighbour
from tests.sites import Site

pytestmark = city_only
LOCAL = "このサービスは、この地域にお住まいの方のものです。"


def there(site: Site) -> str:
    """The neighbour's issuer."""
    return f"{site.id_url}/realms/{neighbour.NAME}"


def enter(page: Page, site: Site, name: str) -> None:
    """In a fresh browser, by the entry on the region's own form to the neighbour's, and back."""
    page.context.clear_cookies()
    begin_at_neighbour(page, site)
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(neighbour.PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda url: not url.startswith(there(site)))


def begin_at_neighbour(page: Page, site: Site) -> None:
    """To the neighbour's form, which is there only when nobody is signed in over there."""
    page.goto(f"{site.portal_url}/sign-in/?next=/my-data/")
    page.wait_for_url(f"{site.id_url}/realms/region/**")
    page.locator(f"#social-{neighbour.NAME}").click()
    page.wait_for_url(f"{there(site)}/**")
    expect(page.locator("input[name=password]")).to_be_visible()


def prove_address(page: Page, address: str) -> None:
    """The first time the region proves the address itself."""
    page.goto(mail.link(mail.wait_for(address)))


def proofs_asked(site: Site, address: str) -> list[str]:
    """The subjects of the mails in which the region's ID asked whose address it is."""
    return [str(one["Subject"]) for one in mail.received(address) if site.id_url in mail.text(one)]


def expect_in(page: Page, site: Site) -> None:
    page.wait_for_url(f"{site.portal_url}/**")
    expect(page.locator("form[action$='/sign-out/']")).to_be_visible()


def is_guest(page: Page, site: Site) -> bool:
    page.goto(site.portal_url + "/")
    return page.locator("form[action$='/sign-out/']").count() == 0


def test_a_neighbour_gets_what_is_wide_and_leaves_everywhere(page: Page, site: Site) -> None:
    enter(page, site, "visiting")
    prove_address(page, neighbour.RESIDENTS["visiting"])
    expect_in(page, site)
    page.goto(f"{site.portal_url}/my-data/")
    expect(page.locator("main")).to_contain_text("となりの地域")

    page.goto(site.portal_url + "/")
    steps.expect_filled(page, steps.RIVER)
    for local in (steps.WASTE, steps.LUNCH):
        expect(steps.card(page, local)).to_have_count(0)
    page.goto(f"{site.portal_url}/gadgets/")
    expect(page.get_by_text(LOCAL)).to_have_count(2)
    expect(page.locator(f"form[action$='/gadgets/{steps.WASTE}/add']")).to_have_count(0)
    page.goto(f"{site.portal_url}/gadgets/{steps.WASTE}/")
    expect(page.get_by_text(LOCAL)).to_have_count(1)
    expect(page.locator("a[href*='/consent/']")).to_have_count(0)
    answer = page.goto(f"{site.portal_url}/consent/{steps.WASTE}/")
    assert answer is not None
    assert answer.status == 404

    page.goto(f"{site.portal_url}/my-data/")
    asked = len(proofs_asked(site, neighbour.RESIDENTS["visiting"]))
    steps.sign_out(page, site)
    # Signed out over there too: the way back asks for the password of there, and not for the address again.
    begin_at_neighbour(page, site)
    enter(page, site, "visiting")
    expect_in(page, site)
    assert len(proofs_asked(site, neighbour.RESIDENTS["visiting"])) == asked


def test_a_logout_at_the_neighbour_reaches_the_portal(page: Page, site: Site) -> None:
    enter(page, site, "leaving")
    prove_address(page, neighbour.RESIDENTS["leaving"])
    expect_in(page, site)
    page.goto(f"{there(site)}/protocol/openid-connect/logout")
    page.locator("#kc-logout").click()
    steps.eventually(lambda: is_guest(page, site))


def test_the_same_address_makes_nobody_somebody_else(page: Page, site: Site) -> None:
    enter(page, site, "twin")
    expect(page.locator("h1")).to_have_text("同じメールアドレスの登録があります")
    assert look(page) == []
    assert is_guest(page, site)

    enter(page, site, "twin")
    page.locator("#linkAccount").click()
    # Only the password of this region proves it: no link in a mail that somebody might press without a thought.
    page.locator("input[name=password]").fill("not-the-password")
    page.locator("#kc-login").click()
    expect(page.locator("input[name=password]")).to_be_visible()
    expect(page.locator("#input-error-username, #input-error-password, .notice--error").first).to_be_visible()
    assert look(page) == []
    assert is_guest(page, site)
    assert mail.received(neighbour.RESIDENTS["twin"]) == []

    enter(page, site, "twin")
    page.locator("#updateProfile").click()
    expect(page.locator("input[name=email]")).to_be_visible()
    assert look(page) == []
    own = account.new_address()
    page.locator("input[name=email]").fill(own)
    page.locator("main form button[type=submit], main form input[type=submit]").first.click()
    prove_address(page, own)
    expect_in(page, site)
    page.goto(f"{site.portal_url}/my-data/")
    expect(page.locator("main")).to_contain_text("となりの地域")
    expect(page.locator("main")).not_to_contain_text("仏生山")


def test_an_account_is_linked_when_it_is_proven(page: Page, site: Site) -> None:
    enter(page, site, "linking")
    page.locator("#linkAccount").click()
    page.locator("input[name=password]").fill(steps.person("linking").password)
    page.locator("#kc-login").click()
    expect_in(page, site)
    page.goto(f"{site.portal_url}/my-data/")
    expect(page.locator("main")).to_contain_text("仏生山")
    expect(page.locator("main")).not_to_contain_text("となりの地域")
    steps.sign_out(page, site)
    enter(page, site, "linking")
    expect_in(page, site)


@pytest.mark.parametrize("changed", ["state", "code"])
def test_a_made_up_answer_of_the_neighbour_is_refused(page: Page, site: Site, changed: str) -> None:
    values = {"state": "made-up", "code": "made-up", changed: "another"}
    query = "&".join(f"{name}={value}" for name, value in values.items())
    answer = page.goto(f"{site.id_url}/realms/region/broker/{neighbour.NAME}/endpoint?{query}")
    assert answer is not None
    assert answer.status in {400, 502}
    assert is_guest(page, site)
