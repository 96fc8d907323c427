"""Where a manifest comes from: a file, or the address that publishes it."""

import json
from dataclasses import dataclass
from pathlib import Path

from gadgets.errors import ManifestError
from gadgets.outbound.http import JSON_TYPES, Door
from gadgets.protocol import manifest as manifests
from gadgets.protocol.manifest import Manifest, origin_of
from gadgets.protocol.wire import loads
from gadgets.registration.manifest_source import SECONDS
from gadgets.rgadget.out import Exit, ToolError


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a manifest, and the address that they are judged by."""

    raw: bytes
    url: str

    def parsed(self) -> Manifest:
        """Raises ManifestError with every problem."""
        return manifests.parse(self.raw, url=self.url)


def is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def fetched(url: str, door: Door) -> Source:
    """As the address answers now; raises DoorError."""
    answer = door.fetch(url, deadline=SECONDS, max_bytes=manifests.MAX_BYTES, content_types=JSON_TYPES)
    return Source(answer.body, url)


def read(place: str, door: Door, url: str = "") -> Source:
    """From an address or a file. A file is judged by `url`, else by the origin of its own endpoints."""
    if is_url(place):
        return fetched(place, door)
    raw = from_file(Path(place), manifests.MAX_BYTES + 1)
    return Source(raw, url or f"{_origin(raw)}/gadget.json")


def from_file(path: Path, most: int) -> bytes:
    """The beginning of a file, `most` bytes at most."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"{path} を読めません（{error.strerror}）。", "en": f"{path}: {error.strerror}."},
            {"ja": "ファイルの場所を確かめてください。", "en": "See where the file is."},
        ) from error


def _origin(raw: bytes) -> str:
    document = loads(raw, error=ManifestError, max_bytes=manifests.MAX_BYTES, max_depth=manifests.MAX_DEPTH)
    endpoints = document.get("endpoints") if isinstance(document, dict) else None
    found = (
        [origin for url in (endpoints or {}).values() if isinstance(url, str) and (origin := origin_of(url))]
        if isinstance(endpoints, dict)
        else []
    )
    if found:
        return found[0]
    raise ToolError(
        Exit.USAGE,
        {
            "ja": "このマニフェストがどこで公開されるのか、分かりません。",
            "en": "Where this manifest is published cannot be told from it.",
        },
        {
            "ja": "--url https://ホスト名/gadget.json を付けてください。",
            "en": "Add --url https://host/gadget.json.",
        },
    )


def as_json(path: Path, most: int) -> object:
    """A file of ours as JSON."""
    try:
        return json.loads(from_file(path, most))
    except ValueError as error:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"{path} は JSON ではありません。", "en": f"{path} is not JSON."},
            {"ja": "rgadget が書いたファイルを指定してください。", "en": "Name a file that rgadget wrote."},
        ) from error
