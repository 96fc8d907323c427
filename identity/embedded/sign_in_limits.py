"""How long a browser has to wait that tried too often at the embedded ID: allauth counts, and does not say it."""

import math
import time

from allauth.account import app_settings
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest

APP = "allauth.account"


def seconds_to_wait(request: HttpRequest) -> int:
    """Until every limit that is full for this address and this account lets one try more through."""
    now = time.time()
    user = getattr(request, "user", None)
    user = user if user is not None and user.is_authenticated else None
    waits = [1]
    for action in app_settings.RATE_LIMITS:
        for one in ratelimit.get_rates(app=APP, action=action):
            if one.per == "key" or (one.per == "user" and user is None):
                continue
            key = ratelimit.get_cache_key(request, app=APP, action=action, rate=one, user=user)
            history = [at for at in cache.get(key, []) if at > now - one.duration]
            if len(history) >= one.amount:
                waits.append(math.ceil(history[one.amount - 1] + one.duration - now))
    return max(waits)
