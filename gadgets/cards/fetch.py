"""Fetches cards: consent read again, token minted, one call at a time for a key, stale on error.

`refresh` is called by fragment requests and by background sweeps, never by the home. Everything else here
(`wanted_for`, `cache_key`, `decode`) asks no provider.
"""

import logging
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from gadgets.cards import breaker, calendar, card_addresses, private_cards, signing
from gadgets.cards.card_store import (
    cache_key,
    decode,
    encode,
    fingerprint,
    public_of,
    wanted_for,
)
from gadgets.cards.render import render
from gadgets.cityos import query
from gadgets.disclosure import record
from gadgets.errors import (
    BreakerOpenError,
    CardError,
    CardNotDrawnError,
    CookieRefusedError,
    DoorError,
    GadgetBusyError,
    GadgetError,
    MaintenanceError,
    NameLookupError,
    NoCardError,
    NoContractError,
)
from gadgets.metrics import call_metrics
from gadgets.outbound import locks
from gadgets.outbound.http import Answer, Door, door
from gadgets.outbound.outside_transaction import (
    HttpInTransactionError,
    give_back_connections,
    refuse_in_transaction,
)
from gadgets.protocol import card as cards
from gadgets.protocol.cards import card_clock
from gadgets.protocol.cards.card_voice import lowered
from gadgets.release import claims_key
from gadgets.signals import card_fetched
from gadgets.types import FetchOutcome, GadgetInfo, StoredCard, Unavailable, Wanted
from identity import queries as identity_queries
from identity.errors import IdentityError

__all__ = [
    "BACKGROUND",
    "PERSON_WAITS",
    "HttpInTransactionError",
    "StoredCard",
    "Unavailable",
    "Wanted",
    "cache_key",
    "cached",
    "decode",
    "encode",
    "fingerprint",
    "is_fresh",
    "public_of",
    "refresh",
    "wanted_for",
]

log = logging.getLogger(__name__)

PERSON_WAITS = 1.5
"""Seconds for everything while a person waits."""
BACKGROUND = 5.0
"""Seconds for everything in the background."""
DRAWING_SECONDS = 10.0
"""Seconds that checking and drawing an answer can take after the deadline of the call."""
PER_GADGET = 4
PER_WORKER = 32
PAIRWISE_SECONDS = 15 * 60
SHORTEST_FRESH = 15
JITTER = 0.1

_worker = threading.BoundedSemaphore(PER_WORKER)
_gadgets: dict[str, threading.BoundedSemaphore] = {}
_gadgets_lock = threading.Lock()


def cached(wanted: Wanted, now: datetime | None = None) -> StoredCard | None:
    """What the cache holds for this card, fresh or stale."""
    stored = decode(cache.get(cache_key(wanted)), wanted)
    return stored if stored is not None and (now or timezone.now()) < stored.stale_until else None


def is_fresh(wanted: Wanted) -> bool:
    """Whether the cache holds this card and nobody needs to ask for it."""
    held = cached(wanted)
    return held is not None and not held.wants_refresh(timezone.now())


def refresh(wanted: Wanted, *, deadline: float = PERSON_WAITS) -> StoredCard | Unavailable:
    """The card, asked from its provider when it is not fresh; over after `deadline` seconds.

    On error the stale card comes back where there is one. Consent is read again before anything is sent:
    what comes back is the card for what is granted at that moment.
    """
    if not wanted.gadget.has_card:
        return _unavailable(NoCardError())
    refuse_in_transaction()
    until = time.monotonic() + deadline
    held = cached(wanted)
    if held is not None and not held.wants_refresh(timezone.now()):
        call_metrics.hits((wanted.gadget.id,), timezone.now())
        return held
    now = timezone.now()
    if (pause := wanted.gadget.pause(now)) is not None:
        return held or _unavailable(MaintenanceError(pause.seconds_left(now)))
    lock = f"fetching:{cache_key(wanted)}"
    with locks.tried(lock, longest=deadline + DRAWING_SECONDS) as mine:
        if mine:
            return _attempt(wanted, held, until)
    return held or _from_other(wanted, lock, until)


def _from_other(wanted: Wanted, lock: str, until: float) -> StoredCard | Unavailable:
    """The card that another request is fetching just now."""
    give_back_connections()
    while time.monotonic() < until:
        time.sleep(0.05)
        busy = cache.get(lock) is not None
        found = cached(wanted)
        if found is not None:
            return found
        if not busy:
            break
    return _unavailable(GadgetBusyError())


