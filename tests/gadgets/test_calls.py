"""What reaches a provider: nothing for a hidden gadget, nothing from the home itself."""

from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse

from gadgets import tasks
from gadgets.cards import prefetch
from gadgets.layout.layout import Slot
from identity.domain.roles import SYSTEM
from portal.content.actions import set_default_slots
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_the_home(desk: DeskFor, careless: life.Careless, django_capture_on_commit_callbacks: Any) -> str:
    """The id of a gadget that the city put on every home."""
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    with django_capture_on_commit_callbacks(execute=True):
        set_default_slots(slots=[Slot(gadget_id, "S", locked=False)], by=SYSTEM)
    cache.clear()
    return gadget_id


def asked_for(html: str) -> list[str]:
    """The fragments that the page's script would ask for."""
    found = [part.partition('"')[0].replace("&amp;", "&") for part in html.split('data-src="')[1:]]
    return [address for address in found if address.startswith("/fragments/")]


def test_a_hidden_gadget_causes_no_call(desk: DeskFor, careless: life.Careless, on_the_home: str) -> None:
    hanako = cast.hanako()
    seat = desk(hanako)
    wanted = asked_for(seat.page("/"))
    assert len(wanted) == 1
    calls = len(careless.provider.seen)
    seat.page(wanted[0])
    assert len(careless.provider.seen) == calls + 1
    seat.post(reverse("gadgets:move", args=[on_the_home]), step="hide")
    cache.clear()
    for path in ("/", "/en/", "/ja-simple/", reverse("gadgets:arrange"), reverse("gadgets:catalogue")):
        assert asked_for(seat.page(path)) == []
    assert prefetch.refresh_read() == 0
    tasks.watch_gadgets()
    assert len(careless.provider.seen) == calls + 1


def test_the_home_itself_calls_nobody(desk: DeskFor, careless: life.Careless, on_the_home: str) -> None:
    calls = len(careless.provider.seen)
    for _ in range(3):
        assert on_the_home in desk(None).page("/")
    assert len(careless.provider.seen) == calls
