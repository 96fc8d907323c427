"""Remembers the identifiers of tokens until they expire, so that none is taken twice."""

import threading

LIMIT = 100_000


class ReplayGuard:
    """A bounded memory of used `jti`; when it is full, nothing new is accepted."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def first_use(self, jti: str, *, until: float, now: float) -> bool:
        """Whether this identifier is new; it is remembered up to `until`."""
        with self._lock:
            if jti in self._until and self._until[jti] > now:
                return False
            if len(self._until) >= self._limit:
                self._until = {key: end for key, end in self._until.items() if end > now}
                if len(self._until) >= self._limit:
                    return False
            self._until[jti] = until
            return True
