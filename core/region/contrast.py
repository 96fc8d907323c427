"""Contrast of two colours by WCAG 2.2, and which pairs a page of ours puts together."""

from collections.abc import Iterator, Mapping

TEXT = 4.5
"""WCAG 1.4.3. What is no text needs 3 (1.4.11), but each of the region's colours is also written in."""
PAPERS: Mapping[str, tuple[str, ...]] = {
    "light": ("#ffffff", "#f2f2f2", "#e8f1fe", "#e6f5ec", "#fff7d6", "#fdeeee"),
    "dark": ("#1a1a1a", "#262626", "#15244a", "#0f2c1d", "#3a2d00", "#451313"),
}
"""Every `--…paper…` of portal/static/portal/base.css that a link may stand on."""


def ratio(one: str, other: str) -> float:
    """From 1 to 21, of two colours as `#rrggbb`."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    # https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def too_weak(colours: Mapping[str, str], theme: str) -> Iterator[tuple[str, str, float]]:
    """Key of the colour, what it stands on and the ratio, for each pair below `TEXT`."""
    for paper in PAPERS[theme]:
        for key in (
            "link",
            "link_visited",
            "action",
        ):  # a secondary button is written in the colour of the action
            yield from _weak(key, colours[key], paper)
    yield from _weak("action_ink", colours["action_ink"], colours["action"])


def _weak(key: str, ink: str, paper: str) -> Iterator[tuple[str, str, float]]:
    found = ratio(ink, paper)
    if found < TEXT:
        yield key, paper, found
