"""Other regions: what this one offers them, whom an operator trusts, and what they offer.

A region is its portal's address and the keys that an operator has seen and confirmed; from then on only packages
signed with one of these are taken over (`gadgets.federation.packages`). Nothing is fetched but through the door.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.region.current import current_region
from core.texts import Texts
from gadgets.cards import signing as portal_keys
from gadgets.errors import (
    KeysChangedError,
    LifeError,
    ManifestError,
    NoSuchGadgetError,
    NoSuchRegionError,
    NotPermittedError,
    Problem,
)
from gadgets.models import CheckRun, Gadget, Region
from gadgets.outbound.http import JSON_TYPES, door
from gadgets.protocol import package
from gadgets.protocol.conformance_lines import Line
from gadgets.protocol.manifest import increases, origin_of
from gadgets.protocol.text import walk_texts
from gadgets.protocol.wire import check_schema, loads, schema
from gadgets.registry import registry
from identity.audit import chain
from identity.domain.roles import OPERATOR, Actor

DISCOVERY = "/.well-known/region-portal.json"
FEED = "/.well-known/region-gadgets.json"
SECONDS = 5.0
DISCOVERY_BYTES = 32 * 1024
FEED_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RegionView:
    """A region as an operator sees it. `prints`: the RFC 7638 thumbprints of its keys, for comparing by telephone."""

    code: str
    name: Texts
    portal_url: str
    prints: tuple[str, ...]
    keys: Mapping[str, Any]
    added_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """One gadget in another region's feed, and what this region has of it: nothing, an older one, or the same."""

    id: str
    version: str
    title: Texts
    summary: Texts
    provider: str
    kind: str
    identity: str
    package_url: str
    here: str
    newer: bool


# --- what this region offers -----------------------------------------------------------------------------------


def feed() -> dict[str, Any]:
    """The published gadgets of this region, for other regions' desks; served at `FEED`."""
    base = settings.PORTAL_URL
    return {
        "feed": "1.0",
        "region": current_region().code,
        "portal": base,
        "made": timezone.now().isoformat(timespec="seconds"),
        "gadgets": [
            {
                "id": gadget.id,
                "version": gadget.version,
                "title": dict(gadget.title),
                "summary": dict(gadget.summary),
                "category": gadget.category,
                "kind": gadget.kind,
                "identity": gadget.identity,
                "provider": gadget.provider_name,
                "regions": list(gadget.regions),
                "package": f"{base}/gadgets/{gadget.id}/package.rgadget",
            }
            for gadget in registry().gadgets.values()
        ],
    }


def export(gadget_id: str) -> bytes:
    """The signed package of a published gadget: the approved bytes and the last report of their checks."""
    row = (
        Gadget.objects.filter(gadget_id=gadget_id, state=Gadget.State.PUBLISHED)
        .select_related("published")
        .first()
    )
    if row is None or row.published is None:
        raise NoSuchGadgetError
    run = (
        row.published.runs.filter(state=CheckRun.State.DONE)
        .prefetch_related("lines")
        .order_by("-finished_at")
        .first()
    )
    lines = sorted(run.lines.all(), key=lambda line: line.position) if run else ()
    document = package.build(
        raw=bytes(row.published.manifest),
        url=row.published.url,
        report=[Line(line.number, line.title, line.ok, line.message) for line in lines],
        made=timezone.now(),
        region=current_region().code,
        portal=settings.PORTAL_URL,
    )
    return package.sign(document, portal_keys.signing_key())


# --- whom an operator trusts -----------------------------------------------------------------------------------


def known(code: str = "") -> tuple[RegionView, ...]:
    """The regions that were added, by code; with `code` only that one."""
    rows = Region.objects.order_by("code")
    return tuple(_view(row) for row in (rows.filter(code=code) if code else rows))


def look(*, portal_url: str, by: Actor) -> RegionView:
    """What a portal says of itself and which keys it shows; keeps nothing. Raises DoorError, ManifestError."""
    _operator(by)
    base = origin_of(portal_url.strip())
    if not base:
        door().check(portal_url.strip())  # says what is wrong with the address
    said = _fetched(base + DISCOVERY, DISCOVERY_BYTES, "region-1.0")
    if said["portal"] != base or origin_of(said["jwks_uri"]) != base:
        raise LifeError(
            gettext_noop(
                "このアドレスのポータルは、別のアドレスを名のっています。正しいアドレスを確かめてください。"
            )
        )
    if said["region"] == current_region().code:
        raise LifeError(gettext_noop("この窓口自身の地域です。"))
    key_set = _key_set(_fetched(said["jwks_uri"], DISCOVERY_BYTES, "keys-1.0"))
    return RegionView(said["region"], said["name"], base, _prints(key_set), key_set)


