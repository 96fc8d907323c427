"""The region's mark: an SVG picture drawn from a letter, or the region's own, in which nothing can run."""

from html import escape
from xml.etree import ElementTree

LARGEST = 20_000
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = frozenset({
    "svg", "g", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan",
    "defs", "linearGradient", "radialGradient", "stop", "clipPath",
})  # fmt: skip
"""Elements that only draw: no script, no style, no link, no picture from elsewhere."""


class MarkError(Exception):
    """The picture cannot be used; the message says why."""


def of_letter(letter: str, *, paper: str, ink: str) -> str:
    """The letter on a rounded square in the region's colours."""
    size = 40 if len(letter) == 1 else 26
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">'
        f'<rect width="64" height="64" rx="12" fill="{paper}"/>'
        f'<text x="32" y="33" fill="{ink}" font-family="sans-serif" font-size="{size}" font-weight="700" '
        f'text-anchor="middle" dominant-baseline="central">{escape(letter)}</text></svg>\n'
    )


def checked(raw: bytes) -> str:
    """The picture as text, or `MarkError`."""
    if len(raw) > LARGEST:
        raise MarkError(f"is larger than {LARGEST} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise MarkError("is not UTF-8") from error
    # Entities are declared there: without a declaration the parser expands none.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise MarkError("must not declare a document type or entities")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (a file of the operator's, without declarations)
    except ElementTree.ParseError as error:
        raise MarkError(f"is not XML: {error}") from error
    if root.tag != f"{SVG}svg":
        raise MarkError("is no SVG picture")
    for element in root.iter():
        name = element.tag.removeprefix(SVG) if isinstance(element.tag, str) else "comment"
        if name not in DRAWN:
            raise MarkError(f"<{name}> is not allowed")
        for attribute, value in element.attrib.items():
            _refuse(name, attribute, value)
    return text


def _refuse(name: str, attribute: str, value: str) -> None:
    plain = attribute.rpartition("}")[2].lower()
    if plain.startswith("on") or plain in {"href", "style"}:
        raise MarkError(f"the attribute {plain} of <{name}> is not allowed")
    if "url(" in value.replace(" ", "").lower().replace("url(#", ""):
        raise MarkError(f"the attribute {plain} of <{name}> leads out of the picture")
