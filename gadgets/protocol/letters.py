"""How letters stand in a provider's text: nothing invisible, and few marks on one letter; pure.

What a browser draws as one letter is a base with its marks, joined letters included (Unicode calls it a grapheme
cluster). It has no end of its own: a thousand marks are one letter, which no line can be broken in. So both are
bounded here: the marks that follow each other, and the whole of a joined letter.
"""

import re
import unicodedata
from collections.abc import Iterator

from core.quoting import INVISIBLE
from gadgets.errors import Problem

MOST_MARKS = 6
"""Marks that follow each other: Tibetan, Hebrew and Vietnamese need up to five."""
MOST_JOINED = 16
"""Signs of one joined letter: a family of emoji has eleven, the longest conjunct of Devanagari ten."""

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters that never carry marks or join: most texts hold no other, and need not be looked at one by one.
_ORDINARY = re.compile("[\t\n\x20-\x7e\u3000-\u3029\u3030-\u3098\u309b-\u30ff\u4e00-\u9fff\uff01-\uff9d]*")
_JOINERS = "\u200c\u200d"
_HANGUL_PARTS = ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))
_BEFORE = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2"
    "\U000111c3\U0001193f\U00011941\U00011a3a\U00011a84\U00011a85\U00011a86\U00011a87\U00011a88\U00011a89\U00011d46"
)
"""Signs that join the letter after them (`Prepend`)."""
_AFTER = frozenset("\u0e33\u0eb3\uff9e\uff9f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
"""Signs that join the letter before them without being marks: vowels of Thai and Lao, half-width voicing, tones of skin."""


def without_invisible(text: str) -> str:
    """The text without letters that have no shape: for data that nobody wrote for a card."""
    return _INVISIBLE.sub("", text)


def problems(path: str, text: str) -> Iterator[Problem]:
    """What is wrong with the letters of one text, once for each kind."""
    hidden = sorted(set(_INVISIBLE.findall(text)) - _DIRECTION)
    if hidden or _stray_joiner(text):
        named = ", ".join(f"U+{ord(letter):04X}" for letter in hidden) or "U+200C, U+200D"
        yield _problem(
            path,
            f"目に見えない文字（{named}）が含まれています。",
            f"holds a letter that cannot be seen ({named}).",
            "その文字を除いてください。改行する所を示すには、空白か改行を使ってください。",
            "Remove it; use a space or a line break to say where a line may end.",
        )
    marks, joined = _longest(text)
    if marks > MOST_MARKS or joined > MOST_JOINED:
        yield _problem(
            path,
            f"一つの文字に、記号が重なりすぎています（続く記号 {marks}、合わせた文字 {joined}）。",
            f"too many marks on one letter ({marks} marks in a row, {joined} signs joined).",
            f"続く結合記号は {MOST_MARKS} 個まで、一つに合わさる文字は {MOST_JOINED} 個までにしてください。",
            f"Use at most {MOST_MARKS} combining marks in a row and {MOST_JOINED} signs in one joined letter.",
        )


def _problem(path: str, ja: str, en: str, remedy_ja: str, remedy_en: str) -> Problem:
    return Problem(path, {"ja": ja, "en": en}, {"ja": remedy_ja, "en": remedy_en})


def _stray_joiner(text: str) -> bool:
    """A joiner that joins nothing: only emoji, and the scripts whose letters join, have a use for it."""
    return any(
        letter in _JOINERS and not _may_join(text[index - 1] if index else "", letter)
        for index, letter in enumerate(text)
    )


def _may_join(before: str, joiner: str) -> bool:
    if not before or before in _JOINERS:
        return False
    if unicodedata.category(before) in ("Mn", "Mc", "Me", "So", "Sk"):
        return True
    if joiner == "\u200d" and before == "\ufe0f":
        return True
    return unicodedata.name(before, "").split(" ", 1)[0] in _JOINING_SCRIPTS


_JOINING_SCRIPTS = frozenset(
    {
        "ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL",
        "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "MYANMAR", "KHMER", "TIBETAN", "BALINESE", "JAVANESE",
    }
)  # fmt: skip


def _longest(text: str) -> tuple[int, int]:
    """The most marks that follow each other, and the most signs of one joined letter."""
    if _ORDINARY.fullmatch(text):
        return 0, 1
    most_marks = most_joined = marks = joined = 0
    before = ""
    for letter in text:
        mark = unicodedata.category(letter)[0] == "M"
        marks = marks + 1 if mark else 0
        joined = joined + 1 if mark or _joins(before, letter) else 1
        most_marks, most_joined = max(most_marks, marks), max(most_joined, joined)
        before = letter
    return most_marks, most_joined


def _joins(before: str, letter: str) -> bool:
    """Whether a letter that is no mark stands in one piece with the sign before it."""
    if letter in _AFTER or letter in _JOINERS:
        return True
    if not before:
        return False
    if before in _BEFORE or before in _JOINERS:
        return True
    virama = unicodedata.combining(before) == 9  # a sign that joins two consonants to one letter
    return (virama and letter.isalpha()) or (_hangul_part(before) and _hangul_part(letter))


def _hangul_part(letter: str) -> bool:
    return any(low <= ord(letter) <= high for low, high in _HANGUL_PARTS)
