"""What every provider behind the seam must do: the same tests against the embedded one and the real Keycloak."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from identity import actions, idp, loopback, queries, relay, tokens
from identity.consent import Notice
from identity.errors import InvalidToken, NoSuchClient
from identity.models import LogoutDelivery, OidcSession, Resident
from identity.roles import Actor
from tests.identity.region import Browser, unverified

pytestmark = pytest.mark.django_db(transaction=True)
BACK = "/.well-known/region-portal.json"
CLAIM = "household.school_years"


def hanako_signed_in(world: Any, browser: Browser) -> Resident:
    before = (
        set(Resident.objects.values_list("pk", flat=True))
        if world.settings.ID_PROVIDER == "keycloak"
        else set()
    )
    username = world.account("hanako")
    browser.sign_in(username, next_path=BACK)
    assert browser.trail[-1] == f"{world.settings.PORTAL_URL}{BACK}", browser.trail
    return Resident.objects.exclude(pk__in=before).get()


def test_sign_in_makes_the_resident_once_and_knows_her_again(world: Any) -> None:
    browser, phone = Browser(), Browser()
    username = world.account("hanako")
    browser.sign_in(username, next_path=BACK)
    phone.sign_in(username, next_path=BACK)
    resident = Resident.objects.get()
    assert (resident.issuer, bool(resident.subject)) == (idp.provider().issuer, True)
    rows = OidcSession.objects.filter(sub=resident.subject)
    assert rows.count() == 2
    assert len({row.sid for row in rows}) == 2


def test_a_gadget_needs_no_second_password_and_gets_the_pseudonym_that_we_compute(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch, river = world.site("lunch"), world.site("river")
    first, second = lunch.tokens(browser), river.tokens(browser)
    claims = unverified(first["id_token"])
    assert claims["sub"] == queries.subject_for(hanako.id, lunch.client_id)
    assert unverified(second["id_token"])["sub"] == queries.subject_for(hanako.id, river.client_id)
    assert len({claims["sub"], unverified(second["id_token"])["sub"], hanako.subject}) == 3
    assert claims["nonce"] == "nonce-of-site"
    telling = {"email", "name", "given_name", "preferred_username", "locale", *queries.attributes.KEYS}
    assert not telling & set(claims)
    assert not telling & set(lunch.userinfo(first["access_token"]).json())
    assert "refresh_token" not in first
    bearer = idp.provider().resolve_access_token(first["access_token"])
    assert (bearer.client_id, bearer.sub) == (lunch.client_id, claims["sub"])
    assert bearer.expires <= timezone.now() + timedelta(seconds=121)
    if idp.PER_CLIENT_SID in idp.provider().capabilities:
        assert claims["sid"] != unverified(second["id_token"])["sid"]


def test_silent_reentry_without_a_session_is_an_error_and_no_page(world: Any) -> None:
    lunch = world.site("lunch")
    answer = lunch.answer(Browser(), prompt="none")
    assert answer["error"] == "login_required"
    assert answer["iss"] == idp.provider().issuer


def test_signing_out_once_signs_out_everywhere_even_with_a_dead_gadget(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch, dead = world.site("lunch"), world.site("river")
    got = lunch.tokens(browser)
    dead.tokens(browser)
    dead.close()
    begun = timezone.now()
    browser.sign_out()
    assert browser.trail[-1] == f"{world.settings.PORTAL_URL}/"
    relay.deliver_due()
    assert (timezone.now() - begun).total_seconds() < 5
    assert not OidcSession.objects.filter(sub=hanako.subject).exists()
    (heard,) = lunch.heard
    event = tokens.verify_logout_token(heard, audience=lunch.client_id, now=timezone.now())
    assert event.sub == unverified(got["id_token"])["sub"]
    assert LogoutDelivery.objects.get(client__client_id=dead.client_id).tries == 1
    assert lunch.answer(browser, prompt="none")["error"] == "login_required"


def test_a_gadget_that_signs_out_ends_the_portals_session_too(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    hint = lunch.tokens(browser)["id_token"]
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": f"{lunch.origin}/bye"})
    browser.get(f"{lunch.document()['end_session_endpoint']}?{query}")
    assert browser.trail[-1].startswith(f"{lunch.origin}/bye")
    assert not OidcSession.objects.filter(sub=hanako.subject).exists()


def test_ending_everywhere_reaches_every_device_and_gadget(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    lunch.tokens(browser)
    idp.provider().end_everywhere(hanako.id)
    relay.deliver_due()
    assert not OidcSession.objects.filter(sub=hanako.subject).exists()
    assert len(lunch.heard) == 1
    assert lunch.answer(browser, prompt="none")["error"] == "login_required"


def test_claims_follow_the_ledger_at_each_call(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    access = lunch.tokens(browser)["access_token"]
    by = Actor(id=hanako.id)

    def claims() -> Any:
        with loopback.session() as http:
            answer = http.get(
                f"{world.settings.PORTAL_URL}/api/claims",
                headers={"Authorization": f"Bearer {access}"},
                timeout=10,
            )
        assert answer.status_code == 200, answer.text
        return unverified(answer.text)["claims"]

    assert claims() == {}
    actions.set_attributes(resident_id=hanako.id, values={CLAIM: ["e3"]}, by=by)
    actions.grant(
        resident_id=hanako.id,
        recipient=lunch.gadget_id,
        purpose="card",
        items=(CLAIM,),
        declared=(CLAIM,),
        level="pairwise",
        notice=Notice(language="ja", text="学年をお知らせします。"),
        controller="給食センター",
        by=by,
    )
    assert claims() == {CLAIM: ["e3"]}
    actions.withdraw(resident_id=hanako.id, recipient=lunch.gadget_id, by=by)
    assert claims() == {}


def test_a_suspended_gadget_is_shut_out_until_it_is_let_in_again(world: Any) -> None:
    browser = Browser()
    hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    access = lunch.tokens(browser)["access_token"]
    idp.provider().disable_client(lunch.client_id)
    with pytest.raises(InvalidToken):
        idp.provider().resolve_access_token(access)
    assert browser.get(lunch.authorize_url(), follow=False).status_code == 400
    idp.provider().enable_client(lunch.client_id)
    assert lunch.tokens(browser)["access_token"]


def test_secrets_are_given_once_and_rotated(world: Any) -> None:
    browser = Browser()
    hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    before = unverified(lunch.tokens(browser)["id_token"])["sub"]
    assert idp.provider().upsert_client(lunch.spec()) is None
    assert unverified(lunch.tokens(browser)["id_token"])["sub"] == before
    old, lunch.secret = lunch.secret, idp.provider().rotate_client(lunch.client_id).client_secret
    assert lunch.tokens(browser)["id_token"]
    lunch.secret = old
    assert lunch.exchange(lunch.answer(browser)["code"]).status_code == 401
    given = idp.provider().upsert_client(lunch.spec(), secret="a-secret-that-the-demo-chose")
    assert given is not None
    lunch.secret = given.client_secret
    assert lunch.tokens(browser)["id_token"]
    assert given.client_secret not in repr(given)
    with pytest.raises(NoSuchClient):
        idp.provider().rotate_client("nobody")


def test_pkce_redirect_and_replay_are_strict(world: Any) -> None:
    browser = Browser()
    hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    for overrides in (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
    ):
        assert lunch.answer(browser, **overrides)["error"] == "invalid_request"
    for wrong in (lunch.redirect_uri + "?more=1", lunch.redirect_uri + "/", "https://evil.example/callback"):
        assert browser.get(lunch.authorize_url(redirect_uri=wrong), follow=False).status_code == 400
    code = lunch.answer(browser)["code"]
    access = lunch.exchange(code).json()["access_token"]
    assert lunch.exchange(code).status_code == 400
    assert lunch.userinfo(access).status_code == 401
    code = lunch.answer(browser)["code"]
    assert lunch.exchange(code, code_verifier="a" * 64).status_code == 400


def test_an_id_token_is_neither_access_token_nor_logout_token(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    id_token = lunch.tokens(browser)["id_token"]
    with pytest.raises(InvalidToken):
        idp.provider().resolve_access_token(id_token)
    portal = world.settings.PORTAL_URL
    with loopback.session() as http:
        for address in (f"{portal}/oidc/backchannel-logout", f"{portal}/oidc/relay/{lunch.client_id}"):
            assert http.post(address, {"logout_token": id_token}, timeout=10).status_code == 400
    assert OidcSession.objects.filter(sub=hanako.subject).exists()
    assert not LogoutDelivery.objects.exists()


def test_registration_comes_back_signed_in(world: Any) -> None:
    browser = Browser()
    browser.get(f"{world.settings.PORTAL_URL}/sign-up/?{urlencode({'next': BACK})}")
    page = browser.forms
    assert any("signup" in action or "registration" in action for action, _ in page), browser.trail


def test_health_tells_whether_it_answers(world: Any) -> None:
    assert idp.provider().health() is True


@pytest.mark.keycloak
def test_a_keycloak_that_is_away_is_said_within_a_second(keycloak_region: Any) -> None:
    from identity.errors import ProviderUnavailable
    from tests.identity.region import GadgetSite

    keycloak_region.KEYCLOAK_URL = "http://127.0.0.1:9"
    keycloak_region.OIDC_DISCOVERY_URL = "http://127.0.0.1:9/realms/region/.well-known/openid-configuration"
    idp.provider.cache_clear()
    begun = timezone.now()
    assert idp.provider().health() is False
    assert (timezone.now() - begun).total_seconds() < 1
    site = GadgetSite("lunch", ".away")
    try:
        with pytest.raises(ProviderUnavailable):
            idp.provider().upsert_client(site.spec())
    finally:
        site.close()
