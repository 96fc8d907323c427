"""What every provider behind the seam must do: the same tests against the embedded one and the real Keycloak."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
from django.utils import timezone

from identity import actions, idp, loopback, queries
from identity.audit import verify
from identity.domain.consent import Notice
from identity.domain.roles import OPERATOR, Actor
from identity.errors import InvalidToken, NoSuchClient, NoSuchResident
from identity.models import AuditEntry, LogoutDelivery, OidcSession, Resident
from identity.oidc import logout_relay, tokens
from tests.gadgets.published import publish
from tests.identity.conftest import World, closing_sites
from tests.identity.realm import admin, make_person
from tests.identity.region import PASSWORD, Browser, store, unverified
from tests.services.neighbour import KNOWN, RESIDENTS
from tests.services.neighbour import PASSWORD as NEIGHBOURS_PASSWORD

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
    assert all("auth_time" not in unverified(one["id_token"]) for one in (first, second)), (
        "it would join them"
    )
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
    logout_relay.deliver_due()
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
    logout_relay.deliver_due()
    assert not OidcSession.objects.filter(sub=hanako.subject).exists()
    assert len(lunch.heard) == 1
    assert lunch.answer(browser, prompt="none")["error"] == "login_required"


def test_claims_follow_the_ledger_at_each_call(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    publish(lunch)
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


# --- the life of a client ------------------------------------------------------------------------------------


def client_entries() -> list[tuple[str, str]]:
    """(kind, by) of what the audit chain holds about clients, the oldest first."""
    kept = AuditEntry.objects.filter(kind__startswith="client_").order_by("seq")
    return list(kept.values_list("kind", "by"))


def test_a_removed_client_is_gone_with_its_pseudonyms(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch = world.site("lunch")
    first = lunch.tokens(browser)
    idp.provider().remove_client(lunch.client_id)
    with pytest.raises(InvalidToken):
        idp.provider().resolve_access_token(first["access_token"])
    with pytest.raises(NoSuchClient):
        queries.subject_for(hanako.id, lunch.client_id)
    assert browser.get(lunch.authorize_url(), follow=False).status_code == 400
    idp.provider().remove_client(lunch.client_id)
    made = idp.provider().upsert_client(lunch.spec())
    assert made is not None
    lunch.secret = made.client_secret
    again = unverified(lunch.tokens(browser)["id_token"])["sub"]
    assert again == queries.subject_for(hanako.id, lunch.client_id)
    assert again != unverified(first["id_token"])["sub"], "who comes back meets nobody that it knew"


def test_each_change_of_a_client_stands_in_the_audit_chain_once(world: Any) -> None:
    operator = Resident.objects.create_user(username="operator-of-this-test")
    by = Actor(id=operator.id, roles=frozenset({OPERATOR}))
    lunch = world.site("lunch")
    driver = idp.provider()
    assert client_entries() == [("client_saved", "portal")]
    driver.upsert_client(lunch.spec(), by=by)
    driver.enable_client(lunch.client_id, by=by)
    assert len(client_entries()) == 1, "what changes nothing is no news"
    driver.upsert_client(replace(lunch.spec(), claims=(CLAIM,)), by=by)
    driver.rotate_client(lunch.client_id, by=by)
    for _ in range(2):
        driver.disable_client(lunch.client_id, by=by)
    driver.enable_client(lunch.client_id, by=by)
    for _ in range(2):
        driver.remove_client(lunch.client_id, by=by)
    kinds = ("client_saved", "client_rotated", "client_suspended", "client_resumed", "client_removed")
    assert client_entries()[1:] == [(kind, str(operator.handle)) for kind in kinds]
    details = AuditEntry.objects.filter(kind__startswith="client_").values_list("detail", flat=True)
    assert {detail["client"] for detail in details} == {lunch.client_id}
    assert verify.verify().holds


def test_no_gadget_exchanges_a_token(world: Any) -> None:
    browser = Browser()
    hanako_signed_in(world, browser)
    lunch, river = world.site("lunch"), world.site("river")
    access = lunch.tokens(browser)["access_token"]
    assert lunch.userinfo(access).status_code == 200
    for audience in ({}, {"audience": lunch.client_id}, {"audience": river.client_id}):
        body = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": access,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            **audience,
        }
        with loopback.session() as http:
            answer = http.post(
                lunch.document()["token_endpoint"], body, auth=(lunch.client_id, lunch.secret), timeout=10
            )
        assert answer.status_code in {400, 403}, answer.text
        assert answer.json()["error"] in {"unsupported_grant_type", "unauthorized_client", "invalid_request"}
        assert "access_token" not in answer.json()


@pytest.mark.parametrize("grant", ["client_credentials", "password", "refresh_token"])
def test_a_gadget_gets_a_token_by_a_sign_in_only(world: Any, grant: str) -> None:
    lunch = world.site("lunch")
    username = world.account("hanako")
    body = {"grant_type": grant, "username": username, "password": PASSWORD, "refresh_token": "x"}
    with loopback.session() as http:
        answer = http.post(
            lunch.document()["token_endpoint"], body, auth=(lunch.client_id, lunch.secret), timeout=10
        )
    assert answer.status_code in {400, 401}, answer.text
    assert "access_token" not in answer.json()


# --- sessions and accounts -----------------------------------------------------------------------------------


def test_sign_ins_are_listed_the_latest_first_and_one_is_ended_everywhere(world: Any) -> None:
    laptop, phone = Browser(), Browser()
    username = world.account("hanako")
    laptop.sign_in(username, next_path=BACK)
    phone.sign_in(username, next_path=BACK)
    hanako = Resident.objects.get()
    lunch = world.site("lunch")
    lunch.tokens(laptop)
    driver = idp.provider()
    assert idp.SESSIONS in driver.capabilities
    both = driver.sessions(hanako.id)
    assert [row.started_at for row in both] == sorted((row.started_at for row in both), reverse=True)
    (earlier,) = [row for row in both if row.clients == (lunch.client_id,)]
    (later,) = [row for row in both if row.clients == ()]
    at_portal = {row.sid: row.session_key for row in OidcSession.objects.filter(sub=hanako.subject)}
    (of_laptop,) = set(earlier.sids) & set(at_portal)
    driver.end_session(hanako.id, earlier.id)
    assert not store(at_portal[of_laptop]).exists(at_portal[of_laptop]), "at the portal at once"
    assert [row.id for row in driver.sessions(hanako.id)] == [later.id]
    logout_relay.deliver_due()
    assert len(lunch.heard) == 1
    assert lunch.answer(laptop, prompt="none")["error"] == "login_required"
    assert lunch.tokens(phone)["id_token"]
    driver.end_session(hanako.id, earlier.id)
    assert OidcSession.objects.filter(sub=hanako.subject).count() == 1


def test_nobody_ends_a_session_of_somebody_else(world: Any) -> None:
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    other = Resident.objects.create_user(username="somebody-else")
    (session,) = idp.provider().sessions(hanako.id)
    idp.provider().end_session(other.id, session.id)
    assert len(idp.provider().sessions(hanako.id)) == 1
    assert OidcSession.objects.filter(sub=hanako.subject).exists()
    assert idp.provider().sessions(other.id) == ()


def test_the_address_to_write_to_is_asked_for(world: Any) -> None:
    hanako = hanako_signed_in(world, Browser())
    if world.settings.ID_PROVIDER == "embedded":
        Resident.objects.filter(pk=hanako.pk).update(email="hanako@example.jp")
    assert idp.provider().email_of(hanako.id).endswith("@example.jp")


def test_an_account_that_is_deleted_signs_in_nowhere(world: Any) -> None:
    browser = Browser()
    username = world.account("hanako")
    browser.sign_in(username, next_path=BACK)
    hanako = Resident.objects.get()
    lunch = world.site("lunch")
    access = lunch.tokens(browser)["access_token"]
    idp.provider().delete_account(hanako.id)
    assert not OidcSession.objects.filter(sub=hanako.subject).exists()
    assert lunch.answer(browser, prompt="none")["error"] == "login_required"
    assert lunch.userinfo(access).status_code == 401
    logout_relay.deliver_due()
    assert len(lunch.heard) == 1, "a session that goes with its account is told to gadgets too"
    stranger = Browser()
    stranger.sign_in(username, next_path=BACK)
    assert stranger.trail[-1] != f"{world.settings.PORTAL_URL}{BACK}"
    assert Resident.objects.filter(pk=hanako.pk).exists(), "the portal's own row is the work of erasure"
    idp.provider().delete_account(hanako.id)
    assert idp.provider().email_of(hanako.id) == ""
    assert idp.provider().sessions(hanako.id) == ()


def test_of_nobody_there_is_nothing(world: Any) -> None:
    nobody, driver = uuid4(), idp.provider()
    assert driver.sessions(nobody) == ()
    assert driver.email_of(nobody) == ""
    driver.end_session(nobody, "of-nobody")
    driver.delete_account(nobody)
    with pytest.raises(NoSuchResident):
        driver.end_everywhere(nobody)


def test_there_is_a_way_to_each_action_that_the_driver_names_and_to_no_other(world: Any) -> None:
    driver = idp.provider()
    for kind in (idp.PASSWORD, idp.TOTP, idp.PASSKEYS):
        address = driver.action_url(kind, next_path="/my/sessions/")
        assert bool(address) is (kind in driver.capabilities), kind
        assert not address or "my%2Fsessions" in address
    assert driver.action_url(idp.SILENT, next_path="/") == ""


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


@pytest.mark.keycloak
def test_the_pseudonym_outlives_another_address_and_a_linked_account(keycloak_region: Any) -> None:
    """Pairwise subjects hang on Keycloak's own id of the person and on nothing that can change."""
    browser, suffix = Browser(), secrets.token_hex(4)
    subject = make_person(f"before-{suffix}", PASSWORD)
    browser.sign_in(f"before-{suffix}", next_path=BACK)
    hanako = Resident.objects.get(subject=subject)
    with closing_sites() as site:
        lunch = site("lunch", suffix=f".{suffix}")
        wanted = queries.subject_for(hanako.id, lunch.client_id)
        assert unverified(lunch.tokens(browser)["id_token"])["sub"] == wanted
        person = admin().get_user(subject)
        admin().update_user(subject, {**person, "email": f"after-{suffix}@example.jp"})
        admin().add_user_social_login(subject, "neighbour", f"over-there-{suffix}", f"over-there-{suffix}")
        again = Browser()
        again.sign_in(f"after-{suffix}@example.jp", next_path=BACK)
        assert Resident.objects.get().id == hanako.id
        assert unverified(lunch.tokens(again)["id_token"])["sub"] == wanted


