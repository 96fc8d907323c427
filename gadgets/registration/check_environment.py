"""The conformance checks as this portal runs them: the environment that its settings and its other gadgets make."""

from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

from core.region import theme
from core.region.current import current_region
from gadgets.cards import signing
from gadgets.conformance import Environment, Signer
from gadgets.outbound.http import door
from gadgets.protocol.manifest import origin_of
from gadgets.registry import registry
from gadgets.types import GadgetInfo

_STYLESHEETS = ("dads/tokens.css", "portal/base.css")


def environment(gadget_id: str = "") -> Environment:
    """This portal, as the checks of a gadget are handed it."""
    return Environment(
        portal=settings.PORTAL_URL,
        signer=Signer(signing.signing_key()),
        door=door(),
        chromium=settings.CHROMIUM,
        stylesheet=stylesheet(),
        others=frozenset(
            origin
            for other in registry().gadgets.values()
            if other.id != gadget_id
            for origin in origins(other)
        ),
    )


def stylesheet() -> str:
    """What a resident's page is drawn with."""
    found = [finders.find(name) for name in _STYLESHEETS]
    own = [Path(path).read_text(encoding="utf-8") for path in found if path]
    return "\n".join([*own, theme.stylesheet(current_region())])


def origins(gadget: GadgetInfo) -> set[str]:
    """Where a gadget lives: its endpoints and its frame."""
    urls = [gadget.card_url, gadget.login_url, gadget.action_url, gadget.frame.src if gadget.frame else None]
    return {origin_of(url) for url in urls if url}
