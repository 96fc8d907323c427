"""Names and passwords as they are compared: the same letters are the same, however a keyboard composed them; pure.

A user name or address is compared in NFKC, because nobody means another person by a full-width letter. A password is
compared in NFC: canonically equal texts are one password, and nothing that somebody chose is thrown away.
"""

import unicodedata
from collections.abc import Iterator


def plain_name(typed: str) -> str:
    """A user name or address as it is kept and looked up."""
    return unicodedata.normalize("NFKC", typed).strip()


def plain_password(typed: str) -> str:
    """A password as it is kept."""
    return unicodedata.normalize("NFC", typed)


def passwords(typed: str) -> Iterator[str]:
    """Forms in which `typed` may have been kept: as now, as it was typed, and as some systems decompose it."""
    yield from dict.fromkeys((plain_password(typed), typed, unicodedata.normalize("NFD", typed)))
