"""What residents do at Keycloak's own screens: the forgotten password, one-time codes, passkeys; by real mails."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys import account, people, steps
from tests.journeys.conftest import city_only
from tests.services import mail
from tests.sites import Site

pytestmark = city_only
OTHER = "another-long-sample-password"


def register(page: Page, site: Site) -> str:
    """Somebody new, signed in; their address."""
    address = account.new_address()
    page.goto(f"{site.portal_url}/sign-up/?next=/my-data/")
    account.register(page, address)
    page.wait_for_url(f"{site.portal_url}/**")
    return address


def leave(page: Page, site: Site) -> None:
    page.goto(f"{site.portal_url}/my-data/")
    steps.sign_out(page, site)


def begin(page: Page, site: Site) -> None:
    """To the ID's form, on the way to わたしのデータ."""
    page.goto(f"{site.portal_url}/sign-in/?next=/my-data/")
    page.wait_for_url(f"{site.id_url}/**")


def expect_in(page: Page, site: Site) -> None:
    page.wait_for_url(f"{site.portal_url}/**")
    expect(page.locator("form[action$='/sign-out/']")).to_be_visible()


def test_an_address_that_is_not_proven_opens_nothing(page: Page, site: Site) -> None:
    address = account.new_address()
    page.goto(f"{site.portal_url}/sign-up/?next=/my-data/")
    account.ask_to_register(page, address)
    page.goto(f"{site.portal_url}/sign-in/?next=/my-data/")
    page.wait_for_url(f"{site.id_url}/**")
    assert len(mail.received(address)) == 1
    message = mail.wait_for(address)
    assert "くらしの窓口" in str(message["Subject"])
    page.goto(mail.link(message))
    account.choose_password(page)
    expect_in(page, site)


def test_a_user_name_says_nothing(page: Page, site: Site) -> None:
    address = register(page, site)
    found = people.keycloak_admin().get_users({"email": address, "exact": "true"})
    assert len(found) == 1
    assert re.fullmatch(r"r-[a-z0-9-]{19}", found[0]["username"])
    assert found[0]["emailVerified"] is True
    assert set(found[0].get("attributes", {})) <= {"locale"}


def test_a_forgotten_password(page: Page, site: Site) -> None:
    address = register(page, site)
    leave(page, site)
    begin(page, site)
    page.locator("a[href*='reset-credentials']").click()
    page.locator("input[name=username]").fill(address)
    page.locator("#kc-reset-password-form button[type=submit]").click()
    expect(page.locator(".notice")).to_contain_text("登録されているアドレスなら")
    message = mail.wait_for(address, after=1)
    where = mail.link(message)
    page.goto(where)
    account.choose_password(page, OTHER)
    expect_in(page, site)
    leave(page, site)
    begin(page, site)
    account.sign_in(page, address)
    expect(page.locator("#input-error-username")).to_be_visible()
    account.sign_in(page, address, OTHER)
    expect_in(page, site)
    # The link of the mail worked once.
    leave(page, site)
    page.goto(where)
    expect(page.locator("input[name=password-new]")).to_have_count(0)


def test_nobody_learns_whose_address_is_registered(page: Page, site: Site) -> None:
    unknown = account.new_address()
    begin(page, site)
    page.locator("a[href*='reset-credentials']").click()
    page.locator("input[name=username]").fill(unknown)
    page.locator("#kc-reset-password-form button[type=submit]").click()
    expect(page.locator(".notice")).to_contain_text("登録されているアドレスなら")
    assert mail.received(unknown) == []


def test_one_time_codes(page: Page, site: Site) -> None:
    address = register(page, site)
    page.goto(f"{site.portal_url}/my-data/")
    page.locator("a[href*='action=totp']").first.click()
    secret = account.set_up_codes(page)
    page.wait_for_url(f"{site.portal_url}/my-data/**")
    leave(page, site)

    begin(page, site)
    account.sign_in(page, address)
    used = account.code(secret, steps=1)  # the one of this half minute went into the set-up
    account.enter_code(page, used)
    expect_in(page, site)
    leave(page, site)

    begin(page, site)
    account.sign_in(page, address)
    account.enter_code(page, used)
    expect(page.locator("#input-error-otp")).to_have_text(re.compile("コードが違います"))
    page.goto(f"{site.portal_url}/my-data/")
    expect(page.locator("form[action$='/sign-out/']")).to_have_count(0)


def test_a_forgotten_password_does_not_open_what_a_code_closes(page: Page, site: Site) -> None:
    address = register(page, site)
    page.goto(f"{site.portal_url}/sign-in/?action=totp&next=/my-data/")
    secret = account.set_up_codes(page)
    page.wait_for_url(f"{site.portal_url}/my-data/**")
    leave(page, site)
    begin(page, site)
    page.locator("a[href*='reset-credentials']").click()
    page.locator("input[name=username]").fill(address)
    page.locator("#kc-reset-password-form button[type=submit]").click()
    page.goto(mail.link(mail.wait_for(address, after=1)))
    expect(page.locator("input[name=otp]")).to_be_visible()
    account.enter_code(page, "000000")
    expect(page.locator("#input-error-otp")).to_be_visible()
    account.enter_code(page, account.code(secret, steps=1))
    account.choose_password(page, OTHER)
    expect_in(page, site)


def test_a_passkey_needs_no_password(page: Page, site: Site) -> None:
    register(page, site)
    cdp, device = account.authenticator(page)
    page.goto(f"{site.portal_url}/sign-in/?action=passkey&next=/my-data/")
    account.set_up_passkey(page)
    page.wait_for_url(f"{site.portal_url}/my-data/**")
    kept = cdp.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert [one["rpId"] for one in kept] == ["id.region.localhost"]
    leave(page, site)

    passwords = steps.Passwords().watch(page.context)
    # The browser offers the passkey in the form itself; the device of this test says yes at once.
    page.goto(f"{site.portal_url}/sign-in/?next=/my-data/")
    expect_in(page, site)
    assert passwords.sent == []


@pytest.mark.parametrize("action", ["nonsense", "delete_account", ""])
def test_an_unknown_action_is_a_plain_sign_in(page: Page, site: Site, action: str) -> None:
    page.goto(f"{site.portal_url}/sign-in/?action={action}&next=/my-data/")
    page.wait_for_url(f"{site.id_url}/**")
    assert "kc_action" not in page.url
    expect(page.locator("#username")).to_be_visible()


def test_the_mail_may_be_opened_on_another_device(page: Page, browser: Browser, site: Site) -> None:
    address = account.new_address()
    page.goto(f"{site.portal_url}/sign-up/?next=/my-data/")
    account.ask_to_register(page, address)
    with browser.new_context(locale="ja-JP", viewport={"width": 360, "height": 740}) as phone:
        other = phone.new_page()
        other.goto(mail.link(mail.wait_for(address)))
        other.locator("#kc-info-message a").click()
        account.choose_password(other)
        expect(other.locator("#kc-info-message, form[action$='/sign-out/']").first).to_be_visible()
    begin(page, site)
    account.sign_in(page, address)
    expect_in(page, site)
