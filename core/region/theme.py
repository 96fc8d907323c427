"""The region's look for browsers: custom properties that the stylesheets read, and addresses that change with it."""

from functools import cache
from hashlib import sha256

from core.region.current import current_region
from core.region.types import COLOURS, Region


def stylesheet(region: Region) -> str:
    """`--region-*` in light and dark; which of them counts is for portal/static/portal/base.css to say."""
    lines = [
        f"  --region-{key.replace('_', '-')}{suffix}: {colours[key]};"
        for suffix, colours in (("", region.light), ("-dark", region.dark))
        for key in COLOURS
    ]
    return "\n".join(["/* The colours of the region file. */", ":root {", *lines, "}", ""])


@cache
def digest() -> str:
    """Part of the addresses of stylesheet and mark: what has another look has another address."""
    region = current_region()
    return sha256((stylesheet(region) + region.mark).encode()).hexdigest()[:12]
