"""A client of the city's context broker: the part of NGSI-LD (ETSI GS CIM 009) that reading entities needs.

The broker is the city's own machine, named by the operator in the settings and mostly inside the city's network.
So it does not go through `gadgets.outbound.http`, the door to addresses that strangers gave us, which refuses exactly such
addresses. It is still another machine: deadline, byte cap, no redirect (a broker that sends us elsewhere is set up
wrongly, and its token must not follow), no proxy or password of the environment, no cookie, nothing compressed.
"""

import time
from collections.abc import Mapping, Sequence

import requests
import urllib3.exceptions
from django.conf import settings

from gadgets.cityos.source import Entity, Wish
from gadgets.errors import BrokerError, CardError, NoCityOsError
from gadgets.protocol.wire import loads
from identity import loopback

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
CONNECT_SECONDS = 0.5
_TYPES = ("application/json", "application/ld+json", "application/geo+json")
_CONTEXT = '<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


class NgsiLd:
    """One broker; safe to use from several threads, for each call has a session of its own."""

    def __init__(self, url: str, *, token: str = "", context: str = "") -> None:
        self._url = url.rstrip("/") + "/ngsi-ld/v1/entities"
        self._token = token
        self._context = context

    def entities(self, wish: Wish, *, deadline: float) -> Sequence[Entity]:
        """GET /ngsi-ld/v1/entities; raises BrokerError."""
        until = time.monotonic() + deadline
        with loopback.session() as session:
            try:
                with session.get(
                    self._url,
                    params=_asked(wish),
                    headers=self._headers(),
                    timeout=(min(CONNECT_SECONDS, deadline), deadline),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    body = _body(answer, until)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise BrokerError(type(error).__name__) from error
        return _read(body)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._context:
            headers["Link"] = _CONTEXT.format(url=self._context)
        return headers


def _asked(wish: Wish) -> Mapping[str, str]:
    asked = {"type": wish.type, "attrs": ",".join(wish.attrs), "limit": str(wish.limit)}
    if wish.around is not None:
        asked |= {
            "georel": f"near;maxDistance=={wish.within}",
            "geometry": "Point",
            "coordinates": f"[{wish.around.longitude:.5f},{wish.around.latitude:.5f}]",
        }
    return asked


def _body(answer: requests.Response, until: float) -> bytes:
    """The whole answer, or BrokerError: another status, another type, too long, too late."""
    if answer.status_code != 200:
        raise BrokerError(f"status {answer.status_code}")
    media = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media not in _TYPES:
        raise BrokerError("content type")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BrokerError("content encoding")
    found = bytearray()
    while True:
        if time.monotonic() > until:
            raise BrokerError("deadline")
        # `read1` gives what is there: a byte a second must not hold the loop for a whole buffer.
        part = answer.raw.read1(16 * 1024)
        if not part:
            return bytes(found)
        found += part
        if len(found) > MAX_BYTES:
            raise BrokerError("too large")


def _read(body: bytes) -> Sequence[Entity]:
    try:
        found = loads(body, error=CardError, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH, half_letters=True)
    except CardError as error:
        raise BrokerError("not JSON") from error
    if not isinstance(found, list) or not all(isinstance(entity, dict) for entity in found):
        raise BrokerError("not a list of entities")
    return found


def source() -> NgsiLd:
    """The broker of the settings; raises NoCityOsError when there is none."""
    if not settings.CONTEXT_BROKER_URL:
        raise NoCityOsError
    return NgsiLd(
        settings.CONTEXT_BROKER_URL,
        token=settings.CONTEXT_BROKER_TOKEN,
        context=settings.CONTEXT_BROKER_CONTEXT,
    )