@transaction.atomic
def trust(*, seen: RegionView, confirmed: tuple[str, ...], by: Actor) -> None:
    """Adds a region, or its new keys. `confirmed` are the thumbprints on the page where the operator said yes."""
    _operator(by)
    if set(confirmed) != set(seen.prints) or not confirmed:
        raise KeysChangedError
    try:
        with transaction.atomic():
            Region.objects.update_or_create(
                code=seen.code,
                defaults={
                    "name": dict(seen.name),
                    "portal_url": seen.portal_url,
                    "keys": dict(seen.keys),
                    "added_at": timezone.now(),
                },
            )
    except IntegrityError as error:
        raise LifeError(gettext_noop("このアドレスは、すでに別の地域として登録されています。")) from error
    chain.record("region_trusted", by=by, region=seen.code, keys=list(seen.prints))


@transaction.atomic
def forget(*, code: str, by: Actor) -> None:
    """Trusts a region no longer; what was taken over from it stays as it was reviewed here."""
    _operator(by)
    if not Region.objects.filter(code=code).delete()[0]:
        raise NoSuchRegionError
    chain.record("region_forgotten", by=by, region=code)


# --- what they offer -------------------------------------------------------------------------------------------


def offers(*, code: str, by: Actor) -> tuple[Offered, ...]:
    """The other region's feed, beside what is here; asked anew each time."""
    _operator(by)
    region = one(code)
    document = _fetched(region.portal_url + FEED, FEED_BYTES, "feed-1.0")
    here = dict(Gadget.objects.exclude(published=None).values_list("gadget_id", "published__version"))
    return tuple(
        Offered(
            id=entry["id"],
            version=entry["version"],
            title=entry["title"],
            summary=entry["summary"],
            provider=entry["provider"],
            kind=entry["kind"],
            identity=entry["identity"],
            package_url=entry["package"],
            here=here.get(entry["id"], ""),
            newer=entry["id"] in here and increases(entry["version"], here[entry["id"]]),
        )
        for entry in document["gadgets"]
        if origin_of(entry["package"]) == region.portal_url and _for_us(entry["regions"])
    )


def one(code: str) -> RegionView:
    """The region with this code; raises NoSuchRegionError."""
    found = known(code)
    if not code or not found:
        raise NoSuchRegionError
    return found[0]


def _for_us(regions: list[str]) -> bool:
    return "*" in regions or current_region().code in regions


def _operator(by: Actor) -> None:
    if not by.has(OPERATOR):
        raise NotPermittedError


def _view(row: Region) -> RegionView:
    return RegionView(row.code, row.name, row.portal_url, _prints(row.keys), row.keys, row.added_at)


def _prints(key_set: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(key.thumbprint() for key in KeySet.import_key_set(dict(key_set)).keys))  # type: ignore[arg-type]


def _key_set(document: Mapping[str, Any]) -> dict[str, Any]:
    """The EC keys of a key set, as they will be pinned; nothing private can be among what is kept."""
    kept = [
        {name: key[name] for name in ("kty", "crv", "x", "y", "kid", "alg", "use") if name in key}
        for key in document["keys"]
        if key.get("kty") == "EC" and key.get("crv") == "P-256"
    ]
    try:
        if not kept:
            raise ValueError("no key")
        KeySet.import_key_set({"keys": kept})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise LifeError(
            gettext_noop("このポータルの鍵（ES256）が読めません。相手の地域に確かめてください。")
        ) from error
    return {"keys": kept}


def _fetched(url: str, max_bytes: int, form: str) -> dict[str, Any]:
    answer = door().fetch(url, deadline=SECONDS, max_bytes=max_bytes, content_types=JSON_TYPES)
    document = loads(answer.body, error=ManifestError, max_bytes=max_bytes, max_depth=8)
    problems = [
        Problem(f"{urlsplit(url).path} {found.path}", found.message, found.remedy)
        for found in (*check_schema(document, schema(form)), *walk_texts(document))
    ]
    if problems:
        raise ManifestError(*problems[:5])
    assert isinstance(document, dict)  # noqa: S101  (the schema said so)
    return document
