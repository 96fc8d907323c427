"""Look-ups of names end in time, cost nobody else anything, and count against no provider."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.core.cache import cache

from gadgets import errors
from gadgets.cards import breaker, fetch
from gadgets.outbound import lookup
from gadgets.outbound.http import Door
from gadgets.outbound.lookup import LookupFailedError, NameServers, NoSuchNameError
from tests.gadgets.name_server import FAILS, HELD, SILENT, NameServer
from tests.gadgets.samples import info

HANGING = [f"hangs{number}.example" for number in range(24)]
BROKEN = [f"broken{number}.example" for number in range(4)]
ZONE = {
    "two.example": ["8.8.8.8", "2606:4700:4700::1111", "1.1.1.1"],
    "inside.example": ["8.8.8.8", "10.0.0.1"],
    "empty.example": [],
    "silent.example": SILENT,
    **dict.fromkeys(BROKEN, FAILS),
    **dict.fromkeys(HANGING, HELD),
}


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer(ZONE).running() as running:
        yield running


def test_addresses_of_both_families_come_in_turn(server: NameServer) -> None:
    found = NameServers([server.address]).addresses("two.example", 1.0)
    assert found[1] == "2606:4700:4700::1111"
    assert {found[0], found[2]} == {"8.8.8.8", "1.1.1.1"}


@pytest.mark.parametrize("name", ["nobody.example", "empty.example"])
def test_a_name_that_does_not_exist_is_not_one_that_could_not_be_asked(server: NameServer, name: str) -> None:
    with pytest.raises(NoSuchNameError):
        NameServers([server.address]).addresses(name, 1.0)
    with pytest.raises(errors.NameNotFoundError):
        Door(resolver=NameServers([server.address]).addresses).fetch(
            f"https://{name}/", deadline=2, max_bytes=10
        )


@pytest.mark.parametrize("name", [BROKEN[0], "silent.example"])
def test_a_name_that_cannot_be_asked_is_left_alone_for_a_moment(server: NameServer, name: str) -> None:
    servers = NameServers([server.address])
    with pytest.raises(LookupFailedError):
        servers.addresses(name, 1.0)
    asked = len(server.asked)
    with pytest.raises(LookupFailedError):
        servers.addresses(name, 1.0)
    assert len(server.asked) == asked
    assert servers.addresses("two.example", 1.0)


def test_a_call_that_was_nearly_over_says_nothing_about_the_name_servers(server: NameServer) -> None:
    servers = NameServers([server.address])
    with pytest.raises(LookupFailedError):
        servers.addresses("silent.example", 0.05)
    asked = len(server.asked)
    with pytest.raises(LookupFailedError):
        servers.addresses("silent.example", 0.05)
    assert len(server.asked) > asked


def test_a_silent_name_server_leaves_time_for_the_next(server: NameServer) -> None:
    with NameServer(dict.fromkeys(ZONE, SILENT)).running() as silent:
        assert NameServers([silent.address, server.address]).addresses("two.example", 1.0)


def test_memory_of_failed_names_has_an_end(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MOST_FAILED", 2)
    servers = NameServers([server.address])
    for name in BROKEN:
        with pytest.raises(LookupFailedError):
            servers.addresses(name, 1.0)
    asked = len(server.asked)
    for name in BROKEN[:2]:
        with pytest.raises(LookupFailedError, match="a moment ago"):
            servers.addresses(name, 1.0)
    assert len(server.asked) == asked


def test_names_that_hang_delay_no_other_name(server: NameServer) -> None:
    """Three times as many as once stopped every call of a process; they wait until the good name was answered."""
    servers = NameServers([server.address])
    door = Door(resolver=lambda host, _seconds: servers.addresses(host, 60.0))
    ended: list[type[Exception]] = []

    def call(name: str) -> None:
        try:
            door.fetch(f"https://{name}/", deadline=60, max_bytes=10)
        except errors.DoorError as error:
            ended.append(type(error))

    threads = [threading.Thread(target=call, args=(name,)) for name in HANGING]
    for thread in threads:
        thread.start()
    while len(set(server.asked)) < len(HANGING):
        time.sleep(0.01)
    with pytest.raises(errors.AddressRefusedError):  # it was looked up, and leads inside
        door.fetch("https://inside.example/", deadline=60, max_bytes=10)
    assert ended == []
    server.released.set()
    for thread in threads:
        thread.join()
    assert ended == [errors.NameLookupError] * len(HANGING)


def test_a_look_up_that_fails_counts_against_no_provider() -> None:
    cache.clear()
    for _ in range(40):
        with pytest.raises(errors.NameLookupError), fetch.guarded(info(), time.monotonic() + 1):
            raise errors.NameLookupError("https://waste.example/", "no name server answered")
    assert not breaker.is_open(info().id)
