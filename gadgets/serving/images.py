"""Images of cards: fetched through the door, made anew by Pillow without metadata, kept and served as our own.

What a reader's browser gets is never the provider's bytes and never the provider's address: the provider
learns nothing of who looks, and no script or tracking in a file survives. Level `pairwise` has no images.
"""

import hashlib
import io
import time

from django.core.cache import cache
from PIL import Image, ImageOps, UnidentifiedImageError

from gadgets.contract.manifest_rules import origin_of
from gadgets.errors import GadgetError, ImageRefusedError
from gadgets.serving import fetch, locks
from gadgets.serving.apart import give_back_connections, refuse_in_transaction
from gadgets.serving.http import door
from gadgets.types import GadgetInfo

MEDIA_TYPE = "image/webp"
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
CONTENT_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
MAX_BYTES = 2 * 1024 * 1024
MAX_PIXELS = 12_000_000
SIDES = (1600, 1000, 640)
"""Longest sides that are tried until the copy is small enough."""
MAX_STORED = 400 * 1024
DECODING_SECONDS = 6.0
"""Seconds that making a picture anew may take, waiting for a place included."""
KEPT_SECONDS = 24 * 60 * 60
REFUSED_SECONDS = 60
"""How long a failure is remembered, so that a page with a broken image does not ask at every look."""
_REFUSED = b""


def copy_of(gadget: GadgetInfo, src: str) -> bytes | None:
    """Our copy of an image that a card of this gadget named; None when it cannot be had."""
    if not allowed(gadget, src):
        return None
    key = f"image:{gadget.id}:{hashlib.sha256(src.encode()).hexdigest()}"
    held = cache.get(key)
    if held is not None:
        return bytes(held) or None
    refuse_in_transaction()
    until = time.monotonic() + fetch.PERSON_WAITS
    with locks.tried(f"fetching-{key}", longest=fetch.PERSON_WAITS + DECODING_SECONDS) as mine:
        if not mine:
            _wait_for_other(f"fetching-{key}", until)
        held = cache.get(key)
        if held is not None or not mine:
            return bytes(held) or None if held is not None else None
        try:
            made = _fetched(gadget, src, until)
        except GadgetError:
            cache.set(key, _REFUSED, REFUSED_SECONDS)
            return None
        cache.set(key, made, KEPT_SECONDS)
        return made


def allowed(gadget: GadgetInfo, src: str) -> bool:
    """What `card_rules` said of the card holds still for the version that is published now."""
    origin = origin_of(src)
    known = origin in (gadget.own_origin, *gadget.link_origins)
    return bool(origin) and known and gadget.identity != "pairwise"


def _wait_for_other(lock: str, until: float) -> None:
    """Whoever comes during the fetch of an image waits for it, and holds no database connection meanwhile."""
    give_back_connections()
    while time.monotonic() < until and cache.get(lock) is not None:
        time.sleep(0.05)


def _fetched(gadget: GadgetInfo, src: str, until: float) -> bytes:
    with fetch.guarded(gadget, until):
        give_back_connections()
        answer = door().fetch(
            src,
            headers={"Accept": ", ".join(CONTENT_TYPES)},
            deadline=max(until - time.monotonic(), 0.01),
            max_bytes=MAX_BYTES,
            content_types=CONTENT_TYPES,
        )
        return made_anew(answer.body, src)


def made_anew(raw: bytes, src: str) -> bytes:
    """The picture as WebP, upright, at most 1600 pixels a side, without any metadata; raises ImageRefusedError."""
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _too_many_pixels(src, image.width, image.height)
            upright = ImageOps.exif_transpose(image)
            clear = "A" in upright.getbands() or "transparency" in upright.info
            plain = upright.convert("RGBA" if clear else "RGB")
    except UnidentifiedImageError as error:
        raise ImageRefusedError(
            src,
            "no PNG, JPEG, WebP or GIF",
            "PNG、JPEG、WebP、GIF のどれでもありません。どれかの形式にしてください（SVG は使えません）。",
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(src) from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError) as error:
        raise ImageRefusedError(
            src, "the image is broken", "画像が壊れています。書き出し直してください。"
        ) from error
    for side in SIDES:
        plain.thumbnail((side, side))
        out = io.BytesIO()
        plain.save(out, "WEBP", quality=82, exif=b"", icc_profile=b"", xmp=b"")
        if out.tell() <= MAX_STORED:
            return out.getvalue()
    raise ImageRefusedError(
        src,
        f"the copy has more than {MAX_STORED} bytes",
        f"縮めても {MAX_STORED} バイトを超えます。もっと単純な画像にしてください。",
    )


def _too_many_pixels(src: str, width: int = 0, height: int = 0) -> ImageRefusedError:
    size = f"{width} × {height} " if width else ""
    return ImageRefusedError(
        src,
        f"{size}more than {MAX_PIXELS} pixels",
        f"画素の数が上限の {MAX_PIXELS} を超えています（{size.strip() or '大きすぎます'}）。画像を小さくしてください。",
    )
