"""A logout that never reached a provider's site is told to it as an event, by the pseudonym and nothing else."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gadgets import actions
from gadgets.cards import signing
from gadgets.models import EventDelivery
from gadgets.webhooks import events
from identity import hooks
from identity.models import GadgetClient, LogoutDelivery
from identity.oidc import logout_relay
from tests import cast
from tests.gadgets import life
from tests.gadgets.test_events import read, subject

pytestmark = pytest.mark.django_db


def lose(gadget_id: str, **claims: Any) -> None:
    """A logout token that nobody takes, in any of its tries."""
    GadgetClient.objects.filter(gadget_id=gadget_id).update(logout_uri="http://waste.localhost:1/out")
    client = GadgetClient.objects.get(gadget_id=gadget_id)
    now = timezone.now()
    raw = signing.sign(claims, token_type="logout+jwt")
    logout_relay.enqueue(client, raw=raw, jti=uuid.uuid4().hex, expires=now + timedelta(seconds=120))
    for seconds in logout_relay.DELAYS:
        assert logout_relay.deliver_due(now=now + timedelta(seconds=seconds + 1)) == 0
    assert LogoutDelivery.objects.get().state == LogoutDelivery.State.FAILED


@pytest.fixture
def publish(clean: None, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> Any:
    def made(*, events_too: bool = True) -> life.Careless:
        careless.pairwise(events=events_too)
        life.publish(careless.url, django_capture_on_commit_callbacks)
        return careless

    return made


def test_it_is_told_by_the_pseudonym_of_the_token_and_never_by_the_session_of_the_id(publish: Any) -> None:
    bins = publish()
    lose(bins.id, sub="pairwise-hanako", sid="the-session-at-the-id")
    assert events.sweep() == 1
    event = read(bins.events[0])
    assert (event["event"], event["sub"], event["items"]) == ("session-ended", "pairwise-hanako", [])
    assert "the-session-at-the-id" not in str(event)
    row = EventDelivery.objects.get()
    assert (row.resident_id, row.sub) == (None, "")


def test_one_that_waits_goes_with_the_resident(publish: Any) -> None:
    bins = publish()
    hanako, taro = cast.hanako(), cast.taro()
    for resident in (hanako, taro):
        events.session_ended(bins.id, subject(resident, bins.id))
    assert actions.forget_resident(hanako.id)["notices"] == 1
    assert EventDelivery.objects.get().sub == subject(taro, bins.id)
    GadgetClient.objects.all().delete()
    assert actions.forget_resident(taro.id)["notices"] == 0


def test_one_without_events_is_left(publish: Any) -> None:
    bins = publish(events_too=False)
    lose(bins.id, sub="pairwise-hanako")
    assert not EventDelivery.objects.exists()


def test_a_token_that_names_a_session_only_tells_nothing(publish: Any) -> None:
    bins = publish()
    lose(bins.id, sid="the-session-at-the-id")
    assert not EventDelivery.objects.exists()


def test_a_token_that_does_not_open_any_more_tells_nothing(publish: Any) -> None:
    bins = publish()
    hooks.registered().logout_lost("example.unknown", "x")
    client = GadgetClient.objects.get(gadget_id=bins.id)
    now = timezone.now()
    logout_relay.enqueue(client, raw="no token", jti="1", expires=now + timedelta(seconds=120))
    LogoutDelivery.objects.update(tries=3, token_sealed=b"broken")
    assert logout_relay.deliver_due(now=now + timedelta(seconds=61)) == 0
    assert LogoutDelivery.objects.get().state == LogoutDelivery.State.FAILED
    assert not EventDelivery.objects.exists()
