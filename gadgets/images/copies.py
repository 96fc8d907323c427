"""Images of cards: fetched through the door, made anew without metadata in a process of its own, kept and served by us.

What a reader's browser gets is never the provider's bytes and never the provider's address: the provider
learns nothing of who looks, and no script or tracking in a file survives. Level `pairwise` has no images.
"""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from django.core.cache import cache

from gadgets.cards import fetch
from gadgets.errors import GadgetBusyError, GadgetError, ImageRefusedError
from gadgets.images import image_work, image_worker
from gadgets.outbound import locks
from gadgets.outbound.http import door
from gadgets.outbound.outside_transaction import give_back_connections, refuse_in_transaction
from gadgets.protocol.manifest_rules import origin_of
from gadgets.types import GadgetInfo

MEDIA_TYPE = "image/webp"
CONTENT_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
MAX_BYTES = 2 * 1024 * 1024
MAX_PIXELS = 12_000_000
SIDES = (1600, 1000, 640)
"""Longest sides that are tried until the copy is small enough."""
MAX_STORED = 400 * 1024
CPU_SECONDS = 3
"""Seconds of a processor that decoding and drawing anew may take; the system ends what takes more."""
MEMORY_BYTES = 1024 * 1024 * 1024
WALL_SECONDS = 5.0
PLACE_SECONDS = 2.0
DECODERS = 2
"""Processes of one worker at once: what a decoder takes, the pages do not have."""
DECODING_SECONDS = PLACE_SECONDS + WALL_SECONDS
"""Seconds that making a picture anew may take, waiting for a place included."""
KEPT_SECONDS = 24 * 60 * 60
FAILED_SECONDS = 60
"""How long it is remembered that an image could not be had, so that not every look asks for it again."""
REFUSED_SECONDS = 60 * 60
"""How long an image is remembered that was refused for what it is, by its address and by its bytes."""
_REFUSED = b""
_decoders = threading.BoundedSemaphore(DECODERS)


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
        except GadgetBusyError:
            return None
        except GadgetError as error:
            refused = isinstance(error, ImageRefusedError)
            cache.set(key, _REFUSED, REFUSED_SECONDS if refused else FAILED_SECONDS)
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
        return _made_once(gadget, answer.body, src)


def _made_once(gadget: GadgetInfo, raw: bytes, src: str) -> bytes:
    """The same bytes under another address are not decoded again once they were refused."""
    known = f"image-refused:{gadget.id}:{hashlib.sha256(raw).hexdigest()}"
    if cache.get(known) is not None:
        raise ImageRefusedError(
            src, "these bytes were refused before", "少し前に受け付けられなかった画像と同じです。"
        )
    try:
        return made_anew(raw, src)
    except ImageRefusedError:
        cache.set(known, 1, REFUSED_SECONDS)
        raise


def made_anew(raw: bytes, src: str) -> bytes:
    """The picture as WebP, upright, at most 1600 pixels a side, without any metadata; raises ImageRefusedError.

    Raises GadgetBusyError when no place among the decoders was free in time: nothing is said of the image then.
    """
    too_much = image_work.counted(raw).too_much
    if too_much is not None:
        raise _too_much_structure(src, *too_much)
    if not _decoders.acquire(timeout=PLACE_SECONDS):
        raise GadgetBusyError
    try:
        done = _decoded(raw, src)
    finally:
        _decoders.release()
    if done.returncode == 0:
        return done.stdout
    word, *numbers = done.stdout.decode("ascii", "replace").split() or [""]
    if done.returncode == image_worker.REFUSED and word in _REFUSALS:
        raise ImageRefusedError(src, *_REFUSALS[word])
    if done.returncode == image_worker.REFUSED and word == "pixels":
        raise _too_many_pixels(src, *map(int, numbers))
    raise _too_much_work(src)


def _decoded(raw: bytes, src: str) -> "subprocess.CompletedProcess[bytes]":
    limits = (CPU_SECONDS, MEMORY_BYTES, MAX_PIXELS, MAX_STORED, *SIDES)
    try:
        return subprocess.run(  # noqa: S603  our own program; the file goes in by a pipe
            [sys.executable, "-I", image_worker.__file__, *map(str, limits)],
            input=raw,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_much_work(src) from None


_REFUSALS: Mapping[str, tuple[str, str]] = {
    "kind": (
        "no PNG, JPEG, WebP or GIF",
        "PNG、JPEG、WebP、GIF のどれでもありません。どれかの形式にしてください（SVG は使えません）。",
    ),
    "broken": ("the image is broken", "画像が壊れています。書き出し直してください。"),
    "large": (
        f"the copy has more than {MAX_STORED} bytes",
        f"縮めても {MAX_STORED} バイトを超えます。もっと単純な画像にしてください。",
    ),
    "memory": ("decoding needs too much memory", "展開に使う記憶が多すぎます。画像を小さくしてください。"),
}
_PARTS: Mapping[str, str] = {
    "scans": "走査（scan）",
    "parts": "部分（segment、chunk）",
    "frames": "コマ（frame）",
}


def _too_much_structure(src: str, what: str, found: int, most: int) -> ImageRefusedError:
    return ImageRefusedError(
        src,
        f"{found} {what} or more, at most {most} are allowed",
        f"{_PARTS[what]}の数が上限の {most} を超えています。普通の形式（プログレッシブでない JPEG など）で書き出し直してください。",
    )


def _too_much_work(src: str) -> ImageRefusedError:
    return ImageRefusedError(
        src,
        f"decoding takes more than {CPU_SECONDS} seconds",
        f"展開に {CPU_SECONDS} 秒より長くかかります。画像を小さくするか、別の形式で書き出し直してください。",
    )


def _too_many_pixels(src: str, width: int, height: int) -> ImageRefusedError:
    size = f"{width} × {height}"
    return ImageRefusedError(
        src,
        f"{size}: more than {MAX_PIXELS} pixels",
        f"画素の数が上限の {MAX_PIXELS} を超えています（{size}）。画像を小さくしてください。",
    )
