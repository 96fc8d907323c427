"""Frames: the token that a frame asks for through its port, and the rule that its origin is its alone.

A token is minted for what the resident grants at that moment; what leaves is written down before it leaves.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from gadgets import registry
from gadgets.cards import card_store, signing
from gadgets.disclosure.record import item_names
from gadgets.errors import (
    FrameChangedError,
    FrameGoneError,
    LocalOnlyError,
    MaintenanceError,
    ManifestError,
    Problem,
    TooManyTokensError,
)
from gadgets.models import Gadget, GadgetVersion
from gadgets.protocol.manifest import Manifest
from gadgets.protocol.manifest_rules import origin_of
from gadgets.protocol.wire import problem
from gadgets.types import FrameSpec, GadgetInfo, Wanted, plain
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity import rate
from identity.queries import Bundle

TOKEN_TYPE = "rgadget-frame+jwt"  # noqa: S105  (a media type, not a secret)
TOKEN_SECONDS = signing.TOKEN_SECONDS
MOST, PERIOD = 30, 60
"""Tokens of one reader for one gadget, and in how many seconds."""
SANDBOX = "allow-scripts allow-forms allow-popups allow-same-origin"


# --- the page and its token ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Framed:
    """A frame as this reader may have it now. `asks`: the version to ask about, where it is another one."""

    spec: FrameSpec
    wanted: Wanted
    asks: GadgetInfo

    @property
    def origin(self) -> str:
        return origin_of(self.spec.src)

    @property
    def gadget(self) -> GadgetInfo:
        return self.wanted.gadget


def framed(
    gadget_id: str, *, bundle: Bundle | None, locale: str, chosen: Mapping[str, object], now: datetime
) -> Framed:
    """By the rules of cards: version, consent, small cells, region; raises FrameGoneError where there is none.

    `chosen`: the settings of this reader. A guest has no `bundle` and gets the public form.
    """
    found = registry.registry().choose(gadget_id, bundle, now)
    if found is None or found.shown.frame is None:
        raise FrameGoneError
    gadget = found.shown
    wanted = card_store.wanted_for(
        gadget,
        bundle=bundle,
        locale=locale,
        size=gadget.sizes[-1],
        settings=chosen,
        cells=registry.registry().cells,
    )
    return Framed(found.shown.frame, wanted, found.asks)


def usable(found: Framed, *, bundle: Bundle | None, now: datetime) -> None:
    """Raises LocalOnlyError or MaintenanceError for a frame that this reader may not open now."""
    if bundle is not None and not found.gadget.serves(bundle.home_region):
        raise LocalOnlyError
    if (pause := found.gadget.pause(now)) is not None:
        raise MaintenanceError(pause.seconds_left(now))


@dataclass(frozen=True, slots=True)
class Released:
    """A token, and what it was minted for: the page tells the frame when that is not what it was."""

    token: str
    granted: tuple[str, ...]


def release(
    gadget_id: str,
    *,
    resident_id: UUID | None,
    counted_as: str,
    origin: str,
    locale: str,
    chosen: Mapping[str, object],
    now: datetime,
) -> Released:
    """A token for the frame at `origin`, with what is granted at this moment.

    Raises FrameGoneError, FrameChangedError (the page was drawn for another origin), LocalOnlyError,
    MaintenanceError or TooManyTokensError; nothing has left then.
    """
    _count(gadget_id, counted_as)
    released: list[Released] = []

    def decide(bundle: Bundle | None) -> tuple[str, ...]:
        found = framed(gadget_id, bundle=bundle, locale=locale, chosen=chosen, now=now)
        usable(found, bundle=bundle, now=now)
        if found.origin != origin:
            raise FrameChangedError
        wanted = found.wanted
        sub = None
        if wanted.level == "pairwise" and wanted.resident_id and wanted.gadget.client_id:
            sub = identity_queries.subject_for(wanted.resident_id, wanted.gadget.client_id)
        released.append(Released(mint(found, now=now, sub=sub), wanted.granted))
        return item_names(wanted) if wanted.level != "none" else ()

    if resident_id is None:
        decide(None)
    else:
        identity_actions.release(resident_id=resident_id, recipient=gadget_id, via="frame", decide=decide)
    return released[0]


def mint(found: Framed, *, now: datetime, sub: str | None = None) -> str:
    """A type of its own: a frame's token is never taken for the request of a card, nor the other way round."""
    wanted = found.wanted
    if (sub is not None) != (wanted.level == "pairwise"):
        raise ValueError("a subject belongs to the level pairwise, and only there")
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": settings.PORTAL_URL.rstrip("/"),
        "aud": wanted.gadget.id,
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "jti": uuid.uuid4().hex,
        "htu": signing.htu(found.spec.src),
        "origin": found.origin,
        "ver": wanted.gadget.version,
        "granted": list(wanted.granted),
        "claims": {name: plain(value) for name, value in wanted.claims.items()},
        "ctx": {"locale": wanted.locale, "settings": dict(wanted.settings)},
    }
    if sub is not None:
        claims["sub"] = sub
    return signing.sign(claims, token_type=TOKEN_TYPE)


