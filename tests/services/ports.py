"""Finds free loopback ports, below the range from which the system takes ports for outgoing connections."""

import random
import socket
from collections.abc import Collection

LOWEST, HIGHEST = 20_000, 31_000
_given: set[int] = set()


def is_free(port: int) -> bool:
    """True when nothing listens on 127.0.0.1:`port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int = 1, *, avoid: Collection[int] = ()) -> int:
    """The first of `count` consecutive free ports; never the same twice in one process."""
    # Not `random`: pytest-randomly seeds it alike in every worker, and they would race for one port.
    pick = random.SystemRandom()
    for _ in range(500):
        first = pick.randrange(LOWEST, HIGHEST - count)
        wanted = set(range(first, first + count))
        if not wanted & _given and wanted.isdisjoint(avoid) and all(is_free(port) for port in wanted):
            _given.update(wanted)
            return first
    raise RuntimeError(f"no {count} free ports in a row between {LOWEST} and {HIGHEST} on 127.0.0.1")
