"""`rgadget validate`, `rgadget serve` and `rgadget test`: the manifest alone, the cards on a page, every check."""

import json
import shutil
from pathlib import Path

from gadgets.conformance import Environment, Line, Subject, check
from gadgets.outbound.http import Door
from gadgets.protocol.package import MAX_BYTES as PACKAGE_BYTES
from gadgets.protocol.package import verify
from gadgets.registration.manifest_source import fetch
from gadgets.rgadget.mock import Portal, answering, listening
from gadgets.rgadget.out import Exit, Out, ToolError
from gadgets.rgadget.subject import Source, as_json, from_file, read
from gadgets.rgadget.surroundings import now
from gadgets.types import content_hash

KEY_SET_BYTES = 64 * 1024


def validate(out: Out, door: Door, *, place: str, url: str, keys: str) -> Exit:
    """A manifest against schema and rules; a package also against the keys of whoever signed it."""
    if place.endswith(".rgadget"):
        return _package(out, place, keys)
    manifest = read(place, door, url).parsed()
    out.say(
        f"✔ {manifest.id} {manifest.version} は正しいマニフェストです（{manifest.kind}、{manifest.identity}）。",
        f"✔ {manifest.id} {manifest.version} is a valid manifest ({manifest.kind}, {manifest.identity}).",
    )
    return Exit.GOOD


def _package(out: Out, place: str, keys: str) -> Exit:
    if not keys:
        raise ToolError(
            Exit.USAGE,
            {"ja": "署名を確かめる鍵がありません。", "en": "There is no key to check the signature with."},
            {
                "ja": "--keys に、署名した人の鍵の一覧（JWKS）のファイルを指定してください。",
                "en": "Name the signer's key set (JWKS) with --keys.",
            },
        )
    found = as_json(Path(keys), KEY_SET_BYTES)
    package = verify(from_file(Path(place), PACKAGE_BYTES + 1), found if isinstance(found, dict) else {})
    failed = sum(line.ok is False for line in package.report)
    out.say(
        f"✔ {package.manifest.id} {package.manifest.version}: 署名は正しく、報告は {len(package.report)} 行（要修正 {failed}）です。",
        f"✔ {package.manifest.id} {package.manifest.version}: the signature holds; {len(package.report)} lines of "
        f"report, {failed} to fix.",
    )
    return Exit.GOOD


def serve(out: Out, env: Environment, *, url: str, port: int) -> Exit:
    """Shows the cards until Ctrl-C."""
    server = listening(Portal(env, url, out.language), port)
    out.say(
        f"模擬ポータル: http://127.0.0.1:{port}/  （終わるには Ctrl-C）\n"
        f"提供者のプログラムは PORTAL_URL={env.portal} で動かしてください。",
        f"Mock portal: http://127.0.0.1:{port}/  (Ctrl-C ends it)\n"
        f"Run your program with PORTAL_URL={env.portal}.",
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        out.say("終わりました。", "Ended.")
    finally:
        server.server_close()
    return Exit.GOOD


def browser(given: str) -> str:
    """The browser that draws the cards for the checks that need one; empty when there is none."""
    return given or next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), "")


def test(out: Out, env: Environment, *, url: str, port: int, previous: str, report: str) -> Exit:
    """Every check of the portal, with the mock portal's key; one line for each as soon as it is known."""
    portal = Portal(env)
    lines: list[Line] = []
    with answering(portal, port) as ours:
        found = fetch(url, env.door)
        for line in check(Subject(found.raw, url, found.manifest.id, previous or None), env):
            lines.append(line)
            out.line(line)
    if report:
        _write(Path(report), Source(found.raw, url), lines)
    failed = sum(line.ok is False for line in lines)
    if ours and not portal.asked and any(line.ok is False and line.number == 3 for line in lines):
        out.trouble(
            out.pick(
                {
                    "ja": f"このプログラムは {env.portal} の鍵を取りに来ませんでした。",
                    "en": f"Your program never asked {env.portal} for its keys.",
                }
            ),
            out.pick(
                {
                    "ja": f"PORTAL_URL={env.portal} を付けて動かしてください。",
                    "en": f"Run it with PORTAL_URL={env.portal}.",
                }
            ),
        )
    if failed:
        out.say(f"直すところが {failed} か所あります。", f"{failed} to fix.")
        return Exit.FIX
    skipped = sum(line.ok is None for line in lines)
    out.say(
        "すべて合格しました。" + (f"（ここで調べられなかったもの {skipped}）" if skipped else ""),
        "All passed." + (f" ({skipped} could not be run here)" if skipped else ""),
    )
    return Exit.GOOD


def _write(path: Path, source: Source, lines: list[Line]) -> None:
    document = {
        "url": source.url,
        "sha256": content_hash(source.raw),
        "made": now().isoformat(timespec="seconds"),
        "lines": [
            {
                "number": line.number,
                "ok": line.ok,
                "title": dict(line.title),
                "message": dict(line.message),
                "remedy": dict(line.remedy),
            }
            for line in lines
        ],
    }
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"{path} に書けません（{error.strerror}）。", "en": f"{path}: {error.strerror}."},
            {
                "ja": "--report に書ける場所を指定してください。",
                "en": "Name a place that can be written with --report.",
            },
        ) from error
