"""The compose file names files, settings and services that exist, and holds no secret."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SETTINGS = (DEPLOY.parent / "portal" / "settings.py").read_text()
PORTAL = ("setup", "web", "fragments", "worker", "beat")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


@pytest.mark.parametrize("service", PORTAL)
def test_every_setting_given_to_the_portal_is_one_that_it_reads(
    compose: dict[str, Any], service: str
) -> None:
    for name in compose["services"][service]["environment"]:
        assert f'"{name}"' in SETTINGS, f"portal/settings.py reads no {name}"


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    named = re.findall(r"\$\{(\w*(?:SECRET|PASSWORD)\w*)(.*?)\}", text)
    assert named
    assert {rest for _, rest in named} == {":?"}
    assert not re.search(r"(?:SECRET|PASSWORD)\w*: +\"?[^\s\"$]", text)


def test_every_mounted_file_is_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), source
            elif not source.startswith("$"):
                assert source in compose["volumes"], source


def test_what_a_service_waits_for_exists_and_can_become_healthy(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for the health of {other}"


def test_nginx_gets_every_name_that_its_file_asks_for(compose: dict[str, Any]) -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "nginx" / "portal.conf").read_text()))
    assert asked - {"NAMES"} == set(compose["services"]["nginx"]["environment"])


def test_keycloak_gets_every_name_that_the_realm_asks_for(compose: dict[str, Any]) -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)\}", (DEPLOY / "keycloak" / "realm.json").read_text()))
    assert {"PORTAL_URL", "OIDC_CLIENT_SECRET", "KEYCLOAK_ADMIN_CLIENT_SECRET"} <= asked
    assert asked <= set(compose["services"]["keycloak"]["environment"])


def test_only_the_sync_holds_the_secret_that_can_change_the_realm(compose: dict[str, Any]) -> None:
    name, services = "KEYCLOAK_SYNC_CLIENT_SECRET", compose["services"]
    assert {services[one]["environment"][name] for one in PORTAL} == {""}
    assert services["keycloak-sync"]["environment"][name]
    assert services["keycloak-sync"]["profiles"], "it is not started with the rest"


def test_only_nginx_listens_to_the_world(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if service.get("ports")] == ["nginx"]


def test_the_image_copies_only_what_is_there() -> None:
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY"):
            for source in line.split()[1:-1]:
                assert (DEPLOY.parent / source).exists(), source
