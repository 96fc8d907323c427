"""`manage.py keycloak_sync` against a real Keycloak: what drifted is shown, put back, and then there is nothing to do.

Every test leaves the one realm of the suite as it found it, and no two of them run at once.
"""

import io
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from identity import idp
from identity.errors import RealmFileProblem, SyncRefused
from identity.keycloak import sync
from identity.keycloak.admin_api import Api, Connection
from identity.models import AuditEntry, GadgetClient
from tests.identity.region import GadgetSite

pytestmark = [
    pytest.mark.keycloak,
    pytest.mark.xdist_group("keycloak-realm"),
    pytest.mark.django_db(transaction=True),
]
FROM_ENVIRONMENT = (
    "KEYCLOAK_URL", "KEYCLOAK_REALM", "KEYCLOAK_ADMIN_CLIENT_ID", "KEYCLOAK_ADMIN_CLIENT_SECRET",
    "KEYCLOAK_SYNC_CLIENT_ID", "KEYCLOAK_SYNC_CLIENT_SECRET", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET",
)  # fmt: skip


@pytest.fixture
def realm(settings: Any, keycloak_env: dict[str, str], tmp_path: Path, monkeypatch: Any) -> Iterator[Path]:
    """The file of the repository for the suite's Keycloak, and a portal whose gadgets nobody else's test has."""
    for name in FROM_ENVIRONMENT:
        setattr(settings, name, os.environ[name])
    settings.ID_PROVIDER = "keycloak"
    settings.OIDC_ISSUER = keycloak_env["KEYCLOAK_ISSUER"]
    settings.OIDC_DISCOVERY_URL = keycloak_env["KEYCLOAK_DISCOVERY_URL"]
    settings.PORTAL_URL = f"http://portal-{secrets.token_hex(4)}.region.localhost:1"
    settings.LOOPBACK_NAMES = True
    # As tests.services gives them to the realm.
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(os.environ["MAIL_PORT"])
    settings.DEFAULT_FROM_EMAIL = "no-reply@id.region.localhost"
    for name in [name for name in os.environ if name.startswith(("NEIGHBOUR_", "EMAIL_"))]:
        monkeypatch.delenv(name)
    text = sync.FILE.read_text(encoding="utf-8")
    file = tmp_path / "realm.json"
    file.write_text(text.replace("${PORTAL_URL}", keycloak_env["KEYCLOAK_PORTAL_URL"]), encoding="utf-8")
    idp.provider.cache_clear()
    cache.clear()
    yield file
    idp.provider.cache_clear()
    cache.clear()


@pytest.fixture
def api(realm: Path) -> Api:
    """The rights of the sync's own account."""
    return Api(sync.account())


def run(file: Path, *options: str) -> tuple[int, list[str]]:
    """(exit status, lines)."""
    out = io.StringIO()
    status = 0
    try:
        call_command("keycloak_sync", *options, "--file", str(file), stdout=out)
    except SystemExit as leaving:
        status = int(str(leaving.code))
    return status, out.getvalue().splitlines()


def paths(file: Path) -> list[str]:
    return sorted(change.path for change in sync.drift(sync.wanted(file)))


def synced() -> list[dict[str, Any]]:
    return list(AuditEntry.objects.filter(kind="keycloak_synced").values_list("detail", flat=True))


def test_the_realm_that_keycloak_imported_is_the_one_of_the_file(realm: Path) -> None:
    assert run(realm, "--dry-run") == (0, ["違いはありません。"])
    assert run(realm) == (0, ["違いはありません。"])
    assert synced() == []


def test_what_changed_is_shown_then_put_back_and_then_there_is_nothing_to_do(realm: Path, api: Api) -> None:
    api.put("", {"eventsExpiration": 604801})
    line = "- realm.eventsExpiration: 604801 → 604800"
    for _ in range(2):  # a dry run changes nothing
        assert run(realm, "--dry-run") == (1, [line, "違いは 1 件です。何も変えていません。"])
    assert synced() == []
    assert run(realm) == (0, [line, "1 件を合わせました。"])
    assert api.get("")["eventsExpiration"] == 604800
    assert synced() == [{"changes": ["realm.eventsExpiration"]}]
    assert AuditEntry.objects.get(kind="keycloak_synced").by == "portal"
    assert run(realm) == (0, ["違いはありません。"])
    assert len(synced()) == 1


