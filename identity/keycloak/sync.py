"""Makes a running Keycloak match deploy/keycloak/realm.json, and says where it drifted from it.

Each section reads, compares and offers steps; nothing is written before the plan is whole. What the file does not
name is Keycloak's own and is left alone, but for roles of service accounts and mappers of clients: one too many
is drift too, because it would give away more than was meant.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from identity.audit import chain
from identity.domain.roles import SYSTEM
from identity.errors import SyncRefused
from identity.keycloak import flows, gadget_clients, realm_file, sync_account
from identity.keycloak.admin_api import Api, Connection, Step
from identity.keycloak.realm_file import Change, complete, differences, merged, too_many

FILE: Final = Path(__file__).resolve().parents[2] / "deploy" / "keycloak" / "realm.json"
CACHE_KEY: Final = "identity:keycloak-drift"
KEPT_SECONDS: Final = 3600
"""Four checks: what is older is no news, and `/health/ready` then says "not checked"."""
ROUNDS: Final = 3
"""A service account exists only after its client: its roles are of the next round."""
_PROFILE: Final = "org.keycloak.userprofile.UserProfileProvider"
_SCOPES: Final = (("default", "defaultClientScopes"), ("optional", "optionalClientScopes"))


def wanted(path: Path = FILE) -> dict[str, Any]:
    """The file, with its placeholders from the settings, else from the environment of this process."""

    overridden: Callable[[str], bool] = cast("Any", settings).is_overridden

    def value(name: str) -> str | None:
        # Django has a default for some (EMAIL_HOST): only what our settings say themselves counts.
        known = getattr(settings, name) if overridden(name) else os.environ.get(name)
        return str(known) if known not in (None, "") else None

    return realm_file.read(path, value)


def plan(api: Api, file: Mapping[str, Any]) -> list[Step]:
    """What would have to be written now. Reads only."""
    return [step for section in _SECTIONS for step in section(api, file)]


def sync(file: Mapping[str, Any]) -> tuple[Change, ...]:
    """Writes what differs and returns it; raises `SyncRefused`, `ProviderUnavailable`, `RealmFileProblem`."""
    api = Api(account())
    done: list[Change] = []
    try:
        for _ in range(ROUNDS):
            steps = plan(api, file)
            if not steps:
                return tuple(done)
            for step in steps:
                step.apply()
                done.extend(step.changes)
    finally:
        if done:
            chain.record(
                "keycloak_synced", by=SYSTEM, changes=sorted({_code(change.path) for change in done})
            )
    left = plan(api, file)
    if left:
        raise SyncRefused(f"書きこんでも変わりませんでした: {left[0].changes[0].path}")
    return tuple(done)


def _code(path: str) -> str:
    """Names in Keycloak may hold spaces, codes of the audit chain may not."""
    return re.sub(r"[\s@]+", "_", path)[: chain.LONGEST_CODE]


def drift(file: Mapping[str, Any], *, everyday: bool = False) -> tuple[Change, ...]:
    """Where the realm is not as the file says; `everyday`: read by the portal's own account."""
    api = Api(Connection() if everyday else account())
    return tuple(change for step in plan(api, file) for change in step.changes)


def account() -> Connection:
    """The account that may change the realm; raises `SyncRefused` where its secret is not set."""
    if not settings.KEYCLOAK_SYNC_CLIENT_SECRET:
        raise SyncRefused("KEYCLOAK_SYNC_CLIENT_SECRET が設定されていません。")
    return Connection(
        client_id=settings.KEYCLOAK_SYNC_CLIENT_ID,
        secret=settings.KEYCLOAK_SYNC_CLIENT_SECRET,
        account_realm=sync_account.REALM,
        timeout=30,
    )


def check_drift() -> None:
    """The periodic job: keeps what it found for `/health/ready`, so that no request waits for Keycloak."""
    if settings.ID_PROVIDER != "keycloak":
        return
    found = sorted({change.path for change in drift(wanted(FILE), everyday=True)})
    cache.set(CACHE_KEY, {"drift": found, "checked_at": timezone.now().isoformat()}, KEPT_SECONDS)


def last_check() -> dict[str, Any] | None:
    """What the last check found; None when there was none lately."""
    known: dict[str, Any] | None = cache.get(CACHE_KEY)
    return known


# --- sections ------------------------------------------------------------------------------------------------


