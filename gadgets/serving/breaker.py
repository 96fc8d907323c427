"""A breaker for each gadget, shared by all workers through the cache: after 5 failures in 60 s it opens.

It stays open for 30 s, and twice as long each time the one trial call after that fails, up to 15 minutes.
A cache that is down means no breaker, never a wrong answer.
"""

from django.core.cache import cache

FAILURES = 5
WINDOW = 60
FIRST_PAUSE = 30
LONGEST_PAUSE = 15 * 60
MEMORY = 60 * 60
TRIAL = 30
"""Seconds for a trial: longer than the longest call with its drawing, so that a second one never runs beside it."""


def _key(part: str, gadget_id: str) -> str:
    return f"breaker:{part}:{gadget_id}"


def allows(gadget_id: str) -> bool:
    """Whether a call may be made now. After a pause, one caller at a time may try."""
    found = cache.get_many([_key("open", gadget_id), _key("times", gadget_id)])
    if _key("open", gadget_id) in found:
        return False
    if found.get(_key("times", gadget_id)):
        return bool(cache.add(_key("trial", gadget_id), 1, TRIAL))
    return True


def is_open(gadget_id: str) -> bool:
    """Whether calls are refused now, without taking the trial."""
    return cache.get(_key("open", gadget_id)) is not None


def undecided(gadget_id: str) -> None:
    """Gives back the trial of a call that ended without saying anything about the provider: the next caller may try."""
    if cache.get(_key("trial", gadget_id)):
        cache.delete(_key("trial", gadget_id))


def succeeded(gadget_id: str) -> None:
    """Closes the breaker; costs one read while all is well."""
    if cache.get(_key("times", gadget_id)):
        cache.delete_many([_key(part, gadget_id) for part in ("times", "trial", "failures")])


def failed(gadget_id: str) -> None:
    """Counts a failure; the fifth within the window, or a failed trial, opens the breaker."""
    times = cache.get(_key("times", gadget_id)) or 0
    if not times and _count(_key("failures", gadget_id)) < FAILURES:
        return
    pause = min(FIRST_PAUSE * 2**times, LONGEST_PAUSE)
    cache.set(_key("open", gadget_id), 1, pause)
    cache.set(_key("times", gadget_id), times + 1, pause + MEMORY)
    cache.delete_many([_key("trial", gadget_id), _key("failures", gadget_id)])


def _count(key: str) -> int:
    if cache.add(key, 1, WINDOW):
        return 1
    try:
        return int(cache.incr(key) or 0)
    except ValueError:  # it expired between the two calls
        return 1
