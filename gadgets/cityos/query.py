"""The card of a query for one reader: contracts, release, read, template; what a provider's answer is elsewhere.

A broker that fails is nobody's gadget: it has a breaker of its own and counts in no provider's figures. A gadget whose
query alone fails pauses alone: the broker's breaker counts each gadget once.
"""

import logging
import time
from datetime import timedelta

from django.utils import timezone

from core.region_time import region_date
from core.texts import Texts
from gadgets.cards import breaker
from gadgets.cityos import gateway, ngsi_ld, template
from gadgets.cityos.source import ContextSource
from gadgets.disclosure import record
from gadgets.errors import BrokerError, BrokerPausedError
from gadgets.outbound.http import Answer
from gadgets.outbound.outside_transaction import give_back_connections
from gadgets.protocol.card import bulkhead
from gadgets.types import GadgetInfo, Wanted

log = logging.getLogger(__name__)

BREAKER = "city-os"
UNSTATED: Texts = {
    "ja": "ライセンスの記載なし",
    "en": "licence not stated",
    "ja-simple": "きまりの 記載（きさい）なし",
}


def answer(wanted: Wanted, *, seconds: float) -> Answer:
    """The card as if a provider had answered it; raises CityOsError. Over after `seconds`."""
    started = time.monotonic()
    broker = ngsi_ld.source()
    gadget = wanted.gadget
    planned = gateway.plan(gadget.data, wanted.claims, gateway.grants(gadget.id))
    if not breaker.allows(BREAKER, gadget.id):
        raise BrokerPausedError
    try:
        if planned.released:
            # Written down before anything leaves, as with a card of a provider's.
            record.record(wanted, via="query", items=planned.released)
        give_back_connections()
        found = _read(planned, broker, seconds, wanted.locale, gadget.id)
    except BaseException:
        breaker.undecided(BREAKER, gadget.id)
        raise
    now = timezone.now()
    gateway.count(gadget.id, planned, region_date(now))
    with bulkhead():
        body = template.card(gadget.template or {}, found.data, terms(gadget, wanted.locale, found))
    return Answer("", 200, {}, body, time.monotonic() - started)


def terms(gadget: GadgetInfo, locale: str, found: gateway.Found) -> template.Terms:
    """What the card is made under: an observation is old once the manifest's `max_age` and `stale` are over."""
    fresh_for = timedelta(seconds=gadget.max_age + gadget.stale)
    return template.Terms(locale, timezone.now(), fresh_for, found.source, found.middles)


def _read(
    planned: gateway.Plan, broker: ContextSource, seconds: float, locale: str, gadget_id: str
) -> gateway.Found:
    unstated = UNSTATED.get(locale, UNSTATED["ja"])
    try:
        found = gateway.read(planned, source=broker, deadline=seconds, unstated=unstated)
    except BrokerError as error:
        breaker.failed(BREAKER, gadget_id)
        log.warning("context broker, read for %s: %s", gadget_id, error.detail)
        raise
    breaker.succeeded(BREAKER, gadget_id)
    return found