def _realm(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    mine = {key: value for key, value in file.items() if key not in _OWN_SECTION}
    found = api.get("")
    changes = tuple(differences(mine, found, "realm"))
    if changes:
        keys = {change.path.split(".")[1] for change in changes}
        body = {key: merged(mine[key], found.get(key)) for key in keys}
        yield Step(changes, lambda: api.put("", body))


def _texts(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    for locale, texts in file.get("localizationTexts", {}).items():
        changes = tuple(differences(texts, api.get(f"localization/{locale}"), f"localizationTexts.{locale}"))
        if changes:
            yield Step(changes, partial(api.post, f"localization/{locale}", texts))


def _components(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    for kind, ones in file.get("components", {}).items():
        if kind == _PROFILE:
            yield from _user_profile(api, ones)
            continue
        known = {one["name"]: one for one in api.get(f"components?type={kind}")}
        for one in ones:
            name = one.get("name") or one["providerId"]
            body = {**one, "name": name, "providerType": kind}
            yield from _put_or_post(
                api, body, known.get(name), f"components.{name}", "components", key="id", leave=()
            )


def _user_profile(api: Api, ones: list[dict[str, Any]]) -> Iterator[Step]:
    """The profile is one document: an attribute that the file does not name is drift."""
    for one in ones:
        config = json.loads(one["config"]["kc.user.profile.config"][0])
        found, at = api.get("users/profile"), "userProfile"
        extra = too_many(config["attributes"], found.get("attributes"), f"{at}.attributes")
        changes = (*differences(config, found, at), *extra)
        if changes:
            yield Step(changes, partial(api.put, "users/profile", config))


def _required_actions(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    base = "authentication/required-actions"
    known = {one["alias"]: one for one in api.get(base)} if "requiredActions" in file else {}
    for one in file.get("requiredActions", ()):
        at = f"requiredActions.{one['alias']}"
        found = known.get(one["alias"])
        if found is None:
            body = {"providerId": one["providerId"], "name": one["name"]}
            yield Step(
                (Change(at, None, one),),
                partial(api.post, "authentication/register-required-action", body),
            )
            continue
        changes = tuple(differences(one, found, at))
        if changes:
            body = merged(one, found)
            yield Step(changes, partial(api.put, f"{base}/{one['alias']}", body))


def _client_scopes(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    known = {one["name"]: one for one in api.get("client-scopes")} if "clientScopes" in file else {}
    for one in file.get("clientScopes", ()):
        found, at = known.get(one["name"]), f"clientScopes.{one['name']}"
        yield from _put_or_post(api, one, found, at, "client-scopes", key="id", leave=("protocolMappers",))
        if found is not None and "protocolMappers" in one:
            yield from mappers(api, f"client-scopes/{found['id']}", one, found, at)


def _identity_providers(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    base = "identity-provider/instances"
    known = {one["alias"]: one for one in api.get(base)} if "identityProviders" in file else {}
    for one in file.get("identityProviders", ()):
        at = f"identityProviders.{one['alias']}"
        yield from _put_or_post(api, one, known.get(one["alias"]), at, base, key="alias", leave=())
    for one in file.get("identityProviderMappers", ()):
        alias = one["identityProviderAlias"]
        if alias in known:
            here = f"{base}/{alias}/mappers"
            found = next((row for row in api.get(here) if row["name"] == one["name"]), None)
            at = f"identityProviderMappers.{alias}.{one['name']}"
            yield from _put_or_post(api, one, found, at, here, key="id", leave=())


def _put_or_post(
    api: Api,
    one: dict[str, Any],
    found: dict[str, Any] | None,
    at: str,
    base: str,
    *,
    key: str,
    leave: tuple[str, ...],
) -> Iterator[Step]:
    """One object that has an address of its own; what is in `leave` has its own calls once it is there."""
    if found is None:
        yield Step((Change(at, None, one),), lambda: api.post(base, _booleans(complete(one, at))))
        return
    rest = {name: value for name, value in one.items() if name not in leave}
    changes = tuple(differences(rest, found, at))
    if changes:
        body = _booleans({k: v for k, v in merged(rest, found).items() if k not in leave})
        yield Step(changes, lambda: api.put(f"{base}/{found[key]}", body))


def _booleans(body: dict[str, Any]) -> dict[str, Any]:
    """A placeholder can only stand in a text; Keycloak wants `enabled` as a boolean."""
    return {key: value == "true" if value in ("true", "false") else value for key, value in body.items()}


def _clients(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    known = {one["clientId"]: one for one in api.get("clients?max=5000")}
    for one in file.get("clients", ()):
        yield from client(api, one, known.get(one["clientId"]))
    for client_id, body in gadget_clients.expected().items():
        yield from client(api, body, known.get(client_id))
    for stranger in gadget_clients.strangers(known):
        # Not removed: after a database was put back from a backup, its salt may be what is still needed.
        change = Change(f"clients.{stranger['clientId']}.enabled", True, False)
        at, body = f"clients/{stranger['id']}", {**stranger, "enabled": False}
        yield Step((change,), partial(api.put, at, body))


def client(api: Api, one: dict[str, Any], found: dict[str, Any] | None) -> Iterator[Step]:
    """One client: its settings, its scopes, its mappers; never its secret."""
    at = f"clients.{one['clientId']}"
    own = ("protocolMappers", "defaultClientScopes", "optionalClientScopes")
    yield from _put_or_post(api, one, found, at, "clients", key="id", leave=own)
    if found is None:
        return
    base = f"clients/{found['id']}"
    if "protocolMappers" in one:
        yield from mappers(api, base, one, found, at)
    changes = tuple(
        change
        for _, name in _SCOPES
        if name in one
        for change in differences(one[name], found[name], f"{at}.{name}")
    )
    if changes:
        yield Step(changes, lambda: _set_scopes(api, base, one, found))


def _set_scopes(api: Api, base: str, one: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """First away, then in: a scope that is still optional cannot become a default one."""
    ids = {scope["name"]: scope["id"] for scope in api.get("client-scopes")}
    for kind, name in _SCOPES:
        for scope in set(found[name]) - set(one.get(name, found[name])):
            api.delete(f"{base}/{kind}-client-scopes/{ids[scope]}")
    for kind, name in _SCOPES:
        for scope in set(one.get(name, ())) - set(found[name]):
            if scope not in ids:
                raise SyncRefused(f"クライアントのスコープ {scope} がありません。")
            api.put(f"{base}/{kind}-client-scopes/{ids[scope]}", {})


def mappers(api: Api, base: str, one: Mapping[str, Any], found: Mapping[str, Any], at: str) -> Iterator[Step]:
    """The mappers of a client or scope: exactly the named ones."""
    base, at = f"{base}/protocol-mappers/models", f"{at}.protocolMappers"
    held = found.get("protocolMappers") or []
    known = {row["name"]: row for row in held}
    for mapper in one["protocolMappers"]:
        here = f"{at}.{mapper['name']}"
        yield from _put_or_post(api, mapper, known.get(mapper["name"]), here, base, key="id", leave=())
    for change in too_many(one["protocolMappers"], held, at):
        yield Step((change,), partial(api.delete, f"{base}/{change.before['id']}"))


def _service_accounts(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    """Exactly the named roles of clients: one too many is a right too many."""
    accounts = [one for one in file.get("users", ()) if one.get("serviceAccountClientId")]
    ids = {one["clientId"]: one["id"] for one in api.get("clients?max=5000")} if accounts else {}
    for one in accounts:
        name = one["serviceAccountClientId"]
        if name not in ids:
            continue  # its client is made in this round
        user = api.get(f"clients/{ids[name]}/service-account-user")["id"]
        held = api.get(f"users/{user}/role-mappings").get("clientMappings", {})
        for owner in sorted({*one.get("clientRoles", {}), *held}):
            has = {role["name"]: role for role in held.get(owner, {}).get("mappings", ())}
            want = set(one.get("clientRoles", {}).get(owner, ()))
            here = f"serviceAccounts.{name}.{owner}"
            at = f"users/{user}/role-mappings/clients/{ids[owner]}"
            if missing := sorted(want - set(has)):
                changes = tuple(Change(f"{here}.{role}", None, {}) for role in missing)
                yield Step(changes, partial(_give, api, at, ids[owner], missing))
            if extra := sorted(set(has) - want):
                changes = tuple(Change(f"{here}.{role}", {}, None) for role in extra)
                yield Step(changes, partial(api.delete, at, [has[role] for role in extra]))


def _give(api: Api, at: str, owner: str, names: list[str]) -> None:
    roles = {role["name"]: role for role in api.get(f"clients/{owner}/roles")}
    unknown = [name for name in names if name not in roles]
    if unknown:
        raise SyncRefused(f"{unknown[0]} という役割は、このKeycloakにはありません。")
    api.post(at, [roles[name] for name in names])


_SECTIONS = (
    flows.steps, _realm, _texts, _components, _required_actions, _client_scopes, _identity_providers,
    _clients, _service_accounts,
)  # fmt: skip
_OWN_SECTION: Final = frozenset(
    {
        "realm", "id", "localizationTexts", "components", "requiredActions", "clientScopes", "identityProviders",
        "identityProviderMappers", "clients", "users", "authenticationFlows", "authenticatorConfig",
    }
)  # fmt: skip