@pytest.mark.keycloak
def test_a_neighbours_resident_has_the_pseudonym_that_we_compute(keycloak_region: Any) -> None:
    """The subject is the one of the region's own account for them, never the neighbour's."""
    browser, suffix = Browser(), secrets.token_hex(4)
    with closing_sites() as site:
        lunch = site("lunch", suffix=f".{suffix}")
        browser.get(lunch.authorize_url(kc_idp_hint="neighbour"))
        browser.submit("/realms/neighbour/", username=KNOWN, password=NEIGHBOURS_PASSWORD)
        # The first time the region's ID sends a mail; that it must be answered is shown by the journeys.
        (account,) = admin().get_users({"email": RESIDENTS[KNOWN], "exact": True})
        admin().update_user(account["id"], {**account, "emailVerified": True, "requiredActions": []})
        browser.get(lunch.authorize_url(kc_idp_hint="neighbour"))
        assert browser.trail[-1].startswith(lunch.redirect_uri), browser.trail
        code = parse_qs(urlsplit(browser.trail[-1]).query)["code"][0]
        told = unverified(lunch.exchange(code).json()["id_token"])["sub"]
        browser.get(f"{keycloak_region.PORTAL_URL}/sign-in/?{urlencode({'next': BACK})}")
        resident = Resident.objects.get()
        assert resident.home_region == "neighbour"
        assert told == queries.subject_for(resident.id, lunch.client_id)
        over_there = json.loads(os.environ["NEIGHBOUR_RESIDENTS"])[KNOWN]
        assert over_there not in {told, resident.subject}


