"""What stands in for a portal at a provider's desk: an address, a key, the door, the stylesheet."""

import os
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from core.region import theme
from core.region.current import current_region
from gadgets.cards import drawing
from gadgets.conformance import Environment, Signer
from gadgets.outbound.http import Door
from gadgets.rgadget.out import Exit, ToolError

PORT = 8930
STATE = Path(".rgadget")


def portal_url(port: int) -> str:
    """The address under which a provider knows the mock portal."""
    return f"http://portal.localhost:{port}"


def ready() -> None:
    """Django as cards need it, whatever project of the provider's own the shell points at."""
    if not settings.configured:
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    drawing.ready()


def _portal(*parts: str) -> list[Path]:
    """A file of the package `portal` beside this one, read as data: nothing of it is imported."""
    found = find_spec("portal")
    places = list(found.submodule_search_locations or ()) if found else []
    return [path for place in places if (path := Path(place).joinpath(*parts)).exists()]


def stylesheet() -> str:
    """The portal's own, so that a card looks here as it will look there."""
    own = [path.read_text(encoding="utf-8") for path in _portal("static", "portal", "base.css")]
    return "".join([*own, theme.stylesheet(current_region())])


def key(path: Path) -> ECKey:
    """The key in a file; made when there is none, readable by its owner only."""
    if path.exists():
        try:
            found = ECKey.import_key(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, JoseError) as error:
            raise _bad_key(path) from error
        if not found.is_private or found.curve_name != "P-256":
            raise _bad_key(path)
        return found
    made = ECKey.generate_key("P-256")
    try:
        if (
            not path.parent.is_dir()
        ):  # a folder of our own is kept out of version control; another's is left as it is
            path.parent.mkdir(parents=True)
            (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made.as_pem(private=True))
    except OSError as error:
        raise ToolError(
            Exit.USAGE,
            {"ja": f"{path} に鍵を書けません。", "en": f"The key cannot be written to {path}."},
            {
                "ja": "書き込めるフォルダーで実行してください。",
                "en": "Run it in a folder that you may write to.",
            },
        ) from error
    return made


def _bad_key(path: Path) -> ToolError:
    return ToolError(
        Exit.USAGE,
        {"ja": f"{path} は P-256 の秘密鍵ではありません。", "en": f"{path} is no private key on P-256."},
        {
            "ja": "そのファイルを移すと、次の実行で新しい鍵を作ります。",
            "en": "Move that file away: the next run makes a key.",
        },
    )


def door() -> Door:
    """Names under .localhost lead to this machine; all others must be public, as for the portal."""
    return Door(loopback_names=True)


def environment(state: Path, port: int, chromium: str = "") -> Environment:
    """The mock portal as the checks see it."""
    return Environment(
        portal=portal_url(port),
        signer=Signer(key(state / "portal-key.pem")),
        door=door(),
        chromium=chromium,
        stylesheet=stylesheet(),
    )


def now() -> datetime:
    return datetime.now(UTC)
