"""The embedded provider as a foreign client meets it: what it grants, and every way in which it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from identity import idp, loopback, queries
from identity.embedded import server
from identity.errors import InvalidToken
from identity.models import ProviderSession
from identity.oidc import tokens
from tests.identity.region import PASSWORD, Browser, store, unverified

pytestmark = pytest.mark.django_db(transaction=True)


def refused(site: Any, browser: Browser, **overrides: str | None) -> dict[str, str]:
    """The error that comes back to the site's redirect URI."""
    got = site.answer(browser, **overrides)
    assert "code" not in got
    found: dict[str, str] = got
    return found


def test_a_gadget_signs_her_in_without_a_second_password_by_a_pseudonym(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    lunch, river = site("lunch"), site("river")
    browser.sign_in("hanako")
    first, second = lunch.tokens(browser), river.tokens(browser)
    claims = tokens.verify(first["id_token"]).claims
    other = tokens.verify(second["id_token"]).claims
    assert claims["sub"] == queries.subject_for(hanako.id, lunch.client_id)
    assert len({claims["sub"], other["sub"], str(hanako.id)}) == 3
    assert claims["sid"] != other["sid"]
    assert claims["aud"] == lunch.client_id
    assert claims["nonce"] == "nonce-of-site"
    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "sid", "jti"}
    assert lunch.userinfo(first["access_token"]).json() == {"sub": claims["sub"]}
    assert first["expires_in"] == 120
    assert "refresh_token" not in first
    portal = ProviderSession.objects.get(client_id=region.OIDC_CLIENT_ID)
    assert portal.sid not in {claims["sid"], other["sid"]}


def test_silent_sign_in_gives_a_code_or_an_error_and_no_page(
    browser: Browser, account: Any, site: Any
) -> None:
    lunch = site("lunch")
    answer = refused(lunch, browser, prompt="none")
    assert answer["error"] == "login_required"
    assert answer["state"] == "state-of-site"
    assert answer["iss"]
    account("hanako")
    browser.sign_in("hanako")
    got = lunch.answer(browser, prompt="none")
    assert got["code"]
    assert got["iss"] == answer["iss"]
    assert len(browser.trail) == 2
    assert refused(lunch, browser, prompt="none login")["error"] == "invalid_request"


