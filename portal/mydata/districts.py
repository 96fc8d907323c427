"""The districts as a list that one finds one's own in: by the rows of kana, and by a search; pure."""

import unicodedata
from collections.abc import Iterable

from core.region.types import District
from core.texts import pick
from identity.domain.attributes import DISTRICTS

_ROWS = ("あいうえお", "かきくけこ", "さしすせそ", "たちつてと", "なにぬねの", "はひふへほ", "まみむめも", "やゆよ", "らりるれろ", "わをん")  # fmt: skip
_PLAIN = str.maketrans(
    "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽ", "かきくけこさしすせそたちつてとはひふへほはひふへほ"
)
_TO_HIRAGANA = ord("ァ") - ord("ぁ")
LONGEST = 50


def search(text: str) -> tuple[str, ...]:
    """Codes of the districts whose name, kana or romaji holds `text`, in the order of kana."""
    wanted = fold(text[:LONGEST])
    return tuple(
        district.code
        for district in _sorted()
        if any(wanted in fold(name) for name in (*district.name.values(), district.code))
    )


def fold(text: str) -> str:
    """Full and half width, capitals, katakana, marks over letters and spaces make no difference."""
    letters = (
        mark for mark in unicodedata.normalize("NFKD", text.lower()) if unicodedata.category(mark) != "Mn"
    )
    plain = unicodedata.normalize("NFKC", "".join(letters))
    return "".join(chr(ord(c) - _TO_HIRAGANA) if "ァ" <= c <= "ヶ" else c for c in plain if not c.isspace())


def rows(codes: Iterable[str], locale: str) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """(heading, ((code, name), ...)) for each row of kana that has a district; letters of the alphabet in English."""
    wanted = set(codes)
    found: dict[str, list[tuple[str, str]]] = {}
    for district in sorted(_sorted(), key=lambda one: one.code) if locale == "en" else _sorted():
        if district.code in wanted:
            found.setdefault(_heading(district, locale), []).append((district.code, _name(district, locale)))
    return tuple((heading, tuple(names)) for heading, names in found.items())


def _sorted() -> list[District]:
    return sorted(DISTRICTS.values(), key=lambda one: one.name["ja-simple"])


def _heading(district: District, locale: str) -> str:
    if locale == "en":
        return district.name["en"][:1]
    first = district.name["ja-simple"][0].translate(_PLAIN)
    return next((f"{row[0]}行" for row in _ROWS if first in row), first)


def _name(district: District, locale: str) -> str:
    kana = district.name["ja-simple"]
    return f"{district.name['ja']}（{kana}）" if locale == "ja" else pick(district.name, locale)