# --- tokens that are over ------------------------------------------------------------------------------------


def claims_status(world: Any, access: str) -> int:
    with loopback.session() as http:
        answer = http.get(
            f"{world.settings.PORTAL_URL}/api/claims",
            headers={"Authorization": f"Bearer {access}"},
            timeout=10,
        )
    if answer.status_code == 401:
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    return answer.status_code


def test_claims_end_with_the_session_and_with_the_token(world: Any) -> None:
    """Whoever ends it, and however: the next call gets 401, though the token itself would hold for two minutes."""
    browser = Browser()
    hanako = hanako_signed_in(world, browser)
    lunch = world.site("lunch")

    def revoked(access: str) -> None:
        with browser.http as http:
            answer = http.post(
                lunch.document()["revocation_endpoint"],
                data={"token": access, "token_type_hint": "access_token"},
                auth=(lunch.client_id, lunch.secret),
                timeout=10,
            )
        assert answer.status_code == 200

    def ended_in_the_list(_: str) -> None:
        (one,) = idp.provider().sessions(hanako.id)
        idp.provider().end_session(hanako.id, one.id)

    endings: list[Callable[[str], object]] = [
        revoked, ended_in_the_list, lambda _: idp.provider().end_everywhere(hanako.id), lambda _: browser.sign_out(),
    ]  # fmt: skip
    for number, end in enumerate(endings):
        if number > 1:
            browser.sign_in(f"hanako{world._suffix}", next_path=BACK)
        access = lunch.tokens(browser)["access_token"]
        assert claims_status(world, access) == 200
        end(access)
        assert claims_status(world, access) == 401, number


