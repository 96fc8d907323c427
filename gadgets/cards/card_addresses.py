"""Where the pages and pictures lie that a card leads to: its forms, and our copies of its images."""

from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from gadgets.cards.render import Addresses
from gadgets.types import Wanted


def of(wanted: Wanted) -> Addresses:
    """The addresses for the reader of this card, in the reader's language."""
    return Addresses(
        image=lambda src: _image(wanted.gadget.id, src),
        form=lambda name: _form(wanted, name),
    )


def _form(wanted: Wanted, name: str) -> str:
    try:
        with translation.override(wanted.locale):
            path = reverse("gadgets:form", args=[wanted.gadget.id, name])
    except NoReverseMatch:
        return ""
    return f"{path}?{urlencode({'size': wanted.size})}"


def _image(gadget_id: str, src: str) -> str:
    """Signed, so that nobody makes the portal fetch what no card of the gadget named."""
    try:
        return reverse("gadgets_wire:image", args=[gadget_id, _signer(gadget_id).sign_object(src)])
    except NoReverseMatch:
        return ""


def source_of(gadget_id: str, signed: str) -> str | None:
    """The image that a signed address names; None when we did not sign it."""
    try:
        src = _signer(gadget_id).unsign_object(signed)
    except (BadSignature, ValueError):
        return None
    return src if isinstance(src, str) else None


def _signer(gadget_id: str) -> Signer:
    """Without a time, so that an image has one address as long as the portal's key is the same."""
    return Signer(salt=f"gadgets.images.copies:{gadget_id}")
