"""Counts uses in the cache, in windows of fixed length: how long somebody has to wait who asks too often."""

import hashlib
import time

from django.core.cache import cache


def seconds_to_wait(*names: object, most: int, period: int) -> int:
    """Counts one use by these names; 0 while there were at most `most` in this window, else seconds to its end."""
    now = time.time()
    window = int(now // period)
    digest = hashlib.blake2b(repr(names).encode(), digest_size=16).hexdigest()
    key = f"rate:{digest}:{window}"
    cache.add(key, 0, period)
    try:
        count = cache.incr(key)
    except ValueError:  # it ended between the two calls
        return 0
    return max(1, int((window + 1) * period - now)) if count > most else 0