def _count(gadget_id: str, counted_as: str) -> None:
    wait = rate.seconds_to_wait("frame", gadget_id, counted_as, most=MOST, period=PERIOD)
    if wait:
        raise TooManyTokensError(wait)


# --- an origin of its own ------------------------------------------------------------------------------------


def origins(parsed: Manifest, url: str) -> set[str]:
    """Where a gadget lives: its manifest, its endpoints and its frame."""
    ends = parsed.endpoints
    urls = [url, ends.card, ends.login, ends.action, ends.events, parsed.frame.src if parsed.frame else None]
    return {origin for origin in map(origin_of, filter(None, urls)) if origin}


def origin_conflict(parsed: Manifest, url: str) -> Problem | None:
    """Why this gadget may not live where it says: a frame stands alone on its origin, now and later.

    Compared with every other gadget that has not retired: what is published, what some still get, what is a draft.
    """
    own = origin_of(parsed.frame.src) if parsed.frame else ""
    if own and own in {
        origin_of(settings.PORTAL_URL),
        origin_of(settings.ID_URL),
        origin_of(settings.OIDC_ISSUER),
    }:
        return _taken("$.frame.src", own)
    here = origins(parsed, url)
    for others, frame in _elsewhere(parsed.id):
        if own and own in others:
            return _taken("$.frame.src", own)
        if frame and frame in here:
            return _taken("$", frame)
    return None


def _elsewhere(gadget_id: str) -> Iterator[tuple[set[str], str]]:
    """Of every living version of another gadget: its origins, and that of its frame or an empty text."""
    living = (
        GadgetVersion.objects.exclude(gadget__gadget_id=gadget_id)
        .exclude(gadget__state=Gadget.State.RETIRED)
        .filter(
            Q(pk__in=Gadget.objects.filter(published__isnull=False).values("published"))
            | Q(pk__in=Gadget.objects.filter(earlier__isnull=False).values("earlier"))
            | Q(state__in=["draft", "checked", "in_review", "refused"])
        )
    )
    for version in living:
        try:
            parsed = registry.read(bytes(version.manifest), version.url)
        except ManifestError:  # bytes that no longer parse still hold the origin they came from
            yield {origin_of(version.url)}, ""
            continue
        yield origins(parsed, version.url), origin_of(parsed.frame.src) if parsed.frame else ""


def _taken(path: str, origin: str) -> Problem:
    return problem(
        path,
        f"{origin} は、ポータルまたは別のサービスが使っているため、枠（frame）と一緒には使えません。",
        f"{origin} is the portal's or another gadget's: a frame stands alone on its origin.",
        "枠（frame）には、そのサービスだけのホスト名を使ってください（例: map. を前に付けたもの）。",
        "Give the frame a host name that only this gadget has, such as one that begins with map.",
    )


def refuse_shared_origin(parsed: Manifest, url: str) -> None:
    """For registration and approval; raises ManifestError."""
    found = origin_conflict(parsed, url)
    if found is not None:
        raise ManifestError(found)
