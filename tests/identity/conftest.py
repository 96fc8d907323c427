"""The region on loopback: portal and ID as real hosts of one real server, and sites of gadgets beside it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache

from identity import embedded, idp, tokens
from identity.idp import ClientSpec
from identity.models import Resident
from tests.identity.region import PASSWORD, Browser, GadgetSite, close_browsers


@pytest.fixture(scope="session", autouse=True)
def static_root() -> None:
    """The web server warns when the folder of collected files is not there."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def region(live_server: Any, settings: Any) -> Iterator[Any]:
    """Settings that name the live server's port; the embedded provider with the portal's client."""
    port = live_server.thread.port
    settings.PORTAL_URL = f"http://portal.region.localhost:{port}"
    settings.ID_URL = f"http://id.region.localhost:{port}"
    settings.OIDC_ISSUER = f"{settings.ID_URL}/o"
    settings.OIDC_DISCOVERY_URL = f"{settings.OIDC_ISSUER}/.well-known/openid-configuration"
    settings.ID_PROVIDER = "embedded"
    settings.LOOPBACK_NAMES = True
    settings.ALLOWED_HOSTS = [".region.localhost", "127.0.0.1"]
    tokens.forget()
    cache.clear()
    idp.provider.cache_clear()
    embedded.ensure_portal_client()
    yield settings
    close_browsers()
    # The test's database connection is lent to the server's threads: none may outlive the test.
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


@pytest.fixture
def site(region: Any) -> Iterator[Callable[..., GadgetSite]]:
    """Makes sites of gadgets, registered as clients."""
    made: list[GadgetSite] = []

    def make(name: str, *, level: str = "pairwise", logout: bool = True) -> GadgetSite:
        one = GadgetSite(name)
        made.append(one)
        credentials = idp.provider().upsert_client(
            ClientSpec(
                gadget_id=f"localhost.{name}.gadget",
                client_id=one.client_id,
                name=name,
                sector_host=one.host,
                identity_level=level,
                redirect_uris=(one.redirect_uri,),
                post_logout_redirect_uris=(f"{one.origin}/bye",),
                logout_uri=one.logout_uri if logout else "",
            )
        )
        assert credentials is not None
        one.secret = credentials.client_secret
        return one

    yield make
    for one in made:
        one.close()
