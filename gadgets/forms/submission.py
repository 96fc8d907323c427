"""Sends a form that a resident filled in to its provider: consent read again, one key for one submission.

The answer is a card, which takes the place of the resident's cached one. A second click or a retry with the
same values carries the same `Idempotency-Key`; what was answered is not sent again.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.core.signing import BadSignature, Signer
from django.utils import timezone

from gadgets.cards import fetch, private_cards, signing
from gadgets.disclosure import record
from gadgets.errors import (
    FormGoneError,
    FormRefusedError,
    FormUnavailableError,
    GadgetBusyError,
    GadgetError,
    MaintenanceError,
    NotGrantedError,
    TooManySubmitsError,
)
from gadgets.outbound import locks
from gadgets.outbound.http import Answer, door
from gadgets.outbound.outside_transaction import give_back_connections, refuse_in_transaction
from gadgets.protocol import card as cards
from gadgets.protocol import forms
from gadgets.protocol.forms import FormSpec, Value
from gadgets.protocol.text import check_text
from gadgets.types import GadgetInfo, Unavailable, Wanted
from identity import queries as identity_queries
from identity import rate

PROBLEM_TYPE = "application/problem+json"
REFUSALS = (409, 422)
DONE_SECONDS = 60 * 60
MOST, PERIOD = 20, 10 * 60
"""Submissions of one resident to one gadget, and in how many seconds."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The form as it is now, or why there is none."""

    spec: FormSpec | None
    raw: Mapping[str, Any]
    error: GadgetError | None = None


def opened(wanted: Wanted, name: str, *, again: bool = False) -> Opened:
    """The form of the resident's card. `again`: a cached card is enough, also one that is old."""
    if wanted.level != "pairwise":
        return Opened(None, {}, NotGrantedError())
    held = fetch.cached(wanted) if again else None
    if held is None or forms.find(held.inputs, name) is None:
        found = fetch.refresh(wanted)
        if isinstance(found, Unavailable):
            return Opened(None, {}, FormUnavailableError(found.message, found.seconds))
        held = found
    raw = next((it for it in held.inputs if it["name"] == name), None)
    return Opened(None, {}, FormGoneError()) if raw is None else Opened(forms.read(raw), raw)


def seal(gadget_id: str, resident_id: UUID, raw: Mapping[str, Any]) -> str:
    """The form as it was drawn, for the way through the browser and back: what is typed can always be shown again."""
    return _signer(gadget_id, resident_id).sign_object(dict(raw), compress=True)


def unseal(gadget_id: str, resident_id: UUID, sealed: str) -> FormSpec | None:
    try:
        return forms.read(_signer(gadget_id, resident_id).unsign_object(sealed))
    except (BadSignature, ValueError):
        return None


def _signer(gadget_id: str, resident_id: UUID) -> Signer:
    return Signer(salt=f"gadgets.protocol.forms:{gadget_id}:{resident_id}")


def send(*, wanted: Wanted, spec: FormSpec, values: Mapping[str, Value], key: str) -> None:
    """Sends the values and keeps the card that answers.

    Raises NotGrantedError, TooManySubmitsError, MaintenanceError, BreakerOpenError, GadgetBusyError (nothing
    was sent), FormRefusedError (the provider said no), a DoorError (its `sent` says whether it may have
    arrived) or CardError (it arrived, and the answer is no card).
    """
    refuse_in_transaction()
    assert wanted.resident_id is not None  # noqa: S101  (pairwise is always somebody's)
    until = time.monotonic() + fetch.PERSON_WAITS
    body = _body(spec, values)
    once = _once(wanted.gadget.id, wanted.resident_id, key, body)
    with _alone(f"form-sending:{once}", until, fetch.PERSON_WAITS + fetch.DRAWING_SECONDS):
        if cache.get(f"form-sent:{once}") is not None:
            return
        _count(wanted.gadget, wanted.resident_id)
        _post_as_granted(wanted, body, once, until)
        cache.set(f"form-sent:{once}", 1, DONE_SECONDS)


