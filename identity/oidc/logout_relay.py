"""Carries logout tokens of the ID to gadgets: answered at once, delivered at 0, 5, 20 and 60 seconds.

The ID sends one logout after the other, waits for each, and never again; a gadget that is slow or away must
not hold up the others. The row is the queue. What may never happen: forwarding after the token's `exp`.
"""

import json
import logging
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import jobs, sweeps
from identity import crypto, hooks
from identity.errors import CannotUnseal, InvalidToken
from identity.models import GadgetClient, LogoutDelivery
from identity.oidc import tokens

log = logging.getLogger(__name__)

DELAYS = (0, 5, 20, 60)
"""Seconds after the token came, one for each try."""
TIMEOUT = 1.5
_STUCK = timedelta(seconds=15)
JOB = "identity.deliver_logouts"


def accept(client: GadgetClient, raw: str, *, now: datetime) -> None:
    """Verifies a token that the ID sent for this client and queues it; raises `InvalidToken`."""
    event = tokens.verify_logout_token(raw, audience=client.client_id, now=now)
    enqueue(client, raw=raw, jti=event.jti, expires=event.expires)


def enqueue(client: GadgetClient, *, raw: str, jti: str, expires: datetime) -> None:
    """Stores the token and wakes the executor after the commit; a replayed `jti` raises `InvalidToken`."""
    try:
        with transaction.atomic():
            LogoutDelivery.objects.create(
                client=client,
                jti=jti,
                token_sealed=crypto.seal(raw.encode(), place=crypto.delivery_place(client.client_id, jti)),
                token_expires_at=expires,
            )
    except IntegrityError as error:
        raise InvalidToken("replayed") from error
    transaction.on_commit(lambda: jobs.kick(JOB))


def deliver_due(*, now: datetime | None = None) -> int:
    """Sends what is due; returns how many gadgets answered. Any number of workers may run it at once."""
    at = now or timezone.now()
    stuck = LogoutDelivery.objects.filter(state=LogoutDelivery.State.SENDING, next_at__lt=at - _STUCK)
    if stuck.exists():  # a sweep that finds nothing writes nothing: SQLite has one writer
        stuck.update(state=LogoutDelivery.State.WAITING)
    due = LogoutDelivery.objects.filter(state=LogoutDelivery.State.WAITING, next_at__lte=at)
    mine = [row for row in due.select_related("client").order_by("next_at")[:100] if _claim(row, now=at)]
    posted = sweeps.each(
        JOB,
        mine,
        lambda row: _post(row, now=at),
        key=lambda row: f"{row.client.client_id}:{row.pk}",
        threads=8,
    )
    tried = [*posted.done, *((row, False) for row in posted.failed)]
    sweeps.each(
        f"{JOB}.settle",
        tried,
        lambda pair: _settle(pair[0], done=pair[1], now=at),
        key=lambda pair: f"{pair[0].client.client_id}:{pair[0].pk}",
    )
    return sum(posted.results)


def _claim(row: LogoutDelivery, *, now: datetime) -> bool:
    waiting = LogoutDelivery.objects.filter(pk=row.pk, state=LogoutDelivery.State.WAITING, tries=row.tries)
    return bool(waiting.update(state=LogoutDelivery.State.SENDING, tries=row.tries + 1, next_at=now))


def _settle(row: LogoutDelivery, *, done: bool, now: datetime) -> None:
    """`row` is as it was before the claim: its `next_at` says when this try was planned."""
    after = LogoutDelivery.objects.filter(pk=row.pk)
    if done:
        after.update(state=LogoutDelivery.State.DONE, token_sealed=b"")
        return
    tries = row.tries + 1
    begun = row.next_at - timedelta(seconds=DELAYS[min(row.tries, len(DELAYS) - 1)])
    again = begun + timedelta(seconds=DELAYS[tries]) if tries < len(DELAYS) else None
    if again is not None and max(again, now) < row.token_expires_at:
        after.update(state=LogoutDelivery.State.WAITING, next_at=again)
    else:
        with transaction.atomic():
            after.update(state=LogoutDelivery.State.FAILED, token_sealed=b"")
            sub = _subject(row)
            if sub:
                hooks.registered().logout_lost(row.client.gadget_id, sub)
        log.warning("logout of %s not confirmed after %d tries", row.client.client_id, tries)


def _subject(row: LogoutDelivery) -> str:
    """Whom the token signs out; "" when it names a session only. It was verified before it was queued."""
    try:
        raw = crypto.unseal(
            bytes(row.token_sealed), place=crypto.delivery_place(row.client.client_id, row.jti)
        )
        sub = json.loads(urlsafe_b64decode(raw.split(b".")[1] + b"==")).get("sub")
    except (CannotUnseal, ValueError, IndexError, AttributeError):
        return ""
    return sub if isinstance(sub, str) else ""


def _post(row: LogoutDelivery, *, now: datetime) -> bool:
    """Runs in a thread and touches no database; never sends what has expired."""
    if row.token_expires_at <= max(now, timezone.now()):
        return False
    place = crypto.delivery_place(row.client.client_id, row.jti)
    try:
        raw = crypto.unseal(bytes(row.token_sealed), place=place).decode()
    except CannotUnseal:
        return False
    return hooks.registered().post_logout_token(
        row.client.logout_uri, urlencode({"logout_token": raw}).encode(), TIMEOUT
    )
