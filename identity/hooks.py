"""What identity asks of the packages above it, which it may not import.

`portal/wiring.py` registers all of it once, at start. What nobody registered is an error, never a permission.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

if TYPE_CHECKING:
    from identity.residents.onboarding import Arrival


@dataclass(frozen=True, slots=True)
class Hooks:
    post_logout_token: Callable[[str, bytes, float], bool]
    """(address that a provider gave, form, seconds) → whether it was accepted."""
    logout_lost: Callable[[str, str], None]
    """(gadget, pseudonym): a logout was never confirmed; called in a transaction."""
    first_stop: "Callable[[HttpRequest, Arrival, str], str]"
    """(request, who, where to) → a path of the portal: `where to` itself, or a page that leads on to it."""
    forget_behaviour: Callable[[UUID], object]
    """Deletes what was learnt from a resident; called in the transaction of the withdrawal."""


_registered: Hooks | None = None


def register(hooks: Hooks) -> None:
    global _registered
    _registered = hooks


def registered() -> Hooks:
    if _registered is None:
        raise ImproperlyConfigured("identity has no hooks: portal/wiring.py registers them")
    return _registered
