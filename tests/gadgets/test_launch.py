"""The link to a provider's own site, and the client that its life keeps in step at the ID."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.urls import reverse

from examples.kit.provider import Provider as ExampleProvider
from gadgets import actions, queries
from gadgets.errors import NotPermittedError, WrongStateError
from gadgets.frames.launch import login_link, logout_uri, redirect_uri
from gadgets.models import Gadget
from gadgets.operation import oidc_clients
from identity.domain.roles import SYSTEM
from identity.errors import ProviderUnavailable
from identity.idp import provider
from identity.models import GadgetClient
from tests import cast
from tests.gadgets.conftest import DeskFor


def test_the_link_names_the_issuer_and_keeps_what_the_url_holds() -> None:
    link = login_link(
        "https://waste.example/oidc/start?zone=7&iss=https://evil.example#x", issuer="https://id.example/o"
    )
    parts = urlsplit(link)
    assert parts[:3] == ("https", "waste.example", "/oidc/start")
    assert parse_qs(parts.query) == {"zone": ["7"], "iss": ["https://id.example/o"]}
    assert parts.fragment == ""
    target = login_link("https://a.example/l", issuer="https://id.example", target="https://a.example/x?y=1")
    assert parse_qs(urlsplit(target).query)["target_link_uri"] == ["https://a.example/x?y=1"]


def test_callback_and_logout_stand_beside_the_login_url() -> None:
    assert redirect_uri("https://a.example/oidc/start?x=1") == "https://a.example/oidc/callback"
    assert logout_uri("https://a.example/oidc/start") == "https://a.example/oidc/backchannel-logout"


def test_approval_makes_the_client_and_the_page_links_straight_to_the_provider(
    desk: DeskFor, published: str, waste: ExampleProvider
) -> None:
    client = GadgetClient.objects.get(gadget_id=published)
    assert client.redirect_uris == [waste.config.url("/oidc/callback")]
    assert client.logout_uri == waste.config.url("/oidc/backchannel-logout")
    assert client.sector_host == "waste.localhost"
    info = queries.registry().gadgets[published]
    assert info.client_id == client.client_id
    page = desk(cast.hanako()).page(reverse("gadgets:page", args=[published]))
    wanted = login_link(waste.config.url("/oidc/start"), issuer=settings.OIDC_ISSUER)
    assert f'href="{wanted}"' in page


def test_suspension_disables_the_client_and_resumption_takes_it_back(desk: DeskFor, published: str) -> None:
    operator = desk(cast.operator())
    operator.decide(published, "suspend", "表示が古いため")
    assert GadgetClient.objects.get(gadget_id=published).suspended
    operator.decide(published, "resume")
    assert not GadgetClient.objects.get(gadget_id=published).suspended
    assert not Gadget.objects.get(gadget_id=published).client_due


def test_an_id_that_is_away_is_tried_again_by_the_sweep(
    desk: DeskFor, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ProviderUnavailable

    operator = desk(cast.operator())
    with monkeypatch.context() as patched:
        patched.setattr(type(provider()), "disable_client", away)
        answer = operator.decide(published, "suspend", "表示が古いため")
        assert answer.status_code == 200
        assert published not in queries.registry().gadgets
        assert Gadget.objects.get(gadget_id=published).client_due
    assert oidc_clients.sync_due_clients() == 1
    assert GadgetClient.objects.get(gadget_id=published).suspended
    assert oidc_clients.sync_due_clients() == 0


def test_a_member_gets_a_new_secret_once(desk: DeskFor, published: str) -> None:
    from identity.models import Resident

    member = desk(Resident.objects.get(username="wasteco"))
    page = member.step(published, "secret").content.decode()
    assert "client_secret" in page
    assert "client_secret" not in member.page(reverse("gadgets:provider_gadget", args=[published]))


def test_only_the_portals_own_commands_choose_a_secret(desk: DeskFor, published: str) -> None:
    from identity.models import Resident

    by = cast.as_actor(Resident.objects.get(username="wasteco"))
    with pytest.raises(NotPermittedError):
        actions.rotate_secret(gadget_id=published, by=by, secret="chosen-by-the-member")
    made = actions.rotate_secret(gadget_id=published, by=SYSTEM, secret="chosen-by-the-demo-for-waste")
    assert made.client_secret == "chosen-by-the-demo-for-waste"


def test_a_suspended_gadget_gets_no_secret(desk: DeskFor, published: str) -> None:
    actions.suspend(gadget_id=published, reason="試験", by=SYSTEM)
    with pytest.raises(WrongStateError):
        actions.rotate_secret(gadget_id=published, by=SYSTEM)


def test_a_suspension_during_the_sync_is_not_undone_by_it(
    desk: DeskFor, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = desk(cast.operator())
    driver = type(provider())
    enable = driver.enable_client

    def slow(self: Any, client_id: str, **more: Any) -> None:
        """While the ID is told of the published gadget, somebody suspends it."""
        patched.setattr(driver, "enable_client", enable)
        operator.decide(published, "suspend", "表示が古いため")
        enable(self, client_id, **more)

    Gadget.objects.update(client_due=True)
    with monkeypatch.context() as patched:
        patched.setattr(driver, "enable_client", slow)
        oidc_clients.sync_due_clients()
    oidc_clients.sync_due_clients()
    assert GadgetClient.objects.get(gadget_id=published).suspended
    assert not Gadget.objects.get(gadget_id=published).client_due
