"""Locks in the cache that let one worker at a time do a piece of work; only the owner can release its lock.

A lock lives at least as long as the work that it covers: whoever takes it gives the longest time that this work can
last. So it ends by itself only after its owner died. A cache that is away means no lock, never work that is not done.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache

MARGIN = 5.0
"""Seconds that a lock outlives the longest work: threads of a laden machine run late."""

_here = threading.Lock()


def take(name: str, *, longest: float) -> str | None:
    """The owner's token, or None when another has the lock. `longest`: seconds that the work lasts at most."""
    token = secrets.token_hex(8)
    with _here:
        return token if cache.add(name, token, longest + MARGIN) else None


def release(name: str, token: str) -> None:
    """Gives the lock back, unless it ended meanwhile and another took it."""
    delete_if = getattr(cache, "delete_if", None)
    if delete_if is not None:
        delete_if(name, token)
        return
    # A cache inside this process: `take` runs under the same lock, so nobody comes between the two calls.
    with _here:
        if cache.get(name) == token:
            cache.delete(name)


@contextmanager
def tried(name: str, *, longest: float) -> Iterator[bool]:
    """Whether the lock is ours for the block; it is given back at the end."""
    token = take(name, longest=longest)
    try:
        yield token is not None
    finally:
        if token is not None:
            release(name, token)