def _attempt(wanted: Wanted, held: StoredCard | None, until: float) -> StoredCard | Unavailable:
    gadget = wanted.gadget
    try:
        with guarded(gadget, until, whose=whose_card(wanted)):
            return _ask(wanted, until)
    except IdentityError as error:
        log.warning("card of %s not asked for: %s", gadget.id, type(error).__name__)
        return held or _unavailable(GadgetError())
    except NoContractError as error:
        # What was read under an agreement that is over is not shown any longer either.
        cache.delete(cache_key(wanted))
        return _unavailable(error)
    except GadgetError as error:
        return held or _unavailable(error)


def whose_card(wanted: Wanted) -> str:
    """Whose card it is, for the breaker: a resident's, that of all who share some values, or the public one."""
    if wanted.gadget.identity == "none":
        return ""
    if wanted.level == "pairwise":
        return fingerprint(str(wanted.resident_id))
    return fingerprint(claims_key(wanted.claims)) if wanted.level == "audience" else "public"


@contextmanager
def guarded(gadget: GadgetInfo, until: float, *, whose: str = "") -> Iterator[None]:
    """A call to a provider by the rules of all calls: a place in the bulkheads, the breaker, the figures.

    Raises GadgetBusyError or BreakerOpenError before the call; what the call itself raises counts and goes on.
    """
    started = time.monotonic()
    with _bulkhead(gadget.id, until):
        if not breaker.allows(gadget.id, whose):
            raise BreakerOpenError(breaker.seconds_left(gadget.id, whose))
        try:
            yield
        except NameLookupError as error:
            breaker.undecided(gadget.id, whose)
            log.warning("card of %s not asked for: %s", gadget.id, error.code)
            raise
        except (DoorError, CardError) as error:
            breaker.failed(gadget.id, whose)
            place = f" ({error.place})" if isinstance(error, CardNotDrawnError) else ""
            log.warning("card of %s failed: %s%s", gadget.id, error.code, place)
            _report(gadget, error.code, error.provider_message, started)
            raise
        except BaseException:
            breaker.undecided(gadget.id, whose)
            raise
        breaker.succeeded(gadget.id, whose)
        _report(gadget, "", "", started)


def _ask(wanted: Wanted, until: float) -> StoredCard:
    """One signed request for what is granted now; made anew where that changes before it leaves."""
    for _ in range(record.ATTEMPTS):
        wanted = record.as_granted_now(wanted)
        try:
            return _ask_once(wanted, until)
        except record.GrantChangedError:
            continue
    raise GadgetBusyError


def _ask_once(wanted: Wanted, until: float) -> StoredCard:
    """The answer is checked, drawn and stored."""
    gadget = wanted.gadget
    if gadget.template is not None:
        return keep(query.answer(wanted, seconds=max(until - time.monotonic(), 0.01)), wanted)
    url = gadget.card_url or ""
    held = cached(wanted)
    sub = None
    if wanted.level == "pairwise" and wanted.resident_id and gadget.client_id:
        sub = identity_queries.subject_for(wanted.resident_id, gadget.client_id)
    headers = {"Accept": cards.MEDIA_TYPE, "Accept-Language": "en" if wanted.locale == "en" else "ja"}
    if held is not None and held.etag:
        headers["If-None-Match"] = held.etag
    token = signing.mint(wanted, method="GET", url=url, now=timezone.now(), sub=sub)
    headers["Authorization"] = f"Bearer {token}"
    give_back_connections()
    answer = _send(door(), url, headers, wanted, until)
    if answer.status == 304 and answer.sets_cookie:
        raise CookieRefusedError(url)
    if answer.status == 304 and held is not None:
        now = timezone.now()
        return _put(_dated(held, answer, gadget, wanted, now), wanted, now)
    return keep(answer, wanted)


def keep(answer: Answer, wanted: Wanted) -> StoredCard:
    """Checks, draws and stores the card that a provider answered; raises CardError or CookieRefusedError."""
    now = timezone.now()
    if answer.sets_cookie:
        raise CookieRefusedError(answer.url)
    with cards.bulkhead():
        parsed = card_clock.check(cards.parse(answer.body, manifest=wanted.gadget), now)
        stored = _dated(_drawn(parsed, wanted, answer, now), answer, wanted.gadget, wanted, now)
    return _put(stored, wanted, now)


def _put(stored: StoredCard, wanted: Wanted, now: datetime) -> StoredCard:
    with cards.bulkhead():
        raw = encode(stored, wanted)
    seconds = (stored.stale_until - now).total_seconds()
    if wanted.level == "pairwise":
        private_cards.store(wanted, raw, seconds)
    else:
        cache.set(cache_key(wanted), raw, seconds)
    return decode(raw, wanted, now) or stored