def sent_before(
    *, gadget_id: str, resident_id: UUID, spec: FormSpec, values: Mapping[str, Value], key: str
) -> bool:
    """Whether the very same was sent and answered; waits for a first click that is on its way.

    The card that answered often has no form any more: the second click of two must not be told so.
    """
    once = _once(gadget_id, resident_id, key, _body(spec, values))
    with _alone(f"form-sending:{once}", time.monotonic() + fetch.PERSON_WAITS, fetch.PERSON_WAITS):
        return cache.get(f"form-sent:{once}") is not None


def _body(spec: FormSpec, values: Mapping[str, Value]) -> bytes:
    return forms.canonical({"form": spec.name, "values": dict(values)})


def _once(gadget_id: str, resident_id: UUID, key: str, body: bytes) -> str:
    """One name for one submission: other values under the same key are another one."""
    return hashlib.sha256(f"{gadget_id}\n{resident_id}\n{key}\n".encode() + body).hexdigest()[:32]


@contextmanager
def _alone(lock: str, until: float, longest: float) -> Iterator[None]:
    """One submission at a time for a key; a second one waits for the first."""
    token = locks.take(lock, longest=longest)
    while token is None:
        if time.monotonic() >= until:
            raise GadgetBusyError
        time.sleep(0.05)
        token = locks.take(lock, longest=longest)
    try:
        yield
    finally:
        locks.release(lock, token)


def _count(gadget: GadgetInfo, resident_id: UUID) -> None:
    wait = rate.seconds_to_wait("form", gadget.id, resident_id, most=MOST, period=PERIOD)
    if wait:
        raise TooManySubmitsError(wait)


def _post_as_granted(wanted: Wanted, body: bytes, once: str, until: float) -> None:
    for _ in range(record.ATTEMPTS):
        wanted = record.as_granted_now(wanted)
        try:
            return _post(wanted, body, once, until)
        except record.GrantChangedError:
            continue
    raise GadgetBusyError


def _post(wanted: Wanted, body: bytes, once: str, until: float) -> None:
    gadget = wanted.gadget
    resident_id, url = wanted.resident_id, gadget.action_url
    if wanted.level != "pairwise" or resident_id is None or not gadget.client_id or not url:
        raise NotGrantedError
    now = timezone.now()
    if (pause := gadget.pause(now)) is not None:
        raise MaintenanceError(pause.seconds_left(now))
    sub = identity_queries.subject_for(resident_id, gadget.client_id)

    def note() -> None:
        record.record(wanted, via="form")
        give_back_connections()

    with fetch.guarded(gadget, until, whose=fetch.whose_card(wanted)):
        token = signing.mint(wanted, method="POST", url=url, now=timezone.now(), sub=sub, body=body)
        headers = {
            "Accept": f"{cards.MEDIA_TYPE}, {PROBLEM_TYPE}",
            "Accept-Language": "en" if wanted.locale == "en" else "ja",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f'"{once}"',
        }
        give_back_connections()
        answer = door().fetch(
            url,
            method="POST",
            headers=headers,
            body=body,
            deadline=max(until - time.monotonic(), 0.01),
            max_bytes=cards.MAX_BYTES,
            content_types=(cards.MEDIA_TYPE,),
            accept=(200, *REFUSALS),
            before_sending=note,
        )
        private_cards.forget(gadget.id, resident_id)
        if answer.status == 200:
            fetch.keep(answer, wanted)
    if answer.status != 200:
        raise FormRefusedError(_reason(answer))


def _reason(answer: Answer) -> str:
    """Why the provider said no, in its own words (RFC 9457 `detail`); empty when it gave none that can be shown."""
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != PROBLEM_TYPE:
        return ""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    detail = found.get("detail") if isinstance(found, dict) else None
    if not isinstance(detail, str) or len(detail) > 300 or any(check_text("", detail)):
        return ""
    return detail.strip()
