"""An event for a provider as it goes over the wire: the signed token, the one call, and the answer that is taken."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.conf import settings

from gadgets.cards import signing
from gadgets.errors import EventAnswerError
from gadgets.outbound.http import Door, door
from gadgets.protocol.text import walk_texts
from gadgets.protocol.wire import check_schema, loads, schema

TOKEN_TYPE = "rgadget-event+jwt"  # noqa: S105  (a media type, not a secret)
TOKEN_SECONDS = 120
MEDIA_TYPE = "application/jwt"
ANSWER_BYTES = 16 * 1024
ANSWER_DEPTH = 4

Kind = Literal["consent-withdrawn", "erasure", "erasure-check", "session-ended"]
WITHDRAWN: Kind = "consent-withdrawn"
ERASURE: Kind = "erasure"
ERASURE_CHECK: Kind = "erasure-check"
SESSION_ENDED: Kind = "session-ended"
TOLD: frozenset[str] = frozenset({ERASURE, ERASURE_CHECK})
"""The kinds whose answer says what is kept; of the others only the status is read."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a provider is told about one of its pseudonyms. `txn` is the same in every try."""

    kind: str
    gadget_id: str
    sub: str
    txn: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that a provider must keep although it was asked to erase, and why; in the provider's words."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider answered: how many records it keeps (dry run) or erased, and what it must keep."""

    records: int | None = None
    kept: tuple[Kept, ...] = ()


def claims(event: Event, *, now: datetime, issuer: str = "") -> dict[str, Any]:
    """The claims of the token for one try; `issuer` is this portal where it is not named."""
    issued = int(now.timestamp())
    return {
        "iss": issuer or settings.PORTAL_URL.rstrip("/"),
        "aud": event.gadget_id,
        "sub": event.sub,
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
        "txn": event.txn,
        "event": event.kind,
        "items": list(event.items),
    }


def mint(event: Event, *, now: datetime) -> str:
    """The signed event; made just before sending, anew for each try."""
    return signing.sign(claims(event, now=now), token_type=TOKEN_TYPE)


def send(event: Event, url: str, *, deadline: float, now: datetime) -> Told:
    """One try. Done is 204, or 200 with what the kind asks for; raises `DoorError` or `EventAnswerError`."""
    return post(url, mint(event, now=now), kind=event.kind, deadline=deadline)


def post(url: str, token: str, *, kind: str, deadline: float, through: Door | None = None) -> Told:
    """Posts a token; touches no database."""
    wants_words = kind in TOLD
    answer = (through or door()).fetch(
        url,
        method="POST",
        headers={"Content-Type": MEDIA_TYPE, "Accept": "application/json"},
        body=token.encode(),
        deadline=deadline,
        max_bytes=ANSWER_BYTES,
        content_types=("application/json",) if wants_words else None,
        accept=(200, 204),
    )
    if answer.status == 204:
        return Told(records=0) if wants_words else Told()
    return read_answer(answer.body) if wants_words else Told()


def read_answer(raw: bytes) -> Told:
    """What a provider says of what it keeps; raises `EventAnswerError` naming place and remedy."""
    document = loads(raw, error=EventAnswerError, max_bytes=ANSWER_BYTES, max_depth=ANSWER_DEPTH)
    problems = [*check_schema(document, schema("event-answer-1.0"))]
    if isinstance(document, Mapping):
        problems += walk_texts(document)
    if problems:
        raise EventAnswerError(*problems)
    kept = tuple(Kept(one["what"], one["why"]) for one in document.get("kept", ()))
    return Told(document["records"], kept)
