"""What gadgets asks of the portal, which it may not import; `portal/wiring.py` registers it once, at start."""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from gadgets.layout.layout import Slot


@dataclass(frozen=True, slots=True)
class Hooks:
    default_slots: Callable[[], tuple[Slot, ...]]
    """The gadgets that the city puts on every home."""


_registered: Hooks | None = None


def register(hooks: Hooks) -> None:
    global _registered
    _registered = hooks


def registered() -> Hooks:
    if _registered is None:
        raise ImproperlyConfigured("gadgets has no hooks: portal/wiring.py registers them")
    return _registered
