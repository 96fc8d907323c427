"""A gadget's package: manifest and check report in one signed file, for another region or another desk; pure.

A compact JWS (RFC 7515) with ES256 over canonical JSON (RFC 8785), `typ` of its own. The manifest goes in as the very
text that was approved, so that its hash is the hash that the exporting region serves. Translations are in the manifest.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from gadgets.errors import ManifestError, PackageError
from gadgets.protocol import manifest as manifests
from gadgets.protocol.conformance_lines import Line
from gadgets.protocol.wire import check_schema, loads, problem, schema
from gadgets.types import content_hash

TYPE = "region-gadget-package+jws"
MEDIA_TYPE = "application/vnd.region-gadget-package+jws"
ALGORITHM = "ES256"
MAX_BYTES = 512 * 1024
MAX_DEPTH = 6
_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose signature and hash were checked. `region` is empty when a provider signed it itself."""

    region: str
    portal: str
    made: datetime
    url: str
    raw: bytes
    manifest: manifests.Manifest
    report: tuple[Line, ...]


def build(
    *, raw: bytes, url: str, report: Iterable[Line], made: datetime, region: str = "", portal: str = ""
) -> dict[str, Any]:
    """The document that is signed; raises ManifestError when `raw` is no valid manifest of `url`."""
    parsed = manifests.parse(raw, url=url)
    return {
        "package": "1.0",
        "signer": {"region": region, "portal": portal},
        "made": made.isoformat(timespec="seconds"),
        "gadget": {
            "id": parsed.id,
            "version": parsed.version,
            "url": url,
            "sha256": content_hash(raw),
            "manifest": raw.decode(),
        },
        "report": [
            {
                "number": line.number,
                "ok": line.ok,
                "title": _two(line.title),
                "message": _two(line.message),
            }
            for line in report
        ],
    }


def sign(document: Mapping[str, Any], key: ECKey) -> bytes:
    """The file: canonical form, signed; the same document always has the same payload."""
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.thumbprint()}
    return jws.serialize_compact(header, rfc8785.dumps(dict(document)), key, algorithms=[ALGORITHM]).encode()


def signer(raw: bytes) -> tuple[str, str]:
    """Region and portal that a package says it is from, before anything is believed; raises PackageError."""
    document = _opened(raw, None)
    return document["signer"]["region"], document["signer"]["portal"]


def verify(raw: bytes, keys: Mapping[str, Any]) -> Package:
    """Checks signature (against a key set, RFC 7517), form, hash and manifest; raises PackageError."""
    document = _opened(raw, keys)
    gadget = document["gadget"]
    text = gadget["manifest"].encode()
    if content_hash(text) != gadget["sha256"]:
        raise PackageError(
            problem(
                "$.gadget.sha256",
                "マニフェストが、書かれたハッシュと合いません。",
                "the manifest does not have the hash that is written.",
                "書き出した地域に、もう一度パッケージを作ってもらってください。",
                "Ask the exporting region for the package again.",
            )
        )
    try:
        parsed = manifests.parse(text, url=gadget["url"])
    except ManifestError as error:
        raise PackageError(*error.problems) from error
    if (parsed.id, parsed.version) != (gadget["id"], gadget["version"]):
        raise PackageError(
            problem(
                "$.gadget.id",
                "id または版が、中のマニフェストと違います。",
                "id or version is not that of the manifest inside.",
                "書き出した地域に、もう一度パッケージを作ってもらってください。",
                "Ask the exporting region for the package again.",
            )
        )
    return Package(
        region=document["signer"]["region"],
        portal=document["signer"]["portal"],
        made=datetime.fromisoformat(document["made"]),
        url=gadget["url"],
        raw=text,
        manifest=parsed,
        report=tuple(
            Line(line["number"], line["title"], line["ok"], line["message"]) for line in document["report"]
        ),
    )


def _opened(raw: bytes, keys: Mapping[str, Any] | None) -> dict[str, Any]:
    """The payload of a package; without `keys` its signature is not looked at."""
    raw = raw.strip()
    if len(raw) > MAX_BYTES or _COMPACT.fullmatch(raw) is None:
        raise PackageError(_unreadable())
    try:
        found = jws.extract_compact(raw)
        kind = found.headers().get("typ")
    except (JoseError, ValueError) as error:
        raise PackageError(_unreadable()) from error
    if kind != TYPE:
        raise PackageError(_unreadable())
    if keys is not None:
        try:
            jws.deserialize_compact(raw, KeySet.import_key_set(dict(keys)), algorithms=[ALGORITHM])  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise PackageError(_unsigned()) from error
    document = loads(found.payload, error=PackageError, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    problems = list(check_schema(document, schema("package-1.0")))
    if problems:
        raise PackageError(*problems)
    assert isinstance(document, dict)  # noqa: S101  (the schema said so)
    if keys is not None and rfc8785.dumps(document) != found.payload:
        raise PackageError(
            problem(
                "$",
                "正規化された JSON（RFC 8785）ではありません。",
                "the payload is not canonical JSON (RFC 8785).",
                "パッケージは rgadget sign か、ポータルの書き出しで作ってください。",
                "Make packages with `rgadget sign`, or export them from a portal.",
            )
        )
    return document


def _two(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: texts[language] for language in ("ja", "en") if texts.get(language)}


def _unreadable() -> Any:
    return problem(
        "$",
        "サービスのパッケージとして読めません。",
        "this is not a package of a gadget.",
        "ポータルから書き出した、拡張子 .rgadget のファイルを、そのまま選んでください。",
        "Choose a .rgadget file as a portal exported it.",
    )


def _unsigned() -> Any:
    return problem(
        "$",
        "署名が、登録されている地域の鍵と合いません。",
        "the signature does not fit the keys of the region.",
        "地域の鍵が変わっていないかを確かめ、変わったときは地域を登録し直してください。",
        "See whether that region's keys have changed; if so, add the region anew.",
    )
