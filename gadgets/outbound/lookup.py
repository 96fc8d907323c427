"""Looks up the addresses of a host name with a real time limit, asking the name servers itself.

`socket.getaddrinfo` has no time limit: a name whose servers hang holds a thread for as long as the C library
likes, and eight such names once stopped every call to a gadget. Here the waiting ends in the calling thread, so a
name that hangs costs nobody else anything. Only DNS is asked, and only for the absolute name: neither the hosts
file nor a search list of this machine can lead a provider's name into the city's own network.
"""

import threading
import time
from collections.abc import Sequence
from itertools import chain, zip_longest

import dns.exception
import dns.nameserver
import dns.resolver

SECONDS = 1.0
"""The longest that a look-up may take."""
FAILED_SECONDS = 10.0
"""For so long a name whose look-up failed is not asked again: the waiting is not repeated for each card."""
MOST_FAILED = 1000


class LookupFailedError(Exception):
    """No name server answered in time, or none could say. Whose fault it is cannot be told."""


class NoSuchNameError(Exception):
    """The name servers say that the name, or an address of it, does not exist."""


class NameServers:
    """The name servers of this machine (`/etc/resolv.conf`, read anew for each look-up), or those given.

    Thread-safe. `servers` are (address, port).
    """

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        self._servers = servers
        self._failed: dict[str, float] = {}
        self._lock = threading.Lock()

    def addresses(self, host: str, seconds: float) -> Sequence[str]:
        """IPv4 and IPv6 addresses in turn, within `seconds`; raises LookupFailedError or NoSuchNameError."""
        if self._failed_lately(host):
            raise LookupFailedError(f"the look-up of {host} failed a moment ago")
        until = time.monotonic() + seconds
        try:
            found = self._ask(host, until)
        except dns.resolver.NXDOMAIN as error:
            raise NoSuchNameError(str(error)) from error
        except (dns.exception.DNSException, OSError) as error:
            if seconds >= SECONDS / 2:  # a call that was nearly over says nothing about the name servers
                self._remember(host)
            raise LookupFailedError(str(error)) from error
        if not found:
            raise NoSuchNameError(f"{host} has no address")
        return found

    def _ask(self, host: str, until: float) -> list[str]:
        resolver = self._resolver(until - time.monotonic())
        families: list[list[str]] = []
        for kind in ("A", "AAAA"):
            try:
                answer = resolver.resolve(
                    host,
                    kind,
                    lifetime=max(until - time.monotonic(), 0.0),
                    search=False,
                    raise_on_no_answer=False,
                )
            except (dns.resolver.NoNameservers, dns.exception.Timeout):
                if not any(families):  # addresses of one family are enough to connect
                    raise
                continue
            families.append([row.address for row in answer])
        return [address for address in chain.from_iterable(zip_longest(*families)) if address]

    def _resolver(self, seconds: float) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self._servers)
        resolver.timeout = seconds * 0.4  # one server that is silent leaves time for the next
        if self._servers:
            resolver.nameservers = [
                dns.nameserver.Do53Nameserver(address, port) for address, port in self._servers
            ]
        return resolver

    def _failed_lately(self, host: str) -> bool:
        with self._lock:
            return self._failed.get(host, 0.0) > time.monotonic()

    def _remember(self, host: str) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._failed) >= MOST_FAILED:
                self._failed = {name: until for name, until in self._failed.items() if until > now}
            if len(self._failed) < MOST_FAILED:
                self._failed[host] = now + FAILED_SECONDS
