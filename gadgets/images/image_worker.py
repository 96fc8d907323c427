"""Makes one picture anew in a process of its own: the file comes in, WebP goes out, and the system sets the limits.

Run by its path, in isolated mode and with an empty environment, so that a hole in a decoder finds nothing: no secret,
no database, no file of ours that it could write. It imports nothing of ours. Arguments: seconds of CPU, bytes of memory,
pixels, bytes of the copy, then the longest sides to try. A refusal is its exit code with a word on the output.
"""

import io
import resource
import sys
from dataclasses import dataclass

REFUSED = 3
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


class RefusedError(Exception):
    """Why there is no copy: a word, and for pixels the size."""


@dataclass(frozen=True, slots=True)
class Limits:
    cpu: int
    memory: int
    pixels: int
    stored: int
    sides: tuple[int, ...]


def limited(limits: Limits) -> None:
    """From here on the system ends this process when it takes more."""
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def made(raw: bytes, limits: Limits) -> bytes:
    """The picture as WebP: upright, without metadata, small enough; raises RefusedError."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # after the limits were set

    Image.MAX_IMAGE_PIXELS = None  # our own limit is lower, and no warning
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as image:
            if image.width * image.height > limits.pixels:
                raise RefusedError(f"pixels {image.width} {image.height}")
            upright = ImageOps.exif_transpose(image)
            clear = "A" in upright.getbands() or "transparency" in upright.info
            plain = upright.convert("RGBA" if clear else "RGB")
    except UnidentifiedImageError:
        raise RefusedError("kind") from None
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, OverflowError):
        raise RefusedError("broken") from None
    for side in limits.sides:
        plain.thumbnail((side, side))
        out = io.BytesIO()
        plain.save(out, "WEBP", quality=82, exif=b"", icc_profile=b"", xmp=b"")
        if out.tell() <= limits.stored:
            return out.getvalue()
    raise RefusedError("large")


def main(arguments: list[str]) -> int:
    cpu, memory, pixels, stored, *sides = map(int, arguments)
    limits = Limits(cpu, memory, pixels, stored, tuple(sides))
    limited(limits)
    try:
        copy = made(sys.stdin.buffer.read(), limits)
    except RefusedError as refused:
        sys.stdout.write(str(refused))
        return REFUSED
    except MemoryError:
        sys.stdout.write("memory")
        return REFUSED
    sys.stdout.buffer.write(copy)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
