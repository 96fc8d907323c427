"""What a page wants and what the cache holds: the card's key, and its stored form; asks no provider.

A private card (level `pairwise`) is stored under AES-256-GCM with its own key in the cache as associated
data, so that an entry that is moved to another key does not open.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from gadgets.cards.render import template_version
from gadgets.release import disclosable
from gadgets.types import GadgetInfo, Source, StoredCard, Wanted, canonical, clean_settings, plain

if TYPE_CHECKING:
    from identity.queries import Bundle

_PLAIN, _SEALED = b"c1", b"s1"
_NONCE = 12


def wanted_for(
    gadget: GadgetInfo,
    *,
    bundle: "Bundle | None",
    locale: str,
    size: str,
    settings: Mapping[str, object] | None = None,
    cells: Mapping[str, int] | None = None,
) -> Wanted:
    """The card for this reader: personal by `release.disclosable`, else the public form; `cells` as there."""
    fitting = size if size in gadget.sizes else gadget.sizes[0]
    public = Wanted(gadget, fitting, locale, clean_settings(gadget.settings, settings))
    return disclosed(public, bundle, cells)


def disclosed(wanted: Wanted, bundle: "Bundle | None", cells: Mapping[str, int] | None) -> Wanted:
    """The same card with what may be disclosed to its gadget about the resident of `bundle` now."""
    found = disclosable(wanted.gadget, bundle, cells=cells)
    public = Wanted(
        wanted.gadget, wanted.size, wanted.locale, wanted.settings, too_few=found.too_few, cells=cells
    )
    if not found.granted or bundle is None:
        return public
    return replace(
        public,
        granted=found.granted,
        claims=found.claims,
        resident_id=bundle.id,
        consent_version=bundle.consent_version,
    )


def public_of(wanted: Wanted) -> Wanted | None:
    """The same card as everybody may have it; None for one that is public already."""
    if wanted.level == "none":
        return None
    return Wanted(wanted.gadget, wanted.size, wanted.locale, wanted.settings)


def fingerprint(text: str) -> str:
    """Tells texts apart without holding them; keyed, so that a short list of possible texts does not open it."""
    return hashlib.blake2b(text.encode(), key=settings.CARD_CACHE_KEY, digest_size=16).hexdigest()


def cache_key(wanted: Wanted) -> str:
    """Gadget, version, templates, size, locale, settings, and by level nothing, the claims, or the resident."""
    level = wanted.level
    holder: list[object] = []
    if level != "none":
        values = {name: plain(value) for name, value in wanted.claims.items()}
        holder = [list(wanted.granted), values]
    if level == "pairwise":
        holder += [str(wanted.resident_id), wanted.consent_version]
    parts = [
        wanted.gadget.id,
        wanted.gadget.version,
        template_version(),
        wanted.size,
        wanted.locale,
        dict(wanted.settings),
        wanted.gadget.may_alert,
        level,
        holder,
    ]
    return f"card:{level}:{hashlib.sha256(canonical(parts).encode()).hexdigest()}"


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at is not None else None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def encode(stored: StoredCard, wanted: Wanted) -> bytes:
    """The stored form: one line of JSON, then the HTML; sealed at level pairwise."""
    source = stored.source
    head: dict[str, Any] = {
        "summary": stored.summary,
        "at": [
            _seconds(at)
            for at in (
                stored.fetched_at,
                stored.fresh_until,
                stored.stale_until,
                stored.observed_at,
                stored.valid_until,
            )
        ],
        "source": [source.publisher, source.licence, source.url, source.note],
        "etag": stored.etag,
        "dates": stored.dates,
        "inputs": stored.inputs,
    }
    current, old = (form.encode() for form in stored.forms)
    head["length"] = len(current)
    body = b"\n".join((json.dumps(head, ensure_ascii=False).encode(), current + old))
    if wanted.level != "pairwise":
        return _PLAIN + body
    nonce = secrets.token_bytes(_NONCE)
    sealed = _cipher(settings.CARD_CACHE_KEY).encrypt(nonce, body, cache_key(wanted).encode())
    return _SEALED + nonce + sealed


def decode(raw: Any, wanted: Wanted, now: datetime | None = None) -> StoredCard | None:
    """The card of a stored form; None for what is missing, broken, of another form, or not sealed for this key."""
    if not isinstance(raw, bytes):
        return None
    kind, body = raw[:2], raw[2:]
    if kind != (_SEALED if wanted.level == "pairwise" else _PLAIN):
        return None
    try:
        if kind == _SEALED:
            nonce, sealed = body[:_NONCE], body[_NONCE:]
            body = _cipher(settings.CARD_CACHE_KEY).decrypt(nonce, sealed, cache_key(wanted).encode())
        stored = _opened(body)
    except (InvalidTag, ValueError, KeyError, TypeError):
        return None
    if stored.forms[1] and stored.status(now or datetime.now(UTC)) == "old":
        return replace(stored, html=stored.forms[1])
    return stored


def _opened(body: bytes) -> StoredCard:
    head, _, drawn = body.partition(b"\n")
    found = json.loads(head)
    fetched, fresh, stale, observed, valid = found["at"]
    forms = (drawn[: found["length"]].decode(), drawn[found["length"] :].decode())
    return StoredCard(
        html=forms[0],
        summary=found["summary"],
        fetched_at=_moment(fetched),
        fresh_until=_moment(fresh),
        stale_until=_moment(stale),
        observed_at=_moment(observed),
        source=Source(*found["source"]),
        valid_until=_moment(valid) if valid is not None else None,
        etag=found["etag"],
        forms=forms,
        dates=tuple((iso, label, note) for iso, label, note in found["dates"]),
        inputs=tuple(found["inputs"]),
    )
