"""The region on loopback: portal and ID as real hosts of one real server, and sites of gadgets beside it."""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler

from identity import idp
from identity.models import Resident
from identity.oidc import tokens
from tests import hooks
from tests.identity.realm import make_person, portal_client
from tests.identity.region import PASSWORD, Browser, GadgetSite, close_browsers


@pytest.fixture(scope="session", autouse=True)
def static_root() -> None:
    """The web server warns when the folder of collected files is not there."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def nothing_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about the way in and back; what the portal shows first is tests/portal/mydata's."""
    hooks.of_identity(monkeypatch, first_stop=lambda _request, _who, target: target)


@pytest.fixture
def one_request_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """No idle connection (Keycloak keeps some) holds a thread of the server beyond the test."""
    monkeypatch.setattr(WSGIRequestHandler, "protocol_version", "HTTP/1.0")
    monkeypatch.setattr(ServerHandler, "http_version", "1.0")


@pytest.fixture
def region(
    one_request_a_connection: None, live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Settings that name the live server's port; the embedded provider with the portal's client."""
    port = live_server.thread.port
    settings.PORTAL_URL = f"http://portal.region.localhost:{port}"
    settings.ID_URL = f"http://id.region.localhost:{port}"
    settings.OIDC_ISSUER = f"{settings.ID_URL}/o"
    settings.OIDC_DISCOVERY_URL = f"{settings.OIDC_ISSUER}/.well-known/openid-configuration"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # argon2 costs 0.2 s a time
    settings.ID_PROVIDER = "embedded"
    settings.LOOPBACK_NAMES = True
    settings.ALLOWED_HOSTS = [".region.localhost", "127.0.0.1"]
    patient_discovery(monkeypatch)
    cache.clear()
    idp.provider.cache_clear()
    yield settings
    _leave()


def patient_discovery(monkeypatch: pytest.MonkeyPatch) -> None:
    """The live server may be slow beside a whole site; how soon an ID counts as away is tested elsewhere."""
    tokens.forget()
    monkeypatch.setattr(tokens, "_discovery", tokens.Published((2.0, 10.0)))


def _leave() -> None:
    """The test's database connection is lent to the server's threads: none may outlive the test."""
    close_browsers()
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(5)
    tokens.forget()
    idp.provider.cache_clear()


@pytest.fixture
def browser(region: Any) -> Browser:
    return Browser()


@pytest.fixture
def account() -> Callable[[str], Resident]:
    """Makes an account of the embedded provider with the tests' password."""

    def make(username: str, **values: Any) -> Resident:
        return Resident.objects.create_user(username=username, password=PASSWORD, **values)

    return make


@contextmanager
def closing_sites() -> Iterator[Callable[..., GadgetSite]]:
    """Makes sites of gadgets, registered as clients, and closes them."""
    made: list[GadgetSite] = []

    def make(name: str, *, suffix: str = "", **registers: Any) -> GadgetSite:
        one = GadgetSite(name, suffix)
        made.append(one)
        credentials = idp.provider().upsert_client(one.spec(**registers))
        assert credentials is not None
        one.secret = credentials.client_secret
        return one

    yield make
    for one in made:
        one.close()


@pytest.fixture
def site(region: Any) -> Iterator[Callable[..., GadgetSite]]:
    """Makes sites of gadgets at the embedded provider."""
    with closing_sites() as make:
        yield make


# --- both drivers --------------------------------------------------------------------------------------------


@pytest.fixture
def keycloak_region(
    one_request_a_connection: None, live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The same portal with the real Keycloak: a client of its own for this test's port."""
    settings.PORTAL_URL = f"http://portal.region.localhost:{live_server.thread.port}"
    settings.ID_URL = os.environ["KEYCLOAK_PUBLIC_URL"]
    settings.ID_PROVIDER = "keycloak"
    settings.OIDC_ISSUER = os.environ["KEYCLOAK_ISSUER"]
    settings.OIDC_DISCOVERY_URL = os.environ["KEYCLOAK_DISCOVERY_URL"]
    settings.OIDC_CLIENT_ID = f"portal-{live_server.thread.port}"
    settings.OIDC_CLIENT_SECRET = secrets.token_urlsafe(24)
    for name in (
        "KEYCLOAK_URL",
        "KEYCLOAK_REALM",
        "KEYCLOAK_ADMIN_CLIENT_ID",
        "KEYCLOAK_ADMIN_CLIENT_SECRET",
    ):
        setattr(settings, name, os.environ[name])
    settings.LOOPBACK_NAMES = True
    settings.ALLOWED_HOSTS = [".region.localhost", "127.0.0.1"]
    patient_discovery(monkeypatch)
    cache.clear()
    idp.provider.cache_clear()
    portal_client(settings)
    yield settings
    _leave()


class World:
    """A region with one of the two drivers; accounts and sites are made in it."""

    def __init__(self, settings: Any, site: Callable[..., GadgetSite]) -> None:
        self.settings = settings
        self.site = site
        self._suffix = secrets.token_hex(4) if settings.ID_PROVIDER == "keycloak" else ""

    def account(self, name: str) -> str:
        """An account at the ID; returns its user name."""
        username = f"{name}{self._suffix}"
        if self.settings.ID_PROVIDER == "keycloak":
            make_person(username, PASSWORD)
        else:
            Resident.objects.create_user(username=username, password=PASSWORD)
        return username


@pytest.fixture(params=["embedded", pytest.param("keycloak", marks=pytest.mark.keycloak)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Runs a test once for each driver."""
    settings = request.getfixturevalue("region" if request.param == "embedded" else "keycloak_region")
    suffix = "" if request.param == "embedded" else f".{secrets.token_hex(3)}"
    with closing_sites() as make:
        yield World(settings, lambda name, **more: make(name, suffix=suffix, **more))
