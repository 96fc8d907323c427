"""Counts uses in the cache: how long somebody has to wait who asks too often. The one counter of every limit."""

import hashlib
import math
import time

from django.core.cache import cache


def seconds_to_wait(*names: object, most: int, period: int) -> int:
    """Counts one use by these names; 0 while there were at most `most`, else seconds until the count begins anew.

    The period runs from the first use. A cache that is away limits nobody.
    """
    digest = hashlib.blake2b(repr(names).encode(), digest_size=16).hexdigest()
    count_key, end_key = f"rate:{digest}:count", f"rate:{digest}:end"
    if cache.add(count_key, 0, period):
        cache.set(end_key, time.time() + period, period)
    try:
        count = cache.incr(count_key)
    except ValueError:  # it ended between the two calls
        return 0
    if not isinstance(count, int) or count <= most:
        return 0
    now, end = time.time(), cache.get(end_key)
    if isinstance(end, float) and end > now:
        return min(period, math.ceil(end - now))
    cache.set(count_key, 1, period)
    cache.set(end_key, now + period, period)
    return 0
