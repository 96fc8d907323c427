"""Authentication flows of the realm file: compared by parent and name, made whole where they are missing.

Keycloak lists a top flow with everything below it as one flat list with levels; the file lists each flow with its
own executions. A flow is complete before anything is bound to it, because the realm's settings are written after.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from identity.keycloak.admin_api import Api, Step
from identity.keycloak.realm_file import Change, complete, differences

ROOT = "authentication"
_OWN = ("requirement", "priority")


def steps(api: Api, file: Mapping[str, Any]) -> Iterator[Step]:
    """What differs in the flows that the file names."""
    flows = {one["alias"]: one for one in file.get("authenticationFlows", ())}
    configs = {one["alias"]: one["config"] for one in file.get("authenticatorConfig", ())}
    known = {one["alias"] for one in api.get(f"{ROOT}/flows")} if flows else set()
    for alias, flow in flows.items():
        if not flow.get("topLevel"):
            continue
        if alias in known:
            yield from _compared(api, flows, configs, alias)
        else:
            change = Change(f"authenticationFlows.{alias}", None, flow)
            yield Step((change,), partial(_make, api, flows, configs, alias))


def _name(execution: Mapping[str, Any]) -> str:
    """In the file a flow goes by its alias; so it does in Keycloak's list, where that stands in `displayName`."""
    if execution.get("authenticatorFlow"):
        return str(execution["flowAlias"])
    if execution.get("authenticationFlow"):
        return str(execution["displayName"])
    return str(execution.get("authenticator") or execution["providerId"])


def _children(api: Api, top: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The flat list as a tree: parent's alias → name → execution."""
    found: dict[str, dict[str, dict[str, Any]]] = {top: {}}
    parents = [top]
    for one in api.get(_executions(top)):
        del parents[one["level"] + 1 :]
        found[parents[-1]][_name(one)] = one
        if one.get("authenticationFlow"):
            parents.append(_name(one))
            found.setdefault(_name(one), {})
    return found


def _executions(alias: str) -> str:
    return f"{ROOT}/flows/{quote(alias, safe='')}/executions"


def _compared(api: Api, flows: Mapping[str, Any], configs: Mapping[str, Any], top: str) -> Iterator[Step]:
    found = _children(api, top)
    waiting = [top]
    while waiting:
        parent = waiting.pop(0)
        at = f"authenticationFlows.{parent}"
        held = found.get(parent, {})
        wanted = {_name(one): one for one in flows[parent]["authenticationExecutions"]}
        for name, one in wanted.items():
            here = held.get(name)
            if here is None:
                change = Change(f"{at}.{name}", None, one)
                yield Step((change,), partial(_add, api, flows, parent, one))
                continue
            yield from _execution(api, configs, top, one, here, f"{at}.{name}")
            if one.get("authenticatorFlow"):
                waiting.append(name)
        for name, here in held.items():
            if name not in wanted:
                address = f"{ROOT}/executions/{here['id']}"
                yield Step((Change(f"{at}.{name}", here, None),), partial(api.delete, address))


def _execution(
    api: Api, configs: Mapping[str, Any], top: str, one: dict[str, Any], here: dict[str, Any], at: str
) -> Iterator[Step]:
    own = {key: one[key] for key in _OWN if key in one}
    if changes := tuple(differences(own, here, at)):
        yield Step(changes, lambda: api.put(_executions(top), {**here, **own}))
    alias = one.get("authenticatorConfig")
    if not alias:
        return
    wanted = configs[alias]
    if not here.get("authenticationConfig"):
        body = {"alias": alias, "config": complete(wanted, at)}
        address = f"{ROOT}/executions/{here['id']}/config"
        yield Step((Change(f"{at}.config", None, wanted),), lambda: api.post(address, body))
        return
    address = f"{ROOT}/config/{here['authenticationConfig']}"
    held = api.get(address)
    if changes := tuple(differences(wanted, held.get("config"), f"{at}.config")):
        yield Step(
            changes, lambda: api.put(address, {**held, "config": {**held.get("config", {}), **wanted}})
        )


def _make(api: Api, flows: Mapping[str, Any], configs: Mapping[str, Any], top: str) -> None:
    flow = flows[top]
    body = {key: flow[key] for key in ("alias", "description", "providerId", "topLevel") if key in flow}
    api.post(f"{ROOT}/flows", {**body, "builtIn": False})
    for one in flow["authenticationExecutions"]:
        _add(api, flows, top, one)
    # What was just added is switched off until its requirement is written.
    for step in list(_compared(api, flows, configs, top)):
        step.apply()


def _add(api: Api, flows: Mapping[str, Any], parent: str, one: Mapping[str, Any]) -> None:
    if not one.get("authenticatorFlow"):
        api.post(f"{_executions(parent)}/execution", {"provider": one["authenticator"]})
        return
    child = flows[one["flowAlias"]]
    body = {"alias": child["alias"], "type": child["providerId"], "description": child.get("description", "")}
    api.post(f"{_executions(parent)}/flow", {**body, "provider": one.get("authenticator", "")})
    for below in child["authenticationExecutions"]:
        _add(api, flows, child["alias"], below)
