"""The screens of Keycloak in the region's own theme: axe-core finds nothing, nothing is wider than a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import account
from tests.journeys.test_accessibility import look
from tests.services import mail

pytestmark = [
    pytest.mark.browser, pytest.mark.keycloak, pytest.mark.timeout(300), pytest.mark.xdist_group("keycloak-realm"),
]  # fmt: skip
TITLES = {
    "ja": {"in": "サインイン", "up": "はじめての登録", "forgot": "パスワードを忘れたとき", "new": "新しいパスワード",
           "code": "ワンタイムコードの設定", "key": "パスキーの登録", "check": "メールアドレスの確認"},
    "en": {"in": "Sign in", "up": "Register", "forgot": "Forgot your password?", "new": "New password",
           "code": "Set up one-time codes", "key": "Register a passkey", "check": "Confirm your e-mail address"},
}  # fmt: skip


def expect_title(page: Page, text: str) -> None:
    expect(page.locator("h1")).to_have_text(text)
    expect(page.locator("h1")).to_be_visible()
    # A theme that could not be read falls back to another one without a word.
    assert page.locator("link[href*='/login/region/css/region.css']").count() == 1


@pytest.mark.parametrize("language", ["ja", "en"])
def test_signing_in_and_a_forgotten_password(page: Page, keycloak_env: dict[str, str], language: str) -> None:
    titles, problems = TITLES[language], []
    page.on("console", lambda message: problems.append(message.text))
    page.goto(account.address_at_id(keycloak_env, ui_locales=language))
    expect_title(page, titles["in"])
    assert page.locator("html").get_attribute("lang") == language
    problems += look(page)
    account.sign_in(page, account.new_address(), "not-the-password")
    expect(page.locator("#input-error-username")).to_be_visible()
    assert page.locator("#username").get_attribute("aria-invalid") == "true"
    problems += look(page)
    page.locator("a[href*='reset-credentials']").click()
    expect_title(page, titles["forgot"])
    problems += look(page)
    assert problems == []


def listen(page: Page, problems: list[str], keycloak_env: dict[str, str]) -> None:
    """What the ID's own pages write to the console."""
    place = keycloak_env["KEYCLOAK_PUBLIC_URL"]
    page.on("console", lambda one: problems.append(one.text) if place in one.location["url"] else None)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_registering_and_second_factors(page: Page, keycloak_env: dict[str, str], language: str) -> None:
    titles, problems = TITLES[language], []
    listen(page, problems, keycloak_env)
    page.goto(account.address_at_id(keycloak_env, ui_locales=language, prompt="create"))
    expect_title(page, titles["up"])
    assert page.locator("input:visible").count() == 1, "the address is all that is asked for"
    problems += look(page)
    page.locator("input[name=email]").fill("no address")
    page.locator("#kc-register-form button[type=submit]").click()
    wrong = {"ja": "メールアドレスの形になっていません。", "en": "This is not an e-mail address."}
    expect(page.locator("#input-error-email")).to_have_text(wrong[language])
    problems += look(page)
    address = account.new_address()
    account.ask_to_register(page, address)
    expect_title(page, titles["check"])
    problems += look(page)
    message = mail.wait_for(address)
    assert {"ja": "くらしの窓口", "en": "Kurashi no Madoguchi"}[language] in message["Subject"]
    page.goto(mail.link(message))
    expect_title(page, titles["new"])
    problems += look(page)
    account.choose_password(page, "1234567890")
    expect(page.locator(".notice--error")).to_be_visible()
    problems += look(page)

    # The account is signed in once the ID sends it on, to a portal that did not ask for it and may not even run.
    with page.expect_request(lambda one: one.url.startswith(f"{keycloak_env['KEYCLOAK_PORTAL_URL']}/")):
        account.choose_password(page)
    page = page.context.new_page()
    listen(page, problems, keycloak_env)
    page.goto(account.address_at_id(keycloak_env, ui_locales=language, kc_action="CONFIGURE_TOTP"))
    expect_title(page, titles["code"])
    problems += look(page)
    page.locator("#mode-manual").click()
    expect(page.locator("#kc-totp-secret-key")).to_be_visible()
    problems += look(page)
    page.locator("input[name=totp]").fill("000000")
    page.locator("#saveTOTPBtn").click()
    expect(page.locator("#input-error-totp")).to_be_visible()
    problems += look(page)
    page.goto(
        account.address_at_id(keycloak_env, ui_locales=language, kc_action="webauthn-register-passwordless")
    )
    expect_title(page, titles["key"])
    problems += look(page)
    assert problems == []


def test_the_language_is_changed_by_a_link(page: Page, keycloak_env: dict[str, str]) -> None:
    page.goto(account.address_at_id(keycloak_env))
    expect_title(page, TITLES["ja"]["in"])
    page.get_by_role("link", name="English").click()
    expect_title(page, TITLES["en"]["in"])
    expect(page.locator("#social-neighbour")).to_have_text("Sign in with the ID of the next city")
    assert page.locator("html").get_attribute("lang") == "en"


def test_targets_are_large_and_the_focus_is_seen(page: Page, keycloak_env: dict[str, str]) -> None:
    page.goto(account.address_at_id(keycloak_env))
    small = page.eval_on_selector_all(
        "a, button, input:not([type=hidden], [type=checkbox])",
        "all => all.filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)",
    )
    assert small == []
    page.locator("#username").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
