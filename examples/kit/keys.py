"""Key set of an issuer: fetched when first needed, again for an unknown key, but not too often."""

import threading
import time
from collections.abc import Callable

import requests
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from examples.kit.errors import KeysUnavailableError
from examples.kit.loopback import TIMEOUT

MAX_AGE = 600.0
MIN_INTERVAL = 5.0
MIN_INTERVAL_AFTER_FAILURE = 1.0


class RemoteKeys:
    """The public keys behind one URL, by `kid`."""

    def __init__(
        self,
        url: Callable[[], str],
        session: requests.Session,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._session = session
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}
        self._fetched_at: float | None = None
        self._next_try = float("-inf")

    def get(self, kid: str) -> Key | None:
        """The key, or None when the issuer does not publish it; raises KeysUnavailableError."""
        with self._lock:
            now = self._clock()
            old = self._fetched_at is None or now - self._fetched_at > MAX_AGE
            if (old or kid not in self._keys) and now >= self._next_try:
                self._fetch(now)
            if self._fetched_at is None:
                raise KeysUnavailableError("the issuer's key set cannot be read now")
            return self._keys.get(kid)

    def _fetch(self, now: float) -> None:
        self._next_try = now + MIN_INTERVAL_AFTER_FAILURE
        try:
            response = self._session.get(self._url(), timeout=TIMEOUT, allow_redirects=False)
            if response.status_code != requests.codes.ok:
                return
            keys = KeySet.import_key_set(response.json()).keys
        except (requests.RequestException, JoseError, ValueError, TypeError, KeyError):
            return
        self._keys = {key.kid: key for key in keys if key.kid and not key.is_private}
        self._fetched_at = now
        self._next_try = now + MIN_INTERVAL
