"""Takes the forms that residents fill in on the portal: read, done once for each key, answered with a card."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from examples.kit.errors import BadRequestError

REMEMBERED = 10_000
PROBLEM = "application/problem+json; charset=utf-8"


class FormRefusedError(Exception):
    """The form is not taken; the resident reads the sentence."""


@dataclass(frozen=True)
class Filled:
    """A form as a resident sent it: `values` by field, None where nothing was filled in."""

    name: str
    values: Mapping[str, Any]


def read(raw: bytes) -> Filled:
    """The body of a request; raises BadRequestError."""
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise BadRequestError("the body is not JSON") from error
    name, values = (found.get("form"), found.get("values")) if isinstance(found, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(values, dict):
        raise BadRequestError("form and values are missing")
    return Filled(name, values)


class FormDesk:
    """Does what a form asks, once: a second click or a retry with the same key changes nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: OrderedDict[tuple[str, str], None] = OrderedDict()

    def take(self, sub: str, key: str, act: Callable[[], None]) -> None:
        """Calls `act` unless this subject's key was used; what it raises leaves the key unused."""
        with self._lock:
            if (sub, key) in self._done:
                return
            act()
            self._done[sub, key] = None
            while len(self._done) > REMEMBERED:
                self._done.popitem(last=False)
