"""Finding a service among the published ones: what somebody types, a category, and what it asks for; pure."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.texts import Texts
from gadgets.protocol.manifest import CATEGORIES
from gadgets.types import GadgetInfo
from identity.domain import attributes

MOST_WORDS = 8
LONGEST = 100
# Hiragana stand 0x60 below the katakana of the same sound: a reader may type either.
_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_TITLE, _SUMMARY, _REST = 9, 3, 1


@dataclass(frozen=True, slots=True)
class Sought:
    """What a reader looks for; empty means everything. `anonymous`: only what learns nothing about a resident."""

    text: str = ""
    category: str = ""
    anonymous: bool = False

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Sought":
        """From the fields `q`, `category` and `anonymous` of an address; what is unknown counts as not given."""
        category = given.get("category", "")
        return cls(
            text=given.get("q", "").replace("\0", "").strip()[:LONGEST],
            category=category if category in CATEGORIES else "",
            anonymous=given.get("anonymous", "") == "1",
        )

    def __bool__(self) -> bool:
        return bool(self.text or self.category or self.anonymous)


def fold(text: str) -> str:
    """One form for width, case and kana, so that ｺﾞﾐ, ゴミ and ごみ are the same word."""
    cased = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", cased).translate(_TO_HIRAGANA)


def search(gadgets: Iterable[GadgetInfo], sought: Sought) -> list[GadgetInfo]:
    """Those that hold every word, the best first; without words in the order given."""
    wanted = fold(sought.text).split()[:MOST_WORDS]
    found = [
        (_score(gadget, wanted), gadget)
        for gadget in gadgets
        if (not sought.category or gadget.category == sought.category)
        and (not sought.anonymous or gadget.identity == "none")
    ]
    return [gadget for score, gadget in sorted(found, key=lambda pair: -pair[0]) if score > 0 or not wanted]


def categories(gadgets: Iterable[GadgetInfo]) -> tuple[tuple[str, int], ...]:
    """The categories that have a gadget, with how many, in the order of the vocabulary."""
    counted = Counter(gadget.category for gadget in gadgets)
    return tuple((code, counted[code]) for code in CATEGORIES if counted[code])


def _score(gadget: GadgetInfo, wanted: list[str]) -> int:
    """The sum over the words of the heaviest place that holds each; 0 when one of them is nowhere."""
    places = (
        (_TITLE, _joined(gadget.title)),
        (_SUMMARY, _joined(gadget.summary)),
        (_REST, _rest(gadget)),
    )
    total = 0
    for word in wanted:
        weight = next((weight for weight, text in places if word in text), 0)
        if not weight:
            return 0
        total += weight
    return total


def _joined(texts: Texts) -> str:
    return fold("\n".join(texts.values()))


def _rest(gadget: GadgetInfo) -> str:
    """Provider, category, and what it asks for and why: somebody may look for "who wants to know my age"."""
    parts = [gadget.provider_name, gadget.id, *CATEGORIES[gadget.category].values()]
    for claim in gadget.claims:
        parts += [attributes.label(claim.name, locale) for locale in ("ja", "en", "ja-simple")]
        parts += claim.purpose.values()
    return fold("\n".join(parts))
