"""`rgadget init`: writes a provider that works and passes every check, to be changed line by line."""

import json
import re
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from gadgets.protocol import manifest as manifests
from gadgets.protocol.manifest import expected_prefix, origin_of
from gadgets.rgadget.out import Exit, Out, ToolError

PORT = 8931
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def init(out: Out, *, folder: Path, name: str, origin: str, provider: str, personal: bool = False) -> Exit:
    """Writes `provider.py` and `gadget.json` into the folder; touches nothing that is there already.

    `personal`: one that knows residents by a pseudonym, with a form and events, in place of one that knows nobody.
    """
    if _NAME.fullmatch(name) is None:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"名前「{name}」は使えません。", "en": f"The name {name!r} cannot be used."},
            {
                "ja": "英小文字で始め、英小文字・数字・- だけにしてください。",
                "en": "Begin with a small letter; small letters, digits and - follow.",
            },
        )
    origin = origin or _own(folder)
    if not origin or origin_of(origin) != origin:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"オリジン「{origin}」は使えません。", "en": f"The origin {origin!r} cannot be used."},
            {
                "ja": f"--origin http://parks.localhost:{PORT} の形で書いてください（経路や末尾の / なし）。",
                "en": f"Write --origin http://parks.localhost:{PORT}: no path, no slash at the end.",
            },
        )
    texts = _texts(name, origin, provider or folder.resolve().name, personal=personal)
    url = f"{origin}/gadget.json"
    manifest = manifests.parse(texts["gadget.json"].encode(), url=url)
    for file in texts:
        if (folder / file).exists():
            raise ToolError(
                Exit.USAGE,
                {"ja": f"{folder / file} がすでにあります。", "en": f"{folder / file} is there already."},
                {"ja": "空のフォルダーを指定してください。", "en": "Name an empty folder."},
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ToolError(
            Exit.USAGE,
            {
                "ja": f"{folder} に書けません（{error.strerror}）。",
                "en": f"{folder}: {error.strerror}.",
            },
            {"ja": "書き込めるフォルダーを指定してください。", "en": "Name a folder that you may write to."},
        ) from error
    out.say(f"{manifest.id} を {folder} に書きました。", f"Wrote {manifest.id} to {folder}.")
    out.say(
        f"  python {folder / 'provider.py'}   ({origin})\n  rgadget serve {url}\n  rgadget test {url}",
        f"  python {folder / 'provider.py'}   ({origin})\n  rgadget serve {url}\n  rgadget test {url}",
    )
    return Exit.GOOD


def _own(folder: Path) -> str:
    """An origin after the folder's name, when that can be a host."""
    host = folder.resolve().name.lower()
    return f"http://{host}.localhost:{PORT}" if _NAME.fullmatch(host) and not host.endswith("-") else ""


def _texts(name: str, origin: str, provider: str, *, personal: bool) -> dict[str, str]:
    source = files("gadgets.rgadget") / "files"
    host = urlsplit(origin).hostname or ""
    documents = (
        ("personal.json.txt", "personal.py.txt") if personal else ("gadget.json.txt", "provider.py.txt")
    )
    manifest = source.joinpath(documents[0]).read_text(encoding="utf-8")
    for mark, value in {
        "@ID@": f"{expected_prefix(origin)}.{name}",
        "@PROVIDER@": json.dumps(provider, ensure_ascii=False)[1:-1],
        "@ORIGIN@": origin,
        "@MAIL@": f"{host.removesuffix('.localhost')}.example" if host.endswith(".localhost") else host,
    }.items():
        manifest = manifest.replace(mark, value)
    return {
        "gadget.json": manifest,
        "provider.py": source.joinpath(documents[1]).read_text(encoding="utf-8"),
    }
