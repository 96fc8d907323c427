"""Texts in several languages, and texts that the catalogues translate; pure."""

from collections.abc import Mapping

Texts = Mapping[str, str]
"""Language → text; Japanese is always among them."""


def pick(texts: Texts, locale: str) -> str:
    """The text in `locale`; what is not written in it falls back to Japanese."""
    return texts.get(locale) or texts["ja"]


def gettext_noop(message: str) -> str:
    """Marks a text for the catalogues, as Django's own does; a provider's tools read such modules without settings."""
    return message


def filled(message: str, values: Mapping[str, object], locale: str = "ja") -> str:
    """A message with its values, those of several languages in `locale`; in Japanese for logs and the command line."""
    if not values:
        return message
    return message % {
        name: pick(value, locale) if isinstance(value, Mapping) else value for name, value in values.items()
    }
