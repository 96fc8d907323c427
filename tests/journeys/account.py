"""What people do at Keycloak's own screens: register through a mail, set up codes and passkeys."""

import base64
import hashlib
import hmac
import secrets
import struct
import time
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import CDPSession, Page, expect

from tests.services import mail

PASSWORD = "a-long-sample-password"


def address_at_id(env: dict[str, str], **more: str) -> str:
    """Where the portal sends somebody to; for screens that need no portal behind them."""
    challenge = hashlib.sha256(secrets.token_bytes(32)).digest()
    asked = {
        "client_id": "portal",
        "response_type": "code",
        "scope": "openid",
        "redirect_uri": f"{env['KEYCLOAK_PORTAL_URL']}/sign-in/callback",
        "state": secrets.token_hex(8),
        "nonce": secrets.token_hex(8),
        "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
        "code_challenge_method": "S256",
        **more,
    }
    return f"{env['KEYCLOAK_ISSUER']}/protocol/openid-connect/auth?{urlencode(asked)}"


def new_address() -> str:
    """An e-mail address that nobody has yet."""
    return f"new-{secrets.token_hex(6)}@region.localhost"


def ask_to_register(page: Page, address: str) -> None:
    """From the form for registration to the page that says that a mail was sent."""
    page.locator("input[name=email]").fill(address)
    page.locator("#kc-register-form button[type=submit]").click()
    expect(page.locator("main .notice, main .instruction").first).to_be_visible()


def choose_password(page: Page, password: str = PASSWORD) -> None:
    """Fills in the form for a new password."""
    page.locator("input[name=password-new]").fill(password)
    page.locator("input[name=password-confirm]").fill(password)
    page.locator("#kc-submit").click()


def register(page: Page, address: str) -> None:
    """From the form for registration through the link of the real mail to the first password."""
    ask_to_register(page, address)
    page.goto(mail.link(mail.wait_for(address)))
    choose_password(page)


def sign_in(page: Page, address: str, password: str = PASSWORD) -> None:
    """By address and password, up to whatever comes after them."""
    page.locator("input[name=username]").fill(address)
    page.locator("input[name=password]").fill(password)
    page.locator("#kc-login").click()


# --- one-time codes ------------------------------------------------------------------------------------------


def code(secret: str, steps: int = 0, now: float | None = None) -> str:
    """RFC 6238 with SHA-1, six digits and 30 seconds, as authenticator apps compute it."""
    counter = int((time.time() if now is None else now) // 30) + steps
    key = base64.b32decode(secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8))
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def set_up_codes(page: Page) -> str:
    """On the page for setting up one-time codes: types the letters into an app; the secret."""
    page.locator("#mode-manual").click()
    secret = page.locator("#kc-totp-secret-key").inner_text().replace(" ", "")
    page.locator("input[name=totp]").fill(code(secret))
    page.locator("input[name=userLabel]").fill("スマートフォン")
    page.locator("#saveTOTPBtn").click()
    return secret


def enter_code(page: Page, value: str) -> None:
    """The second step of signing in."""
    page.locator("input[name=otp]").fill(value)
    page.locator("#kc-login").click()


# --- passkeys ------------------------------------------------------------------------------------------------


def authenticator(page: Page) -> tuple[CDPSession, str]:
    """A device with a screen lock, made of software: Chromium answers for the person's finger."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable", {"enableUI": False})
    made: dict[str, Any] = cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    return cdp, str(made["authenticatorId"])


def set_up_passkey(page: Page) -> None:
    """On the page for registering a passkey: by the device, with the name that it proposes."""
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#registerWebAuthn").click()
