"""The session engine of a city: sessions in the cache, with the database as the truth, ending by time."""

from typing import Any

from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.utils import timezone

from identity.sessions.engines import Timed, age


class SessionStore(Timed, CachedStore):
    """One row for each session, read from the cache."""

    _cache: Any

    def write(self, data: dict[str, Any]) -> bool:
        """The row first: one that is gone there is gone in the cache too."""
        if super().write(data):
            self._cache.set(self.cache_key, data, age(data, now=timezone.now().timestamp()))
            return True
        self._cache.delete(self.cache_key)
        return False
