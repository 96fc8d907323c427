"""Fixtures of the example providers: the world around them, and each of them running on a free port."""

from collections.abc import Iterator

import pytest

from examples.fourth.provider import build as build_fourth
from examples.lunch.provider import build as build_lunch
from examples.river.provider import build as build_river
from examples.waste.provider import build as build_waste
from tests.examples.support import Running, World, running


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    thread = made.server.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(5)


@pytest.fixture
def waste(world: World) -> Iterator[Running]:
    with running(build_waste, "waste", world) as it:
        yield it


@pytest.fixture
def lunch(world: World) -> Iterator[Running]:
    with running(build_lunch, "lunch", world) as it:
        yield it


@pytest.fixture
def river(world: World) -> Iterator[Running]:
    with running(build_river, "river", world) as it:
        yield it


@pytest.fixture
def fourth(world: World) -> Iterator[Running]:
    with running(build_fourth, "fourth", world) as it:
        yield it
