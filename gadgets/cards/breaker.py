"""A breaker for each gadget, shared by all workers through the cache: open while too large a share of calls fails.

The rule is in `breaker_rule`. Whose card it is (`whose`) counts once in the window, however often it fails: one
resident whose own card cannot be made closes the gadget for nobody else, but has a breaker of their own, so that their
page does not call in vain either. After a pause one caller may try; each failed trial doubles the pause, up to
15 minutes. A cache that is down means no breaker, never a wrong answer.
"""

import math
import time

from django.core.cache import cache

from gadgets.cards import breaker_rule
from gadgets.cards.breaker_rule import BUCKET, WINDOW

MEMORY = 60 * 60
TRIAL = 30
"""Seconds for a trial: longer than the longest call with its drawing, so that a second one never runs beside it."""


def _key(part: str, name: str) -> str:
    return f"breaker:{part}:{name}"


def _names(gadget_id: str, whose: str) -> tuple[str, ...]:
    return (gadget_id, f"{gadget_id}#{whose}") if whose else (gadget_id,)


def allows(gadget_id: str, whose: str = "") -> bool:
    """Whether a call may be made now. After a pause, one caller at a time may try.

    `whose`: what stands for the reader or the group whose card it is, never a personal value; empty where there is one
    card for everybody.
    """
    names = _names(gadget_id, whose)
    found = cache.get_many([_key(part, name) for name in names for part in ("open", "times")])
    if any(_key("open", name) in found for name in names):
        return False
    tried = [name for name in names if found.get(_key("times", name))]
    held = [name for name in tried if cache.add(_key("trial", name), 1, TRIAL)]
    if held != tried:
        cache.delete_many([_key("trial", name) for name in held])
    return held == tried


def is_open(gadget_id: str, whose: str = "") -> bool:
    """Whether calls are refused now, without taking the trial."""
    return bool(cache.get_many([_key("open", name) for name in _names(gadget_id, whose)]))


def seconds_left(gadget_id: str, whose: str = "") -> int:
    """Until the pause is over; 0 where there is none, or while another caller tries."""
    ends = cache.get_many([_key("open", name) for name in _names(gadget_id, whose)]).values()
    return max((math.ceil(end - time.time()) for end in ends), default=0)


def undecided(gadget_id: str, whose: str = "") -> None:
    """Gives back the trial of a call that ended without saying anything about the provider: the next caller may try."""
    held = cache.get_many([_key("trial", name) for name in _names(gadget_id, whose)])
    if held:
        cache.delete_many(list(held))


def succeeded(gadget_id: str, whose: str = "") -> None:
    """Closes the breaker, and counts for the share."""
    names = _names(gadget_id, whose)
    opened = cache.get_many([_key("times", name) for name in names])
    if opened:
        closed = [name for name in names if _key("times", name) in opened]
        cache.delete_many([_key(part, name) for name in closed for part in ("times", "trial")])
    for name in names:
        _count("good", name)


def failed(gadget_id: str, whose: str = "") -> None:
    """Counts a failure; too large a share of them, or a failed trial, opens the breaker."""
    if not whose:
        _failed(gadget_id)
        return
    mine = f"{gadget_id}#{whose}"
    _failed(mine)
    if cache.get(_key("times", gadget_id)) or cache.add(_key("once", mine), 1, WINDOW):
        _failed(gadget_id)


def _failed(name: str) -> None:
    found = cache.get_many([_key("open", name), _key("times", name)])
    if _key("open", name) in found:
        return  # a call that was on its way when it opened
    times = found.get(_key("times", name)) or 0
    if not times:
        _count("bad", name)
        successes, failures = _window(name)
        if not breaker_rule.opens(successes=successes, failures=failures):
            return
    pause = breaker_rule.pause(times)
    cache.set(_key("open", name), time.time() + pause, pause)
    cache.set(_key("times", name), times + 1, pause + MEMORY)
    cache.delete_many([_key("trial", name), *_counts("bad", name)])


def _window(name: str) -> tuple[int, int]:
    """Successes and failures of the last minute."""
    good, bad = _counts("good", name), _counts("bad", name)
    found = cache.get_many([*good, *bad])
    return sum(found.get(key, 0) for key in good), sum(found.get(key, 0) for key in bad)


def _counts(part: str, name: str) -> list[str]:
    return [_key(part, f"{name}:{number}") for number in breaker_rule.buckets(time.time())]


def _count(part: str, name: str) -> None:
    key = _counts(part, name)[-1]
    if cache.add(key, 1, WINDOW + BUCKET):
        return
    try:
        cache.incr(key)
    except ValueError:  # it expired between the two calls, or the cache is away
        return
