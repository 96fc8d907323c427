"""Fetches a manifest for registration: the origin must list it, and it must parse; writes nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime

from gadgets.cityos import template
from gadgets.errors import ManifestError, NotListedError, Problem
from gadgets.outbound.http import JSON_TYPES, Door, door
from gadgets.protocol import manifest as manifests
from gadgets.protocol.wire import loads

WELL_KNOWN = "/.well-known/region-gadget.json"
SECONDS = 3.0
LISTING_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """A manifest as it was published at `url`; `raw` is what is pinned and served after approval."""

    url: str
    raw: bytes
    manifest: manifests.Manifest


def fetch(url: str, outside: Door | None = None) -> Fetched:
    """Raises DoorError, ManifestError, or NotListedError when the origin does not name this URL as its own.

    `outside`: the door to use where no portal's settings are; else the portal's own.
    """
    outside = outside or door()
    outside.check(url)
    well_known = manifests.origin_of(url) + WELL_KNOWN
    listing = outside.fetch(well_known, deadline=SECONDS, max_bytes=LISTING_BYTES, content_types=JSON_TYPES)
    if url not in _listed(listing.body, well_known):
        raise NotListedError(url, well_known)
    answer = outside.fetch(url, deadline=SECONDS, max_bytes=manifests.MAX_BYTES, content_types=JSON_TYPES)
    parsed = manifests.parse(answer.body, url=url)
    if found := template.check(parsed, datetime.now(UTC)):
        raise ManifestError(*found)
    return Fetched(url, answer.body, parsed)


def _listed(raw: bytes, place: str) -> list[str]:
    document = loads(raw, error=ManifestError, max_bytes=LISTING_BYTES, max_depth=3)
    urls = document.get("gadgets") if isinstance(document, dict) else None
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise ManifestError(
            Problem(
                place,
                {"ja": "gadgets の一覧がありません。", "en": "there is no list `gadgets`."},
                {
                    "ja": '{"gadgets": ["マニフェストのアドレス"]} の形で書いてください。',
                    "en": 'Publish {"gadgets": ["address of the manifest"]}.',
                },
            )
        )
    return urls