def test_max_age_and_prompt_login_ask_for_the_password_again(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    key = browser.http.cookies.get(region.ID_SESSION_COOKIE_NAME, domain="id.region.localhost")
    session = store(key)
    session["_id_auth_time"] -= 600
    session.save()
    old = unverified(lunch.tokens(browser, max_age="1000")["id_token"])["auth_time"]
    assert refused(lunch, browser, prompt="none", max_age="300")["error"] == "login_required"
    browser.get(lunch.authorize_url(max_age="300"))
    assert "/reauthenticate/" in browser.trail[-1]
    browser.submit("/reauthenticate/", password=PASSWORD)
    assert browser.trail[-1].startswith(lunch.redirect_uri)
    assert unverified(lunch.tokens(browser, max_age="300")["id_token"])["auth_time"] > old
    browser.get(lunch.authorize_url(prompt="login"))
    assert "/reauthenticate/" in browser.trail[-1]
    browser.submit("/reauthenticate/", password="not-the-password")
    assert "/reauthenticate/" in browser.trail[-1]


def test_two_sites_cannot_join_their_pseudonyms_by_the_time_of_the_sign_in(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    account("hanako")
    sites = [site("lunch"), site("river")]
    browser.sign_in("hanako")
    session = store(browser.http.cookies.get(region.ID_SESSION_COOKIE_NAME, domain="id.region.localhost"))
    session["_id_auth_time"] -= 1000
    session.save()
    for one in sites:
        assert "auth_time" not in unverified(one.tokens(browser)["id_token"])
    told = {unverified(one.tokens(browser, max_age="3600")["id_token"])["auth_time"] for one in sites}
    assert told == {-(-session["_id_auth_time"] // 300) * 300}
    own = unverified(sites[0].tokens(browser)["id_token"])
    assert "auth_time" not in own, "asked for once is asked for once"


@pytest.mark.parametrize(("ago", "told"), [(0, 0), (1, 0), (299, 0), (300, 300), (301, 300), (3600, 3600)])
def test_the_time_is_told_roughly_and_passes_what_the_true_one_passes(ago: int, told: int) -> None:
    now = datetime.fromtimestamp(1_800_000_000, UTC)  # a multiple of 300
    at = now - timedelta(seconds=ago)
    assert server.roughly(at, now=now) == int(now.timestamp()) - told


@pytest.mark.parametrize("max_age", ["0", "1", "9"])
def test_a_max_age_of_seconds_is_kept_and_a_proof_serves_one_request(
    browser: Browser, account: Any, site: Any, region: Any, max_age: str
) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    key = browser.http.cookies.get(region.ID_SESSION_COOKIE_NAME, domain="id.region.localhost")
    session = store(key)
    session["_id_auth_time"] -= int(max_age) + 1
    session.save()
    assert refused(lunch, browser, prompt="none", max_age=max_age)["error"] == "login_required"
    url = lunch.authorize_url(max_age=max_age)
    for _ in range(2):  # what was proved for the first is no proof for the same request sent again
        session = store(key)
        session["_id_auth_time"] -= int(max_age) + 1
        session.save()
        browser.get(url)
        assert "/reauthenticate/" in browser.trail[-1]
        browser.get(url)
        assert "/reauthenticate/" in browser.trail[-1], "coming back without a proof is none"
        browser.submit("/reauthenticate/", password=PASSWORD)
        assert browser.trail[-1].startswith(f"{lunch.redirect_uri}?code=")
        key = browser.http.cookies.get(region.ID_SESSION_COOKIE_NAME, domain="id.region.localhost")


def test_prompt_login_is_satisfied_by_a_proof_and_by_nothing_else(
    browser: Browser, account: Any, site: Any
) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    url = lunch.authorize_url(prompt="login")
    browser.get(url)
    back = parse_qs(urlsplit(browser.trail[-1]).query)["next"][0]
    assert "prompt=login" in back
    browser.get(url)
    assert "/reauthenticate/" in browser.trail[-1]


@pytest.mark.parametrize(
    "overrides",
    [
        {"response_mode": "fragment"},
        {"response_mode": "form_post"},
        {"max_age": "-1"},
        {"max_age": "x"},
        {"max_age": ""},
    ],
)
def test_what_is_not_offered_is_refused_not_ignored(
    browser: Browser, account: Any, site: Any, overrides: dict[str, str]
) -> None:
    account("hanako")
    browser.sign_in("hanako")
    lunch = site("lunch")
    assert refused(lunch, browser, **overrides)["error"] == "invalid_request"
    assert lunch.answer(browser, response_mode="query")["code"]


def test_prompt_create_leads_to_registration_and_back(browser: Browser, site: Any) -> None:
    lunch = site("lunch")
    browser.get(lunch.authorize_url(prompt="create"))
    assert urlsplit(browser.trail[-1]).path == "/signup/"
    browser.submit("/signup/", email="new@example.jp", password1=PASSWORD, display_name="")
    assert browser.trail[-1].startswith(f"{lunch.redirect_uri}?code=")


def test_a_hint_of_somebody_else_is_refused(browser: Browser, account: Any, site: Any) -> None:
    account("hanako")
    account("taro")
    lunch = site("lunch")
    other = Browser()
    other.sign_in("taro")
    of_taro = lunch.tokens(other)["id_token"]
    browser.sign_in("hanako")
    assert refused(lunch, browser, prompt="none", id_token_hint=of_taro)["error"] == "login_required"
    assert refused(lunch, browser, prompt="none", id_token_hint="not.a.token")["error"] == "login_required"
    mine = lunch.tokens(browser)["id_token"]
    assert lunch.answer(browser, prompt="none", id_token_hint=mine)["code"]


def test_pkce_s256_is_demanded_before_anybody_signs_in(browser: Browser, site: Any) -> None:
    lunch = site("lunch")
    for overrides in (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge_method": "S512"},
    ):
        assert refused(lunch, browser, **overrides)["error"] == "invalid_request", overrides
        assert not any("/login/" in url for url in browser.trail)


def test_only_the_code_flow_and_only_openid(browser: Browser, site: Any) -> None:
    lunch = site("lunch")
    for response_type in ("token", "id_token", "code id_token", "code token", "none"):
        error = refused(lunch, browser, response_type=response_type)["error"]
        assert error in {"unsupported_response_type", "unauthorized_client"}, response_type
    for scope in ("openid profile", "openid area.district", "profile", "openid offline_access"):
        assert refused(lunch, browser, scope=scope)["error"] == "invalid_scope", scope


def test_a_redirect_uri_must_match_exactly_or_nobody_is_redirected(
    browser: Browser, account: Any, site: Any
) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    right = lunch.redirect_uri
    for wrong in (
        right + "?more=1",
        right + "/",
        right + "#x",
        right.replace("lunch", "evil"),
        right.replace("http://", "https://"),
        right.replace("http://", "http://x@"),
        right.rsplit(":", 1)[0] + ":1/callback",
        "javascript:alert(1)",
        right.replace("http://", "HTTP://"),
        right.replace(".localhost", ".LOCALHOST"),
        right.replace("/callback", "/%63allback"),
        right + "?",
        right + " ",
        None,
    ):
        answer = browser.get(lunch.authorize_url(redirect_uri=wrong), follow=False)
        assert answer.status_code == 400, wrong
        assert "この手続きは続けられません" in answer.text


def test_an_unknown_client_is_told_nothing(browser: Browser, site: Any) -> None:
    answer = browser.get(site("lunch").authorize_url(client_id="somebody"), follow=False)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_authorization_is_not_posted(browser: Browser, account: Any, site: Any) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    url = lunch.authorize_url()
    assert browser.post(url, {}, follow=False).status_code in {403, 405}
    with loopback.session() as http:
        http.cookies.update(browser.http.cookies)
        assert http.head(url, allow_redirects=False, timeout=10).status_code == 405


def test_a_replayed_code_revokes_what_it_brought(browser: Browser, account: Any, site: Any) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    code = lunch.answer(browser)["code"]
    access = lunch.exchange(code).json()["access_token"]
    assert lunch.userinfo(access).status_code == 200
    again = lunch.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert lunch.userinfo(access).status_code == 401


def test_a_code_is_bound_to_client_verifier_and_redirect_uri(
    browser: Browser, account: Any, site: Any
) -> None:
    account("hanako")
    lunch, river = site("lunch"), site("river")
    browser.sign_in("hanako")
    code = lunch.answer(browser)["code"]
    river.verifier = lunch.verifier
    stolen = river.exchange(code, redirect_uri=lunch.redirect_uri)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    code = lunch.answer(browser)["code"]
    assert lunch.exchange(code, code_verifier="a" * 64).json()["error"] == "invalid_grant"
    code = lunch.answer(browser)["code"]
    assert lunch.exchange(code, redirect_uri=lunch.origin).json()["error"] in {
        "invalid_grant",
        "invalid_request",
    }


def test_an_old_code_is_refused(browser: Browser, account: Any, site: Any) -> None:
    from oauth2_provider.models import get_grant_model

    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    code = lunch.answer(browser)["code"]
    grant = get_grant_model().objects.get(code=code)
    assert grant.expires - timezone.now() <= timedelta(seconds=60)
    get_grant_model().objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert lunch.exchange(code).json()["error"] == "invalid_grant"


def test_no_other_grant_exists(site: Any, account: Any) -> None:
    account("hanako")
    lunch = site("lunch")
    for kind in (
        "password",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    ):
        answer = lunch.exchange(
            "x", grant_type=kind, username="hanako", password=PASSWORD, refresh_token="x", device_code="x"
        )
        assert answer.status_code in {400, 404}, kind
        assert answer.json()["error"] in {"unsupported_grant_type", "device_not_found"}, kind


def test_a_wrong_client_secret_is_refused_and_a_rotated_one_at_once(
    browser: Browser, account: Any, site: Any
) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    old = lunch.secret
    lunch.secret = idp.provider().rotate_client(lunch.client_id).client_secret
    assert lunch.tokens(browser)["id_token"]
    for wrong in (old, "", "sha256:" + "0" * 64):
        lunch.secret = wrong
        assert lunch.exchange(lunch.answer(browser)["code"]).status_code == 401


def test_an_id_token_is_no_access_token(browser: Browser, account: Any, site: Any) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    got = lunch.tokens(browser)
    assert lunch.userinfo(got["id_token"]).status_code == 401
    with pytest.raises(InvalidToken):
        idp.provider().resolve_access_token(got["id_token"])
    bearer = idp.provider().resolve_access_token(got["access_token"])
    claims = unverified(got["id_token"])
    assert (bearer.client_id, bearer.sub, bearer.sid) == (lunch.client_id, claims["sub"], claims["sid"])


def test_revocation_is_for_ones_own_tokens(browser: Browser, account: Any, site: Any) -> None:
    account("hanako")
    lunch, river = site("lunch"), site("river")
    browser.sign_in("hanako")
    access = lunch.tokens(browser)["access_token"]
    endpoint = lunch.document()["revocation_endpoint"]
    with loopback.session() as http:
        http.post(endpoint, {"token": access}, auth=(river.client_id, river.secret), timeout=10)
        assert lunch.userinfo(access).status_code == 200
        http.post(endpoint, {"token": access}, auth=(lunch.client_id, lunch.secret), timeout=10)
    assert lunch.userinfo(access).status_code == 401


def test_a_suspended_gadget_signs_nobody_in_and_its_tokens_are_dead(
    browser: Browser, account: Any, site: Any
) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    access = lunch.tokens(browser)["access_token"]
    idp.provider().disable_client(lunch.client_id)
    assert lunch.userinfo(access).status_code == 401
    with pytest.raises(InvalidToken):
        idp.provider().resolve_access_token(access)
    assert browser.get(lunch.authorize_url(), follow=False).status_code == 400
    idp.provider().enable_client(lunch.client_id)
    assert lunch.tokens(browser)["access_token"]


def test_registering_again_keeps_secret_and_pseudonyms(browser: Browser, account: Any, site: Any) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    before = unverified(lunch.tokens(browser)["id_token"])["sub"]
    spec = idp.ClientSpec(
        gadget_id="localhost.lunch.gadget",
        client_id=lunch.client_id,
        name="lunch",
        sector_host="other.localhost",
        identity_level="pairwise",
        redirect_uris=(lunch.redirect_uri,),
    )
    assert idp.provider().upsert_client(spec) is None
    assert unverified(lunch.tokens(browser)["id_token"])["sub"] == before


def test_discovery_promises_only_what_is_there(site: Any, region: Any) -> None:
    found = site("lunch").document()
    assert found["issuer"] == region.OIDC_ISSUER
    assert found["response_types_supported"] == ["code"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["id_token_signing_alg_values_supported"] == ["RS256"]
    assert found["backchannel_logout_session_supported"] is True
    with loopback.session() as http:
        for key in ("authorization_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"):
            assert http.get(found[key], allow_redirects=False, timeout=10).status_code != 404
        (key,) = http.get(found["jwks_uri"], timeout=10).json()["keys"]
    assert key["kty"] == "RSA"
    assert "d" not in key


# --- each path on its host only ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/o/authorize/", "/o/token/", "/login/", "/signup/"])
def test_the_portals_host_has_nothing_of_the_id(browser: Browser, region: Any, path: str) -> None:
    answer = browser.get(f"{region.PORTAL_URL}{path}", follow=False)
    assert answer.status_code in {301, 404}


@pytest.mark.parametrize(
    "path", ["/sign-in/", "/admin/", "/api/claims", "/oidc/backchannel-logout", "/en/x/"]
)
def test_the_ids_host_has_nothing_of_the_portal(browser: Browser, region: Any, path: str) -> None:
    answer = browser.get(f"{region.ID_URL}{path}", follow=False)
    assert answer.status_code == 404
    assert "site-header__part" in answer.text
    assert "site-header__account" not in answer.text


def test_the_machines_own_name_leads_to_the_portal(browser: Browser, region: Any) -> None:
    port = urlsplit(region.PORTAL_URL).port
    answer = browser.get(f"http://127.0.0.1:{port}/gadgets/?q=1", follow=False)
    assert answer.headers["Location"] == f"{region.PORTAL_URL}/gadgets/?q=1"
    assert browser.get(f"http://127.0.0.1:{port}/health/live", follow=False).status_code == 200


def test_an_unknown_host_is_refused(region: Any) -> None:
    port = urlsplit(region.PORTAL_URL).port
    with loopback.session() as http:
        for host in (
            "evil.example",
            "evil.region.localhost",
            f"portal.region.localhost:{int(port or 0) + 1}",
        ):
            answer = http.get(f"http://127.0.0.1:{port}/", headers={"Host": host}, timeout=10)
            assert answer.status_code == 400


def test_in_keycloak_mode_the_portal_serves_no_id(browser: Browser, region: Any) -> None:
    region.ID_PROVIDER = "keycloak"
    assert browser.get(f"{region.ID_URL}/login/", follow=False).status_code == 400


def test_the_form_of_the_id_is_protected_against_forgery(browser: Browser, account: Any, region: Any) -> None:
    account("hanako")
    answer = browser.post(f"{region.ID_URL}/login/", {"login": "hanako", "password": PASSWORD}, follow=False)
    assert answer.status_code == 403
