"""The registry as a test wants it, held as the process holds its own."""

from dataclasses import replace

import pytest
from django.core.cache import cache

import gadgets.registry
from gadgets.models import VERSION_KEY
from gadgets.registry import Registry


def hold(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    """Whoever asks for the registry gets this one, under a number that no table has."""
    held = replace(registry, version=registry.version + 10**6)
    monkeypatch.setattr(gadgets.registry, "_held", held)
    cache.set(VERSION_KEY, held.version, 600)
