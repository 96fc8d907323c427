"""One difference between two manifests: its gate, its sentence in each language; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.texts import Texts
from identity.domain import attributes

Gate = Literal["checks", "operator", "consent"]
GATES: tuple[Gate, ...] = ("checks", "operator", "consent")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, the gate that it needs, and the sentence for provider, reviewer and, at `consent`, residents.

    `claim`: the one claim that it is about; "" when it concerns all that the gadget is told.
    """

    gate: Gate
    text: Texts
    claim: str = ""


def named(key: str) -> dict[str, str]:
    """What a claim is called in each language; `name` in the sentences below."""
    if key not in attributes.DEFINITIONS:
        return dict.fromkeys(attributes.LOCALES, key)
    return {locale: attributes.label(key, locale) for locale in attributes.LOCALES}


def sentence(ja: str, en: str, simple: str = "", *, claim: str = "", **values: str) -> Texts:
    """The sentence in each language; `{name}` is the claim as residents know it."""
    called = named(claim) if claim else {}
    written = {"ja": ja, "en": en, "ja-simple": simple or ja}
    return {
        locale: text.format(name=called.get(locale, ""), **values)
        for locale, text in written.items()
        if simple or locale != "ja-simple"
    }


def listed(values: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, values))) or "-"


def every(texts: Texts) -> str:
    """Japanese first; the other languages follow where there are any."""
    return " / ".join([texts["ja"], *(texts[key] for key in sorted(texts) if key != "ja")])
