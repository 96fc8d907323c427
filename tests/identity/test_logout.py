"""Signing out: once, everywhere; and nobody else can do it for her."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import RSAKey

from identity import hooks, idp, loopback
from identity.embedded import server
from identity.models import LogoutDelivery, OidcSession, ProviderSession, Resident
from identity.oidc import logout_relay, tokens
from tests.identity.region import Browser, store, unverified

pytestmark = pytest.mark.django_db(transaction=True)

EVENT = {"http://schemas.openid.net/event/backchannel-logout": {}}


def portal_sessions(resident: Resident) -> int:
    return OidcSession.objects.filter(sub=resident.subject).count()


def logout_claims(settings: Any, resident: Resident, **overrides: Any) -> dict[str, Any]:
    now = int(timezone.now().timestamp())
    row = OidcSession.objects.get(sub=resident.subject)
    claims = {
        "iss": settings.OIDC_ISSUER,
        "aud": settings.OIDC_CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": f"jti-{time.monotonic_ns()}",
        "sub": row.sub,
        "sid": row.sid,
        "events": EVENT,
        **overrides,
    }
    return {key: value for key, value in claims.items() if value is not None}


def say_logout(settings: Any, token: str) -> int:
    with loopback.session() as http:
        answer = http.post(
            f"{settings.PORTAL_URL}/oidc/backchannel-logout", {"logout_token": token}, timeout=10
        )
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.status_code


def test_signing_out_at_the_portal_signs_out_at_every_gadget(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    lunch, river = site("lunch"), site("river")
    browser.sign_in("hanako", next_path="/en/")
    at_lunch, at_river = lunch.tokens(browser), river.tokens(browser)
    browser.sign_out()
    assert browser.trail[-1] in {f"{region.PORTAL_URL}/", f"{region.PORTAL_URL}/en/"}
    assert portal_sessions(hanako) == 0
    assert not ProviderSession.objects.filter(ended_at=None).exists()
    logout_relay.deliver_due()
    for one, got in ((lunch, at_lunch), (river, at_river)):
        (heard,) = one.heard
        event = tokens.verify_logout_token(heard, audience=one.client_id, now=timezone.now())
        claims = unverified(got["id_token"])
        assert (event.sub, event.sid) == (claims["sub"], claims["sid"])
        assert one.userinfo(got["access_token"]).status_code == 401
    browser.get(f"{region.PORTAL_URL}/sign-in/")
    assert "/login/" in browser.trail[-1]


def test_a_gadget_signs_out_and_the_portal_follows(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    hint = lunch.tokens(browser)["id_token"]
    query = urlencode(
        {"id_token_hint": hint, "post_logout_redirect_uri": f"{lunch.origin}/bye", "state": "s"}
    )
    browser.get(f"{lunch.document()['end_session_endpoint']}?{query}")
    assert browser.trail[-1] == f"{lunch.origin}/bye?state=s"
    assert portal_sessions(hanako) == 0


def test_only_this_sign_in_ends_not_the_one_on_another_device(
    browser: Browser, account: Any, region: Any
) -> None:
    hanako = account("hanako")
    phone = Browser()
    browser.sign_in("hanako")
    phone.sign_in("hanako")
    assert portal_sessions(hanako) == 2
    browser.sign_out()
    assert portal_sessions(hanako) == 1
    key = phone.http.cookies.get(region.SESSION_COOKIE_NAME, domain="portal.region.localhost")
    assert store(key)["_resident"] == str(hanako.id)


def test_ending_everywhere_ends_every_device(browser: Browser, account: Any, site: Any, region: Any) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    phone = Browser()
    browser.sign_in("hanako")
    phone.sign_in("hanako")
    lunch.tokens(phone)
    idp.provider().end_everywhere(hanako.id)
    logout_relay.deliver_due()
    assert portal_sessions(hanako) == 0
    assert len(lunch.heard) == 1
    for one in (browser, phone):
        one.get(f"{region.PORTAL_URL}/sign-in/")
        assert "/login/" in one.trail[-1]


def test_a_foreign_page_cannot_sign_her_out(browser: Browser, account: Any, site: Any, region: Any) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    endpoint = lunch.document()["end_session_endpoint"]
    assert browser.get(f"{region.PORTAL_URL}/sign-out/", follow=False).status_code == 405
    assert browser.post(f"{region.PORTAL_URL}/sign-out/", {}, follow=False).status_code == 403
    page = browser.get(endpoint)
    assert "サインアウトしますか？" in page.text
    assert portal_sessions(hanako) == 1
    to_evil = urlencode({"client_id": lunch.client_id, "post_logout_redirect_uri": "https://evil.example/"})
    assert browser.get(f"{endpoint}?{to_evil}", follow=False).status_code == 400
    assert browser.get(f"{endpoint}?client_id=nobody", follow=False).status_code == 400
    assert browser.get(f"{endpoint}?id_token_hint=x.y.z", follow=False).status_code == 400
    assert portal_sessions(hanako) == 1
    browser.get(endpoint)
    browser.submit("/logout/", allow="1")
    assert portal_sessions(hanako) == 0
    assert browser.trail[-1] == f"{region.PORTAL_URL}/"


def test_the_ids_own_page_signs_out_everywhere(browser: Browser, account: Any, region: Any) -> None:
    hanako = account("hanako")
    browser.sign_in("hanako")
    browser.get(f"{region.ID_URL}/logout/")
    browser.submit("/logout/")
    assert portal_sessions(hanako) == 0
    assert browser.trail[-1] == f"{region.PORTAL_URL}/"


def test_the_next_person_at_this_browser_starts_a_sign_in_of_their_own(
    browser: Browser, account: Any, region: Any
) -> None:
    hanako, taro = account("hanako"), account("taro")
    browser.sign_in("hanako")
    browser.http.cookies.clear(domain="portal.region.localhost")
    Resident.objects.filter(pk=hanako.pk).update(is_active=False)
    browser.sign_in("taro")
    assert portal_sessions(taro) == 1
    assert portal_sessions(hanako) == 0
    assert ProviderSession.objects.get(resident=hanako).ended_at is not None


# --- the portal's back-channel address -----------------------------------------------------------------------


def test_a_logout_token_ends_the_session_once(browser: Browser, account: Any, region: Any) -> None:
    hanako = account("hanako")
    browser.sign_in("hanako")
    token = server.sign(logout_claims(region, hanako), typ="logout+jwt")
    assert say_logout(region, token) == 200
    assert portal_sessions(hanako) == 0
    browser.get(f"{region.PORTAL_URL}/sign-in/")
    assert portal_sessions(hanako) == 1
    assert say_logout(region, token) == 400
    assert portal_sessions(hanako) == 1


def test_a_logout_token_without_sid_ends_all_her_sessions(
    browser: Browser, account: Any, region: Any
) -> None:
    hanako = account("hanako")
    browser.sign_in("hanako")
    token = server.sign(logout_claims(region, hanako, sid=None), typ="logout+jwt")
    Browser().sign_in("hanako")
    assert portal_sessions(hanako) == 2
    assert say_logout(region, token) == 200
    assert portal_sessions(hanako) == 0


def test_false_logout_tokens_are_refused(browser: Browser, account: Any, site: Any, region: Any) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    stranger = RSAKey.generate_key(2048)
    now = int(timezone.now().timestamp())

    def real(typ: str = "logout+jwt", **overrides: Any) -> str:
        return server.sign(logout_claims(region, hanako, **overrides), typ=typ)

    def forged(**header: Any) -> str:
        return jwt.encode(
            {"alg": "RS256", "typ": "logout+jwt", **header}, logout_claims(region, hanako), stranger
        )

    own_id_token = unverified(lunch.tokens(browser)["id_token"])
    body = real().split(".")
    false: dict[str, str] = {
        "nothing": "",
        "no token": "x",
        "forged key": forged(),
        "forged key with the ID's key id": forged(kid=server.signing_key().kid),
        "no signature": f"{body[0]}.{body[1]}.",
        "an ID token": real(typ="JWT"),
        "an ID token of a gadget": server.sign(own_id_token, typ="JWT"),
        "for another client": real(aud=lunch.client_id),
        "for two clients": real(aud=[region.OIDC_CLIENT_ID, lunch.client_id]),
        "of another issuer": real(iss="https://evil.example"),
        "with a nonce": real(nonce="n"),
        "without events": real(events=None),
        "with another event": real(events={"http://example/other": {}}),
        "with a malformed event": real(events={next(iter(EVENT)): "x"}),
        "expired": real(exp=now - 1),
        "without exp": real(exp=None),
        "without iat": real(iat=None),
        "of the future": real(iat=now + 3600, exp=now + 3700),
        "without jti": real(jti=None),
        "for nobody": real(sub=None, sid=None),
        "too long": real(padding="x" * 20_000),
    }
    for name, token in false.items():
        assert say_logout(region, token) == 400, name
    with loopback.session() as http:
        address = f"{region.PORTAL_URL}/oidc/backchannel-logout"
        assert http.get(address, params={"logout_token": real()}, timeout=10).status_code == 405
    assert portal_sessions(hanako) == 1


# --- the relay -----------------------------------------------------------------------------------------------


@pytest.fixture
def token_for(region: Any) -> Callable[..., tuple[str, str]]:
    def make(client_id: str, **overrides: Any) -> tuple[str, str]:
        raw, jti, _ = server.logout_token(client_id=client_id, sub="pseudonym", sid="sid", now=timezone.now())
        return raw, jti

    return make


def post_relay(settings: Any, client_id: str, token: str) -> int:
    with loopback.session() as http:
        address = f"{settings.PORTAL_URL}/oidc/relay/{client_id}"
        return http.post(address, {"logout_token": token}, timeout=10).status_code


def test_the_relay_answers_at_once_and_forwards_the_very_token(
    site: Any, token_for: Any, region: Any
) -> None:
    lunch = site("lunch")
    raw, _ = token_for(lunch.client_id)
    assert post_relay(region, lunch.client_id, raw) == 200
    assert lunch.heard == []
    assert logout_relay.deliver_due() == 1
    assert lunch.heard == [raw]
    row = LogoutDelivery.objects.get()
    assert row.state == LogoutDelivery.State.DONE
    assert bytes(row.token_sealed) == b""
    assert logout_relay.deliver_due() == 0


def test_the_relay_refuses_what_is_not_for_this_gadget(site: Any, token_for: Any, region: Any) -> None:
    lunch, river = site("lunch"), site("river")
    raw, _ = token_for(lunch.client_id)
    assert post_relay(region, river.client_id, raw) == 400
    assert post_relay(region, "nobody", raw) == 404
    assert post_relay(region, lunch.client_id, raw[:-4] + "AAAA") == 400
    assert post_relay(region, lunch.client_id, raw) == 200
    assert post_relay(region, lunch.client_id, raw) == 400
    with loopback.session() as http:
        address = f"{region.PORTAL_URL}/oidc/relay/{lunch.client_id}"
        assert http.get(address, timeout=10).status_code == 405
    assert LogoutDelivery.objects.count() == 1


def test_a_dead_gadget_is_tried_at_0_5_20_and_60_seconds(site: Any, token_for: Any, region: Any) -> None:
    lunch = site("lunch")
    lunch.status = 500
    raw, _ = token_for(lunch.client_id)
    assert post_relay(region, lunch.client_id, raw) == 200
    begun = LogoutDelivery.objects.get().next_at
    tried: list[float] = []
    for second in range(130):
        before = len(lunch.heard)
        logout_relay.deliver_due(now=begun + timedelta(seconds=second))
        if len(lunch.heard) > before:
            tried.append(second)
    assert tried == [0, 5, 20, 60]
    assert LogoutDelivery.objects.get().state == LogoutDelivery.State.FAILED


def test_a_token_is_never_forwarded_after_its_end(site: Any, token_for: Any, region: Any) -> None:
    lunch = site("lunch")
    raw, _ = token_for(lunch.client_id)
    assert post_relay(region, lunch.client_id, raw) == 200
    assert logout_relay.deliver_due(now=timezone.now() + timedelta(seconds=121)) == 0
    assert lunch.heard == []
    assert LogoutDelivery.objects.get().state == LogoutDelivery.State.FAILED


def test_a_delivery_is_claimed_by_one_worker_and_found_again_after_a_crash(
    site: Any, token_for: Any, region: Any
) -> None:
    lunch = site("lunch")
    raw, _ = token_for(lunch.client_id)
    post_relay(region, lunch.client_id, raw)
    LogoutDelivery.objects.update(state=LogoutDelivery.State.SENDING, tries=4, next_at=timezone.now())
    assert logout_relay.deliver_due() == 0
    assert lunch.heard == []
    assert logout_relay.deliver_due(now=timezone.now() + timedelta(seconds=16)) == 1
    assert lunch.heard == [raw]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/logout",
        "http://example.org/logout",
        "https://127.0.0.1:1/logout",
        "https://10.0.0.1/logout",
        "https://[::1]/logout",
        "https://169.254.169.254/logout",
    ],
)
def test_the_relay_calls_no_private_address(settings: Any, address: str) -> None:
    settings.LOOPBACK_NAMES = True
    assert not hooks.registered().post_logout_token(address, b"logout_token=x", 1.0)


def test_one_dead_gadget_does_not_hold_up_another(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    account("hanako")
    dead, alive = site("dead"), site("alive")
    browser.sign_in("hanako")
    dead.tokens(browser)
    alive.tokens(browser)
    dead.close()
    begun = time.monotonic()
    browser.sign_out()
    logout_relay.deliver_due()
    assert len(alive.heard) == 1
    assert time.monotonic() - begun < 5
