"""The claims endpoint: what she granted to this gadget, now, signed; and to nobody else."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey

from gadgets.models import Gadget, bump_registry
from identity import actions, idp, loopback, queries
from identity.domain.consent import Notice
from identity.domain.roles import Actor
from identity.errors import UndeclaredItem
from identity.models import AccessLog, ConsentState, GadgetClient, Resident, Subject
from tests.consents import granted
from tests.gadgets.published import publish
from tests.identity.conftest import closing_sites
from tests.identity.region import Browser, GadgetSite, unverified

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(region: Any) -> Iterator[Callable[..., GadgetSite]]:
    """Makes sites at the embedded provider whose gadgets are published."""
    with closing_sites() as make:

        def published(name: str, **registers: Any) -> GadgetSite:
            made = make(name, **registers)
            publish(made, **registers)
            return made

        yield published


CLAIM = "household.school_years"


def ask(settings: Any, token: str | None, **headers: str) -> Any:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    with loopback.session() as http:
        return http.get(f"{settings.PORTAL_URL}/api/claims", headers=headers, timeout=10)


def grant(resident: Any, gadget: str, *, level: str = "pairwise") -> None:
    by = Actor(id=resident.id)
    actions.set_attributes(
        resident_id=resident.id, values={CLAIM: ["e3"], "area.district": "busshozan"}, by=by
    )
    actions.grant(
        resident_id=resident.id,
        recipient=gadget,
        purpose="card",
        items=(CLAIM,),
        declared=(CLAIM,),
        level=level,
        notice=Notice(language="ja", text="給食の学年をお知らせします。"),
        controller="給食センター",
        by=by,
    )


def read(settings: Any, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/jwt")
    assert "no-store" in answer.headers["Cache-Control"]
    key = ECKey.import_key(settings.GADGET_SIGNING_KEY)
    token = jwt.decode(answer.text, key, ["ES256"])
    assert (token.header["typ"], token.header["kid"]) == ("rclaims+jwt", key.thumbprint())
    return dict(token.claims)


def test_gives_what_is_granted_now_and_nothing_after_the_withdrawal(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    grant(hanako, "localhost.lunch.gadget")
    browser.sign_in("hanako")
    got = lunch.tokens(browser)
    body = read(region, ask(region, got["access_token"]))
    assert body["claims"] == {CLAIM: ["e3"]}
    assert body["granted"] == [CLAIM]
    assert body["sub"] == unverified(got["id_token"])["sub"]
    assert (body["iss"], body["aud"]) == (region.PORTAL_URL, lunch.client_id)
    assert 0 < body["exp"] - timezone.now().timestamp() <= 60
    row = AccessLog.objects.get()
    assert (row.recipient, row.items, row.via) == ("localhost.lunch.gadget", [CLAIM], "claims")
    actions.withdraw(resident_id=hanako.id, recipient="localhost.lunch.gadget", by=Actor(id=hanako.id))
    after = read(region, ask(region, got["access_token"]))
    assert (after["claims"], after["granted"]) == ({}, [])
    assert AccessLog.objects.count() == 1


def test_a_grant_to_one_gadget_is_none_to_another(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    site("lunch")
    river = site("river")
    grant(hanako, "localhost.lunch.gadget")
    browser.sign_in("hanako")
    assert read(region, ask(region, river.tokens(browser)["access_token"]))["claims"] == {}


def test_a_gadget_below_pairwise_gets_nothing_here(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    waste = site("waste", level="audience")
    grant(hanako, "localhost.waste.gadget")
    browser.sign_in("hanako")
    assert read(region, ask(region, waste.tokens(browser)["access_token"]))["claims"] == {}


def test_a_consent_given_for_the_lower_level_is_not_enough(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    grant(hanako, "localhost.lunch.gadget", level="audience")
    browser.sign_in("hanako")
    assert read(region, ask(region, lunch.tokens(browser)["access_token"]))["claims"] == {}


def test_what_the_manifest_does_not_declare_is_never_told_even_if_the_ledger_has_it(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    """A manifest may have dropped a claim since it was granted: what counts is the one that is live."""
    hanako = account("hanako")
    lunch = site("lunch", claims=("area.district",))
    grant(hanako, "localhost.lunch.gadget")
    assert granted(hanako.id, "localhost.lunch.gadget", (CLAIM,), level="pairwise")
    browser.sign_in("hanako")
    access = lunch.tokens(browser)["access_token"]
    assert read(region, ask(region, access))["claims"] == {}
    assert not AccessLog.objects.exists()
    idp.provider().upsert_client(lunch.spec(claims=(CLAIM,)))
    publish(lunch, claims=(CLAIM,))
    assert read(region, ask(region, access))["claims"] == {CLAIM: ["e3"]}


def test_of_a_protected_person_nothing_is_told_whatever_the_ledger_says(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    grant(hanako, "localhost.lunch.gadget")
    browser.sign_in("hanako")
    access = lunch.tokens(browser)["access_token"]
    assert read(region, ask(region, access))["claims"] == {CLAIM: ["e3"]}
    Resident.objects.filter(id=hanako.id).update(confidential=True)
    assert read(region, ask(region, access))["claims"] == {}
    assert AccessLog.objects.count() == 1


def test_a_claim_that_the_manifest_does_not_declare_cannot_be_granted(account: Any) -> None:
    hanako = account("hanako")
    with pytest.raises(UndeclaredItem):
        actions.grant(
            resident_id=hanako.id,
            recipient="localhost.lunch.gadget",
            purpose="card",
            items=(CLAIM,),
            declared=("area.district",),
            level="pairwise",
            notice=Notice(language="ja", text="給食の学年をお知らせします。"),
            controller="給食センター",
            by=Actor(id=hanako.id),
        )
    assert granted(hanako.id, "localhost.lunch.gadget", (CLAIM,), level="pairwise") == {}


def test_a_grant_that_is_older_than_the_client_is_found_by_its_pseudonym(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    grant(hanako, "localhost.lunch.gadget")
    assert not Subject.objects.exists()
    lunch = site("lunch")
    browser.sign_in("hanako")
    assert read(region, ask(region, lunch.tokens(browser)["access_token"]))["claims"] == {CLAIM: ["e3"]}


def test_only_grants_that_hold_at_pairwise_lead_back_from_a_pseudonym(
    account: Any, site: Any, region: Any
) -> None:
    gadget = "localhost.lunch.gadget"
    holds, lower, withdrawn, expired, elsewhere = (account(f"person{number}") for number in range(5))
    for one in (holds, withdrawn, expired):
        grant(one, gadget)
    grant(lower, gadget, level="audience")
    grant(elsewhere, "localhost.river.gadget")
    actions.withdraw(resident_id=withdrawn.id, recipient=gadget, by=Actor(id=withdrawn.id))
    ConsentState.objects.filter(resident=expired).update(expires_at=timezone.now())
    lunch = site("lunch")
    row = Subject.objects.get()
    assert (row.resident_id, row.sub) == (holds.id, queries.subject_for(holds.id, lunch.client_id))
    idp.provider().upsert_client(lunch.spec())
    assert Subject.objects.count() == 1


def test_a_suspended_gadget_gets_nothing_though_its_client_still_has_tokens(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    grant(hanako, "localhost.lunch.gadget")
    browser.sign_in("hanako")
    access = lunch.tokens(browser)["access_token"]
    assert read(region, ask(region, access))["claims"] == {CLAIM: ["e3"]}
    Gadget.objects.update(state=Gadget.State.SUSPENDED)
    bump_registry()
    assert read(region, ask(region, access))["claims"] == {}
    assert AccessLog.objects.count() == 1


def test_tokens_that_do_not_hold_are_refused_as_rfc_6750_says(
    browser: Browser, account: Any, site: Any, region: Any
) -> None:
    hanako = account("hanako")
    lunch = site("lunch")
    grant(hanako, "localhost.lunch.gadget")
    browser.sign_in("hanako")
    got = lunch.tokens(browser)
    without = ask(region, None)
    assert without.status_code == 401
    assert without.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert "error=" not in without.headers["WWW-Authenticate"]
    assert ask(region, None, Authorization="Basic eDp5").status_code == 401
    for false in (got["id_token"], "x", "x" * 5000, got["access_token"] + "x"):
        answer = ask(region, false)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        assert json.loads(answer.text)["error"] == "invalid_token"
    idp.provider().disable_client(lunch.client_id)
    assert ask(region, got["access_token"]).status_code == 401
    assert not AccessLog.objects.exists()
    assert GadgetClient.objects.get(client_id=lunch.client_id).suspended


def test_the_token_is_dead_after_signing_out(browser: Browser, account: Any, site: Any, region: Any) -> None:
    account("hanako")
    lunch = site("lunch")
    browser.sign_in("hanako")
    access = lunch.tokens(browser)["access_token"]
    assert ask(region, access).status_code == 200
    browser.sign_out()
    assert ask(region, access).status_code == 401


def test_the_portal_says_where_everything_is(browser: Browser, region: Any) -> None:
    found = browser.get(f"{region.PORTAL_URL}/.well-known/region-portal.json").json()
    assert found["issuer"] == region.OIDC_ISSUER
    assert browser.get(found["discovery"]).json()["issuer"] == region.OIDC_ISSUER
    assert found["claims_endpoint"] == f"{region.PORTAL_URL}/api/claims"
    assert set(found["schemas"]) == {"manifest", "card"}
