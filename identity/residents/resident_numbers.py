"""The number that a resident tells the city's desk: sixteen digits, made from the handle, kept nowhere.

The handle itself stands in the audit chain, so a note on somebody's desk with a part of it would name the person there
even after an erasure. This number is a keyed hash of the handle: without `NUMBER_KEY` it leads nowhere, and once the
row is gone nothing makes it again. Fifteen digits keep a million residents apart (the chance that any two share one
is 1 in 2,000); the last digit is Luhn's, so that a misheard one is told at once. Four groups of four, to read aloud.
"""

import hashlib
from uuid import UUID

from django.conf import settings

DIGITS = 16


def number_of(handle: UUID) -> str:
    """The number in its four groups, such as "1234 5678 9012 3452"."""
    mac = hashlib.blake2b(
        handle.bytes, key=settings.NUMBER_KEY, digest_size=16, person=b"resident-number"
    ).digest()
    digits = f"{int.from_bytes(mac, 'big') % 10 ** (DIGITS - 1):0{DIGITS - 1}d}"
    digits += str(-_luhn(digits + "0") % 10)
    return " ".join(digits[start : start + 4] for start in range(0, DIGITS, 4))


def tidy(text: str) -> str | None:
    """The number in its four groups, however it was typed (full-width, hyphens, no gaps); None when it is none."""
    digits = "".join(str(int(letter)) for letter in text if letter.isdecimal())
    rest = [letter for letter in text if not letter.isdecimal() and not letter.isspace()]
    if len(digits) != DIGITS or any(letter not in "-‐‑–—−ー－" for letter in rest) or _luhn(digits) % 10:
        return None
    return " ".join(digits[start : start + 4] for start in range(0, DIGITS, 4))


def _luhn(digits: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total
