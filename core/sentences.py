"""Translates the message of an error for the reader of this request; no other module does."""

from collections.abc import Mapping
from typing import Protocol

from django.utils.translation import get_language, gettext

from core.texts import filled


class Explained(Protocol):
    """An error with a text for people: a message of the catalogues, and what stands in its places."""

    message: str
    values: Mapping[str, object]


def sentence(error: Explained) -> str:
    """The error's message in the language of this request."""
    return filled(gettext(error.message), error.values, get_language() or "ja")