def _send(through: Door, url: str, headers: dict[str, str], wanted: Wanted, until: float) -> Answer:
    """Sends. What leaves is written down for the resident once the provider is there, and before it leaves."""

    def note() -> None:
        record.record(wanted, via="card")
        give_back_connections()

    return through.fetch(
        url,
        headers=headers,
        deadline=max(until - time.monotonic(), 0.01),
        max_bytes=cards.MAX_BYTES,
        content_types=(cards.MEDIA_TYPE,),
        accept=(200, 304) if "If-None-Match" in headers else (200,),
        before_sending=note if wanted.level != "none" else None,
    )


def _drawn(parsed: cards.Card, wanted: Wanted, answer: Answer, now: datetime) -> StoredCard:
    etag = answer.headers.get("etag", "")
    address = calendar.address(wanted)
    at = card_addresses.of(wanted)
    parsed = lowered(parsed, may_alert=wanted.gadget.may_alert)

    def draw(*, old: bool) -> str:
        return render(
            parsed, locale=wanted.locale, size=wanted.size, calendar_url=address, addresses=at, old=old
        )

    current = draw(old=False)
    changes = any(isinstance(block, cards.Metric) and block.status == "current" for block in parsed.blocks)
    old = draw(old=True) if changes else current
    return StoredCard(
        html=current,
        summary=parsed.summary,
        fetched_at=now,
        fresh_until=now,
        stale_until=now,
        observed_at=parsed.observed_at.astimezone(UTC),
        source=parsed.source,
        valid_until=parsed.valid_until.astimezone(UTC),
        etag=etag if re.fullmatch(r'(W/)?"[!#-~]{0,200}"', etag) else "",
        forms=(current, old if old != current else ""),
        dates=calendar.dates_of(parsed),
        inputs=parsed.inputs,
    )


def _dated(
    stored: StoredCard, answer: Answer, gadget: GadgetInfo, wanted: Wanted, now: datetime
) -> StoredCard:
    """Fresh for the manifest's time, or what the provider's headers shorten it to, less a little at random."""
    fresh, stale = float(gadget.max_age), float(gadget.stale)
    control = answer.headers.get("cache-control", "").lower()
    told = re.search(r"\bmax-age\s*=\s*\"?(\d{1,9})", control)
    if told:
        fresh = min(fresh, float(told.group(1)))
    if "no-store" in control or "no-cache" in control:
        fresh = 0.0
        stale = 0.0 if "no-store" in control else stale
    if wanted.level == "pairwise":
        fresh = min(fresh, PAIRWISE_SECONDS)
    fresh = max(fresh * (1 - random.random() * JITTER), SHORTEST_FRESH)  # noqa: S311  spreads load, hides nothing
    whole = fresh + stale
    if wanted.level == "pairwise":
        whole = min(whole, PAIRWISE_SECONDS)
    return replace(
        stored,
        html=stored.forms[0],
        fetched_at=now,
        fresh_until=now + timedelta(seconds=fresh),
        stale_until=now + timedelta(seconds=whole),
    )


@contextmanager
def _bulkhead(gadget_id: str, until: float) -> Iterator[None]:
    """Four calls at once for a gadget, 32 for this worker; waits for a place while there is time."""
    with _gadgets_lock:
        place = _gadgets.setdefault(gadget_id, threading.BoundedSemaphore(PER_GADGET))
    if not _entered(place, until):
        raise GadgetBusyError
    try:
        if not _entered(_worker, until):
            raise GadgetBusyError
        try:
            yield
        finally:
            _worker.release()
    finally:
        place.release()


def _entered(place: threading.BoundedSemaphore, until: float) -> bool:
    """Takes a place, now or as soon as there is one; who waits for it holds no database connection."""
    if place.acquire(blocking=False):
        return True
    give_back_connections()
    return place.acquire(timeout=max(until - time.monotonic(), 0))


def _report(gadget: GadgetInfo, code: str, detail: str, started: float) -> None:
    outcome = FetchOutcome(
        gadget_id=gadget.id,
        version=gadget.version,
        ok=not code,
        code=code,
        detail=detail,
        seconds=time.monotonic() - started,
        at=timezone.now(),
    )
    card_fetched.send_robust(sender=FetchOutcome, outcome=outcome)


def _unavailable(error: GadgetError) -> Unavailable:
    return Unavailable(error.code, error.message, error.retry, error.provider_message, error.seconds)
