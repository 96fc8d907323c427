"""A relying party that is not ours (idpyoidc, the OpenID-certified library) signs in from discovery alone."""

import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptojwt import KeyJar
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.rp_handler import RPHandler

from identity import loopback
from tests.identity.conftest import World
from tests.identity.region import Browser, GadgetSite

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet_library() -> Iterator[None]:
    """The library logs whole tokens; no log of ours may hold one."""
    names = ("idpyoidc", "cryptojwt")
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    yield
    for name in names:
        logging.getLogger(name).setLevel(logging.NOTSET)


def relying_party(site: GadgetSite, issuer: str, http: Callable[..., Any]) -> RPHandler:
    """Configured as its own manual says: who it is, and where the issuer is; everything else it finds out."""
    return RPHandler(
        base_url=site.origin,
        keyjar=KeyJar(),  # without one it writes keys of its own into the working folder
        httpc=http,
        services={
            **DEFAULT_OIDC_SERVICES,
            "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"},
        },
        client_configs={
            "region": {
                "issuer": issuer,
                "client_id": site.client_id,
                "client_secret": site.secret,
                "client_type": "oidc",
                "redirect_uris": [site.redirect_uri],
                "post_logout_redirect_uris": [f"{site.origin}/bye"],
                "scopes_supported": ["openid"],
                "response_types_supported": ["code"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "add_ons": {
                    "pkce": {
                        "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                        "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
                    }
                },
            }
        },
    )


def test_a_certified_library_signs_in_from_discovery_alone_and_logs_out(world: World) -> None:
    hanako = world.account("hanako")
    site = world.site("library")
    browser = Browser()
    browser.sign_in(hanako)
    with loopback.session() as http:
        rp = relying_party(site, world.settings.OIDC_ISSUER, http.request)
        browser.get(rp.begin("region"))
        back = browser.trail[-1]
        assert back.startswith(site.redirect_uri), browser.trail
        done = rp.finalize(world.settings.OIDC_ISSUER, dict(parse_qsl(urlsplit(back).query)))
        assert "error" not in done, done
        claims = done["id_token"].to_dict()
        assert claims["iss"] == world.settings.OIDC_ISSUER
        assert site.client_id in claims["aud"]
        assert claims["sub"] == done["userinfo"]["sub"]
        assert not {"email", "name", "preferred_username"} & (claims.keys() | done["userinfo"].keys())
        leave = rp.logout(done["state"], post_logout_redirect_uri=f"{site.origin}/bye")
        browser.get(leave["url"])
    assert browser.trail[-1].startswith(f"{site.origin}/bye")
    # The session at the ID is over: whoever asks silently now is told to sign in.
    assert site.answer(browser, prompt="none")["error"] == "login_required"