def client_of(api: Api, client_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"clients?clientId={client_id}")[0]
    return found


def role_too_many(api: Api) -> None:
    manager = client_of(api, "realm-management")["id"]
    user = api.get(f"clients/{client_of(api, 'portal-admin')['id']}/service-account-user")["id"]
    role = api.get(f"clients/{manager}/roles/manage-identity-providers")
    api.post(f"users/{user}/role-mappings/clients/{manager}", [role])


def role_missing(api: Api) -> None:
    manager = client_of(api, "realm-management")["id"]
    user = api.get(f"clients/{client_of(api, 'portal-admin')['id']}/service-account-user")["id"]
    role = api.get(f"clients/{manager}/roles/view-events")
    api.delete(f"users/{user}/role-mappings/clients/{manager}", [role])


def attribute_too_many(api: Api) -> None:
    profile = api.get("users/profile")
    profile["attributes"].append({"name": "ward", "permissions": {"view": ["admin"], "edit": ["admin"]}})
    api.put("users/profile", profile)


def address_more(api: Api) -> None:
    portal = client_of(api, "portal")
    uris = [*portal["redirectUris"], "http://portal.region.localhost:1/more"]
    api.put(f"clients/{portal['id']}", {**portal, "redirectUris": uris})


def exchange_on(api: Api) -> None:
    portal = client_of(api, "portal")
    attributes = {**portal["attributes"], "standard.token.exchange.enabled": "true"}
    api.put(f"clients/{portal['id']}", {**portal, "attributes": attributes})


def scope_more(api: Api) -> None:
    (address,) = [one for one in api.get("client-scopes") if one["name"] == "address"]
    api.put(f"clients/{client_of(api, 'portal')['id']}/optional-client-scopes/{address['id']}", {})


def mapper_more(api: Api) -> None:
    body = {
        "name": "more",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {"claim.name": "more", "claim.value": "x", "introspection.token.claim": "true"},
    }
    api.post(f"clients/{client_of(api, 'portal')['id']}/protocol-mappers/models", body)


def header_changed(api: Api) -> None:
    headers = {**api.get("")["browserSecurityHeaders"], "xFrameOptions": "DENY"}
    api.put("", {"browserSecurityHeaders": headers})


def action_changed(api: Api) -> None:
    action = api.get("authentication/required-actions/update_user_locale")
    api.put("authentication/required-actions/update_user_locale", {**action, "priority": 999})


def neighbour_renamed(api: Api) -> None:
    neighbour = api.get("identity-provider/instances/neighbour")
    api.put("identity-provider/instances/neighbour", {**neighbour, "displayName": "somewhere"})


MANAGER = "serviceAccounts.portal-admin.realm-management"
BROKEN: dict[str, Callable[[Api], None]] = {
    f"{MANAGER}.manage-identity-providers": role_too_many,
    f"{MANAGER}.view-events": role_missing,
    "userProfile.attributes.ward": attribute_too_many,
    "clients.portal.redirectUris": address_more,
    "clients.portal.attributes.standard.token.exchange.enabled": exchange_on,
    "clients.portal.optionalClientScopes": scope_more,
    "clients.portal.protocolMappers.more": mapper_more,
    "realm.browserSecurityHeaders.xFrameOptions": header_changed,
    "requiredActions.update_user_locale.priority": action_changed,
    "identityProviders.neighbour.displayName": neighbour_renamed,
}


@pytest.mark.parametrize(("path", "change"), BROKEN.items(), ids=list(BROKEN))
def test_each_kind_of_drift_is_seen_and_put_right(
    realm: Path, api: Api, path: str, change: Callable[[Api], None]
) -> None:
    change(api)
    try:
        assert paths(realm) == [path]
    finally:
        sync.sync(sync.wanted(realm))
    assert paths(realm) == []