@pytest.mark.keycloak
def test_a_token_that_is_for_somebody_else_gets_no_claims(keycloak_region: Any) -> None:
    """`aud` names the portal, by a mapper of each gadget's client; a client of before gets it as it is saved."""
    with closing_sites() as make:
        world = World(keycloak_region, lambda name, **more: make(name, suffix=".aud", **more))
        browser = Browser()
        hanako_signed_in(world, browser)
        lunch = world.site("lunch")
        keycloak = admin()
        key = keycloak.get_client_id(lunch.client_id)
        (mapper,) = [
            one
            for one in keycloak.get_mappers_from_client(key)
            if one["protocolMapper"] == "oidc-audience-mapper"
        ]
        keycloak.remove_client_mapper(key, mapper["id"])
        access = lunch.tokens(browser)["access_token"]
        assert keycloak_region.OIDC_CLIENT_ID not in tokens.audiences(unverified(access))
        assert claims_status(world, access) == 401
        assert lunch.userinfo(access).status_code == 200  # it is a good token, for others
        idp.provider().upsert_client(lunch.spec())
        access = lunch.tokens(browser)["access_token"]
        assert keycloak_region.OIDC_CLIENT_ID in tokens.audiences(unverified(access))
        assert claims_status(world, access) == 200


@pytest.mark.keycloak
def test_while_the_id_cannot_be_asked_no_claims_are_given(
    keycloak_region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing_sites() as make:
        world = World(keycloak_region, lambda name, **more: make(name, suffix=".away", **more))
        browser = Browser()
        hanako_signed_in(world, browser)
        access = world.site("lunch").tokens(browser)["access_token"]
        assert claims_status(world, access) == 200
        keycloak_region.OIDC_CLIENT_SECRET = "wrong"
        assert claims_status(world, access) == 503
