"""`rgadget sign`: manifest and test report as one signed package, for another region or another desk."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from gadgets.conformance import Line
from gadgets.outbound.http import Door
from gadgets.protocol.package import build
from gadgets.protocol.package import sign as signed
from gadgets.rgadget.mock import key_set
from gadgets.rgadget.out import Exit, Out, ToolError
from gadgets.rgadget.subject import as_json, read
from gadgets.rgadget.surroundings import key, now
from gadgets.types import content_hash

REPORT_BYTES = 512 * 1024


def sign(out: Out, door: Door, *, place: str, report: Path, key_file: Path, target: str) -> Exit:
    """Writes the package, and beside the key the key set with which others check it."""
    found = as_json(report, REPORT_BYTES)
    lines, sha256, url = _report(found, report)
    source = read(place, door, url)
    manifest = source.parsed()
    if content_hash(source.raw) != sha256:
        raise ToolError(
            Exit.FIX,
            {
                "ja": "報告は、別の内容のマニフェストについてのものです。",
                "en": "The report is about a manifest with other content.",
            },
            {
                "ja": f"rgadget test {source.url} --report {report} をもう一度実行してください。",
                "en": f"Run again: rgadget test {source.url} --report {report}",
            },
        )
    if any(line.ok is False for line in lines):
        raise ToolError(
            Exit.FIX,
            {"ja": "報告に、直すところが残っています。", "en": "The report has something to fix."},
            {
                "ja": "すべて合格してから署名してください。",
                "en": "Sign when every check passes.",
            },
        )
    mine = key(key_file)
    document = build(raw=source.raw, url=source.url, report=lines, made=now())
    path = Path(target or f"{manifest.id}-{manifest.version}.rgadget")
    keys = key_file.with_suffix(".jwks.json")
    try:
        path.write_bytes(signed(document, mine))
        keys.write_text(json.dumps(key_set(mine), indent=1), encoding="utf-8")
    except OSError as error:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"{path} に書けません（{error.strerror}）。", "en": f"{path}: {error.strerror}."},
            {
                "ja": "--out に書ける場所を指定してください。",
                "en": "Name a place that can be written with --out.",
            },
        ) from error
    out.say(f"{path} を書きました。確かめる鍵: {keys}", f"Wrote {path}. Keys to check it with: {keys}")
    return Exit.GOOD


def _report(found: Any, path: Path) -> tuple[tuple[Line, ...], str, str]:
    """The lines of a report, the hash of the manifest that it is about, and that manifest's address."""
    try:
        lines = tuple(
            Line(line["number"], line["title"], line["ok"], line["message"], line["remedy"])
            for line in found["lines"]
        )
        datetime.fromisoformat(found["made"])
        return lines, str(found["sha256"]), str(found["url"])
    except (LookupError, TypeError, ValueError) as error:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"{path} は検査の報告ではありません。", "en": f"{path} is no report of the checks."},
            {
                "ja": f"rgadget test URL --report {path} で作ってください。",
                "en": f"Make it with: rgadget test URL --report {path}",
            },
        ) from error