def test_what_the_file_names_and_nobody_has_is_made_whole(realm: Path, api: Api) -> None:
    name = f"made-{secrets.token_hex(4)}"
    file = json.loads(realm.read_text(encoding="utf-8"))
    file["clientScopes"] = [
        {
            "name": name,
            "protocol": "openid-connect",
            "attributes": {"include.in.token.scope": "false"},
            "protocolMappers": [
                {
                    "name": "fixed",
                    "protocol": "openid-connect",
                    "protocolMapper": "oidc-hardcoded-claim-mapper",
                    "config": {"claim.name": "fixed", "claim.value": "x"},
                }
            ],
        }
    ]
    file["clients"].append(
        {
            "clientId": name,
            "enabled": False,
            "serviceAccountsEnabled": True,
            "standardFlowEnabled": False,
            "defaultClientScopes": [name, "basic", "service_account"],
            "optionalClientScopes": [],
            "secret": "${SECRET_THAT_NOBODY_SET}",
        }
    )
    file["users"].append(
        {
            "username": f"service-account-{name}",
            "serviceAccountClientId": name,
            "clientRoles": {"realm-management": ["view-users"]},
        }
    )
    step = {"authenticatorFlow": False, "requirement": "REQUIRED", "priority": 10}
    below = {"flowAlias": f"{name} below", "authenticatorFlow": True, "requirement": "ALTERNATIVE"}
    file["authenticationFlows"] += [
        {
            "alias": name,
            "topLevel": True,
            "providerId": "basic-flow",
            "authenticationExecutions": [{**below, "priority": 20}],
        },
        {
            "alias": f"{name} below",
            "topLevel": False,
            "providerId": "basic-flow",
            "authenticationExecutions": [{**step, "authenticator": "auth-username-password-form"}],
        },
    ]
    file["localizationTexts"] = {"ja": {name: "作ったもの"}}
    realm.write_text(json.dumps(file), encoding="utf-8")
    try:
        assert run(realm)[0] == 0
        assert paths(realm) == []
        made = client_of(api, name)
        user = api.get(f"clients/{made['id']}/service-account-user")["id"]
        roles = api.get(f"users/{user}/role-mappings")["clientMappings"]
        assert [role["name"] for role in roles["realm-management"]["mappings"]] == ["view-users"]
        executions = api.get(f"authentication/flows/{name}/executions")
        assert [(one["level"], one["requirement"]) for one in executions] == [
            (0, "ALTERNATIVE"),
            (1, "REQUIRED"),
        ]
        api.put(f"authentication/flows/{name}/executions", {**executions[0], "requirement": "DISABLED"})
        assert paths(realm) == [f"authenticationFlows.{name}.{name} below.requirement"]
        sync.sync(sync.wanted(realm))
        assert paths(realm) == []
        assert all(" " not in path for detail in synced() for path in detail["changes"])
    finally:
        for kind, key in (
            ("clients", "clientId"),
            ("client-scopes", "name"),
            ("authentication/flows", "alias"),
        ):
            for one in api.get(kind):
                if one[key] == name:
                    api.delete(f"{kind}/{one['id']}")
        api.delete(f"localization/ja/{name}")


def test_a_client_cannot_be_made_with_an_address_that_nobody_knows(realm: Path) -> None:
    file = json.loads(realm.read_text(encoding="utf-8"))
    file["clients"].append({"clientId": "new-one", "redirectUris": ["${ADDRESS_THAT_NOBODY_SET}/callback"]})
    realm.write_text(json.dumps(file), encoding="utf-8")
    with pytest.raises(RealmFileProblem, match=r"clients\.new-one\.redirectUris"):
        sync.sync(sync.wanted(realm))
    assert synced() == []


# --- the clients of gadgets ----------------------------------------------------------------------------------


@pytest.fixture
def gadget(realm: Path, api: Api) -> Iterator[str]:
    """A gadget's client that the portal made; returns its id."""
    site = GadgetSite("lunch", f".{secrets.token_hex(4)}")
    site.close()
    assert idp.provider().upsert_client(site.spec()) is not None
    yield site.client_id
    for one in api.get(f"clients?clientId={site.client_id}"):
        api.delete(f"clients/{one['id']}")


