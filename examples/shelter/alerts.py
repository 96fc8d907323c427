"""Reads the portal's standing alerts, to know which hazards are in force; nothing about a resident is in the question."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

log = logging.getLogger(__name__)

KEPT = 60.0
"""Seconds for which an answer, or its absence, is kept."""
MAX_BYTES = 512 * 1024
TIMEOUT = (0.5, 0.5)
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "flood": ("flood_L2",),
    "rain": ("inundation", "sedimentDisaster"),
    "landslide": ("sedimentDisaster",),
    "storm_surge": ("stormSurge",),
    "tsunami": ("tunami",),
    "earthquake": ("earthquake",),
}
"""An alert's kind, and the columns of the city's table that it is about. Other kinds tell of no hazard."""


class Alerts:
    """`/alerts.json` of the portal, kept for a minute."""

    def __init__(self, url: str, http: requests.Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._http, self._clock = url, http, clock
        self._lock = threading.Lock()
        self._held: tuple[float, list[Mapping[str, Any]] | None] | None = None

    def hazards(self, district: str | None) -> tuple[str, ...] | None:
        """The hazards in force for a district (None: anywhere), the highest level first; None when nobody can say."""
        standing = self._standing()
        if standing is None:
            return None
        here = (
            one for one in standing if not district or not one["districts"] or district in one["districts"]
        )
        ranked = sorted(here, key=lambda one: -int(one["level"]))
        return tuple(dict.fromkeys(name for one in ranked for name in COLUMNS.get(str(one["kind"]), ())))

    def _standing(self) -> list[Mapping[str, Any]] | None:
        with self._lock:
            now = self._clock()
            if self._held is None or now - self._held[0] >= KEPT:
                self._held = (now, self._read())
            return self._held[1]

    def _read(self) -> list[Mapping[str, Any]] | None:
        try:
            answer = self._http.get(self._url, timeout=TIMEOUT, allow_redirects=False)
            if answer.status_code != requests.codes.ok or len(answer.content) > MAX_BYTES:
                raise ValueError(f"status {answer.status_code}")
            found = answer.json()["alerts"]
            return [
                {"kind": one["kind"], "level": int(one["level"]), "districts": list(one["districts"])}
                for one in found
            ]
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            log.warning("the portal's alerts cannot be read: %s", type(error).__name__)
            return None
