"""The registry as a test wants it, held as the process holds its own; `nothing_held` lets go of it."""

from dataclasses import replace

import pytest
from django.core.cache import cache

import gadgets.registry
from gadgets.models import VERSION_KEY
from gadgets.registry import Registry
from gadgets.types import GadgetInfo

NO_TABLE_HAS_IT = 10**6


def hold(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    """Whoever asks for the registry gets this one."""
    held = replace(registry, version=registry.version + NO_TABLE_HAS_IT)
    monkeypatch.setattr(gadgets.registry, "_held", held)
    cache.set(VERSION_KEY, held.version, 600)


def add(gadget: GadgetInfo) -> None:
    """The gadget is published, beside those that the process holds."""
    held = gadgets.registry.registry()
    version = max(held.version, NO_TABLE_HAS_IT) + 1
    gadgets.registry._held = replace(held, version=version, gadgets={**held.gadgets, gadget.id: gadget})
    cache.set(VERSION_KEY, version, 600)
