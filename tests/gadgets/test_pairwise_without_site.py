"""A gadget at level pairwise needs no site of its own: card, form and events go by the pseudonym alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from oauth2_provider.models import get_application_model

from gadgets import actions, queries
from gadgets.cards import signing
from gadgets.errors import WrongStateError
from gadgets.models import Gadget
from gadgets.operation import oidc_clients
from gadgets.webhooks import erasure, events
from gadgets.webhooks.recipients import addressee
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.roles import SYSTEM
from identity.keycloak import gadget_clients
from identity.models import GadgetClient, Resident, Subject
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.providers import card_document, reply
from tests.gadgets.test_card import BLOCKS
from tests.gadgets.test_events import agree
from tests.gadgets.test_events import read as read_event
from tests.gadgets.test_submitting import Form

Publish = Callable[..., str]


@pytest.fixture
def publish(
    clean: None, db: None, careless: life.Careless, django_capture_on_commit_callbacks: Any
) -> Publish:
    def run(*, login: bool) -> str:
        careless.pairwise(login=login)
        careless.document["endpoints"]["action"] = f"{careless.provider.origin}/g/action"
        careless.card = card_document(blocks=[BLOCKS["form"]])
        careless.action = reply(json.dumps(card_document(summary="受け付けました。")).encode())
        return life.publish(careless.url, django_capture_on_commit_callbacks)

    return run


def cards(careless: life.Careless) -> list[dict[str, Any]]:
    return [seen.token(signing.jwks()).claims for seen in careless.provider.seen if seen.path == "/g/card"]


@pytest.mark.parametrize("login", [True, False], ids=["with a site", "without one"])
def test_one_pseudonym_reaches_card_form_event_and_erasure(
    publish: Publish, desk: DeskFor, careless: life.Careless, login: bool
) -> None:
    gadget_id = publish(login=login)
    hanako = cast.hanako()
    seat = desk(hanako)
    agree(hanako, gadget_id, "area.waste_zone")
    seat.page(reverse("gadgets_wire:card", args=[gadget_id]))
    card = cards(careless)[-1]
    assert card["claims"] == {"area.waste_zone": "7"}
    assert Form(seat, gadget_id).send().status_code == 200
    form = careless.posted[-1].token(signing.jwks()).claims
    assert form["claims"] == {"area.waste_zone": "7"}
    identity_actions.withdraw(resident_id=hanako.id, recipient=gadget_id, by=cast.as_actor(hanako))
    assert events.sweep() == 1
    event = read_event(careless.events[-1])
    assert (event["event"], event["items"]) == ("consent-withdrawn", ["area.waste_zone"])
    (order,) = [one for one in erasure.order(hanako.id) if one.gadget_id == gadget_id]
    assert order.state == "waiting"
    row = Gadget.objects.get(gadget_id=gadget_id)
    assert {card["sub"], form["sub"], event["sub"]} == {
        identity_queries.subject_for(hanako.id, row.client_id)
    }
    assert Subject.objects.get().sub == card["sub"]


def test_the_id_is_told_of_no_client(publish: Publish) -> None:
    gadget_id = publish(login=False)
    row = GadgetClient.objects.get(gadget_id=gadget_id)
    assert (row.redirect_uris, row.logout_uri, row.sector_host) == ([], "", "waste.localhost")
    assert not get_application_model().objects.filter(client_id=row.client_id).exists()
    assert not identity_queries.is_registered(row.client_id)
    assert gadget_clients.expected() == {}
    # A client of that name with this portal's mark is somebody else's doing: `keycloak_sync` shuts it.
    found = {"enabled": True, "attributes": {gadget_clients.MANAGED: settings.PORTAL_URL}}
    assert list(gadget_clients.strangers({row.client_id: found})) == [found]


def test_its_whole_life_asks_the_id_nothing(
    publish: Publish, desk: DeskFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever ID it is: no driver is even asked for."""
    monkeypatch.setattr(oidc_clients, "provider", None)
    gadget_id = publish(login=False)
    operator = desk(cast.operator())
    for decision, reason in (("suspend", "表示が古いため"), ("resume", ""), ("retire", "終わるため")):
        operator.decide(gadget_id, decision, reason)
        assert not Gadget.objects.get(gadget_id=gadget_id).client_due, decision


def test_no_secret_is_made_for_it(publish: Publish) -> None:
    gadget_id = publish(login=False)
    with pytest.raises(WrongStateError):
        actions.rotate_secret(gadget_id=gadget_id, by=SYSTEM)


def upgraded(careless: life.Careless, gadget_id: str, capture: Any, version: str) -> None:
    by = cast.as_actor(Resident.objects.get(username="wasteco"))
    careless.document["version"] = version
    with capture(execute=True):
        actions.refresh(gadget_id=gadget_id, by=by)
        life.passed(gadget_id)
        actions.submit(gadget_id=gadget_id, by=by)
        actions.approve(gadget_id=gadget_id, by=SYSTEM)


def test_a_site_that_comes_or_goes_changes_no_pseudonym(
    publish: Publish, careless: life.Careless, django_capture_on_commit_callbacks: Any
) -> None:
    """Residents stay who they were to the provider; without its site nobody can sign in there any more."""
    gadget_id = publish(login=False)
    hanako = cast.hanako()
    client_id = Gadget.objects.get(gadget_id=gadget_id).client_id
    before = identity_queries.subject_for(hanako.id, client_id)
    careless.document["endpoints"]["login"] = f"{careless.provider.origin}/oidc/start"
    upgraded(careless, gadget_id, django_capture_on_commit_callbacks, "1.1.0")
    assert identity_queries.is_registered(client_id)
    assert get_application_model().objects.filter(client_id=client_id).exists()
    assert not GadgetClient.objects.get(client_id=client_id).suspended
    assert identity_queries.subject_for(hanako.id, client_id) == before
    del careless.document["endpoints"]["login"]
    upgraded(careless, gadget_id, django_capture_on_commit_callbacks, "1.2.0")
    Gadget.objects.update(earlier=None, earlier_until=None, client_due=True)
    assert oidc_clients.sync_due_clients() == 1
    assert not identity_queries.is_registered(client_id)
    assert GadgetClient.objects.get(client_id=client_id).suspended
    assert identity_queries.subject_for(hanako.id, client_id) == before


def test_what_was_published_without_a_pseudonym_gets_it_from_the_sweep(publish: Publish) -> None:
    """As the migration leaves a gadget of before: published, without a client, due."""
    gadget_id = publish(login=False)
    GadgetClient.objects.all().delete()
    Gadget.objects.update(client_id="", client_due=True)
    assert oidc_clients.sync_due_clients() == 1
    info = queries.registry().gadgets[gadget_id]
    assert info.client_id == gadget_id
    assert addressee(gadget_id) is not None


@pytest.mark.parametrize("identity", ["none", "audience"])
def test_levels_without_a_pseudonym_get_none(
    clean: None, db: None, careless: life.Careless, django_capture_on_commit_callbacks: Any, identity: str
) -> None:
    if identity == "audience":
        careless.pairwise(events=False, login=False)
    careless.document["identity"] = identity
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    row = Gadget.objects.get(gadget_id=gadget_id)
    assert (row.client_id, row.client_due, GadgetClient.objects.count()) == ("", False, 0)