def configs(client: dict[str, Any]) -> dict[str, Any]:
    return {mapper["name"]: mapper["config"] for mapper in client["protocolMappers"]}


def test_a_gadgets_client_that_the_portal_made_is_no_drift(realm: Path, gadget: str) -> None:
    assert paths(realm) == []


def test_a_gadgets_client_gets_nothing_that_the_portal_did_not_give_it(
    realm: Path, gadget: str, api: Api
) -> None:
    client = client_of(api, gadget)
    before = configs(client)
    assert set(before) == {"pairwise subject", "audience of the claims endpoint"}
    (profile,) = [one for one in api.get("client-scopes") if one["name"] == "profile"]
    attributes = {**client["attributes"], "standard.token.exchange.enabled": "true"}
    api.put(
        f"clients/{client['id']}",
        {**client, "attributes": attributes, "directAccessGrantsEnabled": True, "redirectUris": ["*"]},
    )
    api.put(f"clients/{client['id']}/default-client-scopes/{profile['id']}", {})
    for mapper in client["protocolMappers"]:
        api.delete(f"clients/{client['id']}/protocol-mappers/models/{mapper['id']}")
    at = f"clients.{gadget}"
    assert paths(realm) == sorted(
        [
            f"{at}.attributes.standard.token.exchange.enabled",
            f"{at}.defaultClientScopes",
            f"{at}.directAccessGrantsEnabled",
            f"{at}.protocolMappers.audience of the claims endpoint",
            f"{at}.protocolMappers.pairwise subject",
            f"{at}.redirectUris",
        ]
    )
    sync.sync(sync.wanted(realm))
    again = client_of(api, gadget)
    assert configs(again)["pairwise subject"] == before["pairwise subject"], "the pseudonyms stay the same"
    assert again["secret"] == client["secret"]
    assert paths(realm) == []


def test_a_gadgets_client_that_is_gone_comes_back_with_its_pseudonyms(
    realm: Path, gadget: str, api: Api
) -> None:
    before = client_of(api, gadget)
    api.delete(f"clients/{before['id']}")
    status, lines = run(realm)
    assert (status, lines[0]) == (0, f"- clients.{gadget}: なし → あり")
    after = client_of(api, gadget)
    assert configs(after)["pairwise subject"] == configs(before)["pairwise subject"]
    assert after["secret"] != before["secret"]


def test_a_gadgets_client_that_the_portal_does_not_know_is_shut_and_kept(
    realm: Path, gadget: str, api: Api
) -> None:
    GadgetClient.objects.filter(client_id=gadget).delete()
    assert paths(realm) == [f"clients.{gadget}.enabled"]
    sync.sync(sync.wanted(realm))
    assert client_of(api, gadget)["enabled"] is False
    assert paths(realm) == []


# --- what can go wrong ---------------------------------------------------------------------------------------


def refused(file: Path) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("keycloak_sync", "--file", str(file))
    assert caught.value.returncode == 2
    return str(caught.value)


def test_a_keycloak_that_is_away_is_one_sentence(realm: Path, settings: Any) -> None:
    settings.KEYCLOAK_URL = "http://127.0.0.1:9"
    assert refused(realm) == "Keycloak（http://127.0.0.1:9）に届きません。"


def test_a_wrong_secret_is_one_sentence(realm: Path, settings: Any) -> None:
    settings.KEYCLOAK_SYNC_CLIENT_SECRET = "wrong"
    assert refused(realm) == "Keycloakが、アカウント portal-sync の秘密を受けつけませんでした。"


def test_a_secret_that_is_not_set_is_one_sentence(realm: Path, settings: Any) -> None:
    settings.KEYCLOAK_SYNC_CLIENT_SECRET = ""
    assert refused(realm) == "KEYCLOAK_SYNC_CLIENT_SECRET が設定されていません。"


