"""Fixtures of the gadgets' life: an empty cache and registry, desks for people, providers on ports."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache

from examples.kit.provider import Provider as ExampleProvider
from examples.waste.provider import build as build_waste
from identity.models import Resident
from tests.gadgets import life

DeskFor = Callable[[Resident | None], life.Desk]


@pytest.fixture(scope="session", autouse=True)
def static_root() -> None:
    """The web server warns when the folder of collected files is not there."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No registry, card or count of an earlier test."""
    monkeypatch.setattr("gadgets.metrics.call_metrics._waiting", {})  # calls of earlier tests
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def desk(clean: None, db: None, django_capture_on_commit_callbacks: Any) -> DeskFor:
    """Seats somebody, or a guest, at a browser."""
    return lambda resident: life.Desk(resident, django_capture_on_commit_callbacks)


@pytest.fixture
def waste() -> Iterator[ExampleProvider]:
    """The real waste provider, with a sign-in of its own and verified tokens."""
    with life.example(build_waste, "waste") as provider:
        yield provider


@pytest.fixture
def careless() -> Iterator[life.Careless]:
    """A provider that accepts every token."""
    with life.careless() as provider:
        yield provider


@pytest.fixture
def published(desk: DeskFor, waste: ExampleProvider, django_capture_on_commit_callbacks: Any) -> str:
    """The waste gadget, published; its id."""
    return life.publish(waste.config.url("/gadget.json"), django_capture_on_commit_callbacks)
