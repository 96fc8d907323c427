"""How much work an image file asks for, read from its structure alone, before anything decodes it; pure.

A few bytes can name a great deal of work: a progressive JPEG goes over all its pixels once for each scan, a file may
consist of a hundred thousand parts, an animation of as many frames. What real cameras and programs write stays far
below these numbers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_SCANS = 48
"""Of a JPEG; a progressive one has about ten."""
MOST_PARTS = 4000
"""Segments, chunks or blocks of a file."""
MOST_FRAMES = 300
_MOST_PIECES = 40_000
"""Of the data of a GIF, which come in pieces of 255 bytes at most."""

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers of a JPEG that nothing follows."""


class _TooManyError(Exception):
    """The walk through a file was given up."""


@dataclass(slots=True)
class Work:
    """What was counted; counting stops where a limit is passed."""

    scans: int = 0
    parts: int = 0
    frames: int = 0

    def part(self) -> None:
        self.parts += 1
        self._within()

    def scan(self) -> None:
        self.scans += 1
        self._within()

    def frame(self) -> None:
        self.frames += 1
        self._within()

    def _within(self) -> None:
        if self.too_much is not None:
            raise _TooManyError

    @property
    def too_much(self) -> tuple[str, int, int] | None:
        """What there is too much of, how many (at least), and how many there may be."""
        for name, found, most in (
            ("scans", self.scans, MOST_SCANS),
            ("parts", self.parts, MOST_PARTS),
            ("frames", self.frames, MOST_FRAMES),
        ):
            if found > most:
                return name, found, most
        return None


def counted(raw: bytes) -> Work:
    """Counts without decoding; bytes that are none of the four formats ask for no work."""
    work = Work()
    try:
        if raw[:2] == b"\xff\xd8":
            _jpeg(raw, work)
        elif raw[:8] == b"\x89PNG\r\n\x1a\n":
            _png(raw, work)
        elif raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
            _webp(raw, work)
        elif raw[:6] in (b"GIF87a", b"GIF89a"):
            _gif(raw, work)
    except _TooManyError:
        pass
    return work


def _jpeg(raw: bytes, work: Work) -> None:
    """Marker after marker, as a decoder goes: what stands between two of them is looked over."""
    at = 2
    while (found := _MARKER.search(raw, at)) is not None:
        at = found.end()
        code = found.group(1)[0]
        if code in _ALONE:
            continue
        if code == 0xD9:
            return
        work.part()
        if code == 0xDA:
            work.scan()
        at += int.from_bytes(raw[at : at + 2], "big")


def _png(raw: bytes, work: Work) -> None:
    for kind, _ in _chunks(raw, 8, "big", 4):
        work.part()
        if kind == b"fcTL":
            work.frame()
        if kind == b"IEND":
            return


def _webp(raw: bytes, work: Work) -> None:
    for kind, _ in _chunks(raw, 12, "little", 0):
        work.part()
        if kind == b"ANMF":
            work.frame()


def _chunks(raw: bytes, at: int, order: str, check: int) -> Iterator[tuple[bytes, int]]:
    """Kind and length of each chunk of a PNG (length first, a sum behind) or a RIFF (kind first, even lengths)."""
    while at + 8 <= len(raw):
        one, other = raw[at : at + 4], raw[at + 4 : at + 8]
        kind, length = (other, one) if order == "big" else (one, other)
        size = int.from_bytes(length, "big" if order == "big" else "little")
        yield kind, size
        at += 8 + size + check + (size % 2 if order == "little" else 0)


def _gif(raw: bytes, work: Work) -> None:
    pieces = 0
    at = 13 + _colours(raw, 10)
    while at < len(raw):
        kind = raw[at]
        if kind == 0x3B:
            return
        work.part()
        if kind == 0x2C:
            work.frame()
            at += 11 + _colours(raw, at + 9)
        elif kind == 0x21:
            at += 2
        else:
            return
        while at < len(raw) and raw[at]:
            at += 1 + raw[at]
            pieces += 1
            if pieces > _MOST_PIECES:
                work.parts = max(work.parts, MOST_PARTS + 1)
                raise _TooManyError
        at += 1


def _colours(raw: bytes, at: int) -> int:
    """Bytes of the table of colours that a flag byte announces."""
    flags = raw[at] if at < len(raw) else 0
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