def test_a_missing_right_is_one_sentence(realm: Path, api: Api, monkeypatch: Any) -> None:
    """The everyday account reads what drifted and may not put it right."""
    api.put("", {"eventsExpiration": 604801})
    try:
        monkeypatch.setattr(sync, "account", Connection)
        assert refused(realm) == "アカウント portal-admin には、この操作の権限がありません（PUT /）。"
        assert synced() == []
    finally:
        api.put("", {"eventsExpiration": 604800})


def test_a_realm_that_is_not_there_is_one_sentence(realm: Path, settings: Any) -> None:
    settings.KEYCLOAK_REALM = "nowhere"
    assert refused(realm).startswith("Keycloakが断りました（404")


# --- what is looked at every quarter of an hour --------------------------------------------------------------


def test_the_job_keeps_what_it_found_for_the_health_page(
    realm: Path, api: Api, monkeypatch: Any, settings: Any
) -> None:
    settings.KEYCLOAK_SYNC_CLIENT_SECRET = ""  # no process that serves people has it
    monkeypatch.setattr(sync, "FILE", realm)
    sync.check_drift()
    found = sync.last_check()
    assert found is not None
    assert found["drift"] == []
    api.put("", {"eventsExpiration": 604801})
    try:
        sync.check_drift()
        found = sync.last_check()
        assert found is not None
        assert found["drift"] == ["realm.eventsExpiration"]
    finally:
        api.put("", {"eventsExpiration": 604800})


def test_the_job_runs_every_quarter_of_an_hour() -> None:
    from identity.tasks import JOBS

    assert ("identity.check_keycloak_drift", 900.0) in {(job.name, job.seconds) for job in JOBS}


# --- rights --------------------------------------------------------------------------------------------------


@pytest.fixture
def everyday(realm: Path) -> Api:
    """The rights of `portal-admin`."""
    return Api(Connection())


def test_the_everyday_account_reaches_no_other_realm_and_makes_none(everyday: Api) -> None:
    master = Api(Connection(), realm="master")
    for call in (
        lambda: master.get("clients"),
        lambda: master.get("users"),
        lambda: Api(Connection(), realm="neighbour").get(""),
        lambda: everyday.call("POST", "..", {"realm": "mine"}),
        lambda: everyday.put("", {"accessTokenLifespan": 86400}),
    ):
        with pytest.raises(SyncRefused, match="権限がありません"):
            call()


def test_the_everyday_account_cannot_read_the_secret_of_the_one_that_may_change_the_realm(
    everyday: Api,
) -> None:
    assert everyday.get("clients?clientId=portal-sync") == []


@pytest.mark.parametrize(
    "role", ["manage-realm", "manage-identity-providers", "impersonation", "realm-admin"]
)
def test_the_everyday_account_cannot_give_itself_a_right(everyday: Api, api: Api, role: str) -> None:
    manager = client_of(everyday, "realm-management")["id"]
    user = everyday.get(f"clients/{client_of(everyday, 'portal-admin')['id']}/service-account-user")["id"]
    body = [api.get(f"clients/{manager}/roles/{role}")]
    with pytest.raises(SyncRefused, match="権限がありません"):
        everyday.post(f"users/{user}/role-mappings/clients/{manager}", body)


def test_the_account_that_changes_the_realm_rules_no_other(realm: Path, api: Api) -> None:
    master = Api(sync.account(), realm="master")
    for call in (
        lambda: master.get("clients"),
        lambda: master.put("", {"registrationAllowed": True}),
        lambda: Api(sync.account(), realm="neighbour").get("clients"),
        lambda: api.call("POST", "..", {"realm": "mine"}),
    ):
        with pytest.raises(SyncRefused, match="権限がありません"):
            call()


def test_making_the_account_needs_the_administrators_secret(realm: Path, settings: Any) -> None:
    with pytest.raises(CommandError, match="KEYCLOAK_BOOTSTRAP_CLIENT_SECRET") as caught:
        call_command("keycloak_sync", "--make-account")
    assert caught.value.returncode == 2
    settings.KEYCLOAK_BOOTSTRAP_CLIENT_SECRET = "wrong"
    with pytest.raises(CommandError, match="アカウント bootstrap の秘密"):
        call_command("keycloak_sync", "--make-account")
