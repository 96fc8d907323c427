"""Hooks as a test wants them; the rest stays as the portal registered it."""

from dataclasses import replace
from typing import Any

import pytest

import gadgets.hooks
import identity.hooks


def of_identity(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    monkeypatch.setattr(identity.hooks, "_registered", replace(identity.hooks.registered(), **changes))


def of_gadgets(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    monkeypatch.setattr(gadgets.hooks, "_registered", replace(gadgets.hooks.registered(), **changes))
