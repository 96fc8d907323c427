"""Numbers that rise with every change of something that processes hold in memory: catalogue, registry, ranking.

A writer calls `bump` in its transaction. A reader compares `current` with the number of what it holds, which costs a
look into the cache; other processes see a change within `CACHED_SECONDS` even where the cache lost it.
"""

from functools import partial

from django.core.cache import cache
from django.db import transaction
from django.db.models import F

from core.models import Version

CACHED_SECONDS = 5


def bump(key: str) -> None:
    """Raises the number in the caller's transaction; every process may know it after the commit."""
    raised = Version.objects.filter(key=key)
    if not raised.update(number=F("number") + 1):
        _make(key)
        raised.update(number=F("number") + 1)
    transaction.on_commit(partial(_publish, key))


def current(key: str) -> int:
    """The number as the cache has it, else as the table has it: at most one query."""
    cached = cache.get(key)
    if isinstance(cached, int):
        return cached
    number = read(key)
    # `add`, because a writer that has just committed a higher number must not be overwritten by this older read.
    cache.add(key, number, CACHED_SECONDS)
    return number


def read(key: str) -> int:
    """The number in the table; 0 before the first change."""
    return Version.objects.filter(key=key).values_list("number", flat=True).first() or 0


def correct(key: str, number: int) -> None:
    """Overwrites the cached number with one that was just read from the table."""
    cache.set(key, number, CACHED_SECONDS)


def claim(key: str, last: int) -> bool:
    """Raises the number if it still is `last`. Of several who claim at once one gets True, the others wait and get False."""
    _make(key)
    return bool(Version.objects.filter(key=key, number=last).update(number=F("number") + 1))


def hold(key: str) -> None:
    """Holds the number's row until the caller's transaction ends: others who bump, claim or hold it wait."""
    _make(key)
    Version.objects.select_for_update().get(key=key)


def _make(key: str) -> None:
    Version.objects.get_or_create(key=key)


def _publish(key: str) -> None:
    cache.set(key, read(key), CACHED_SECONDS)
