"""By what a row of a publisher's list is known again, and whose list it is; pure."""

import hashlib
import unicodedata
from collections.abc import Iterator

from portal.imports.list_reader import Event


def number(raw: str) -> str:
    """A number as it is compared: 0001, １ and 1 are one; a number with letters keeps all of its signs."""
    text = unicodedata.normalize("NFKC", raw).strip()
    return text.lstrip("0") or "0" if text.isdecimal() else text


def entry_key(publisher: str, dataset: str, event: Event) -> str:
    """Publisher × dataset × number, and the day where a row lists its days singly; by content without a number."""
    day = event.starts_on.isoformat() if event.single_day else ""
    if event.number:
        return _sha(publisher, dataset, "no", number(event.number), day)
    return _sha(publisher, dataset, "row", *_content(event))


def former_keys(publisher: str, event: Event, count: int) -> Iterator[str]:
    """The keys by which imports knew a row before lists had names: the number as it was written, or the content."""
    if not event.number:
        yield repeated_key(_sha(publisher, *_content(event)), count)
        return
    plain = number(event.number)
    written = {event.number, plain, *(plain.zfill(digits) for digits in range(2, 11) if plain.isdecimal())}
    for form in sorted(written, key=lambda one: one != event.number):
        yield repeated_key(_sha(publisher, form), count)


def repeated_key(key: str, count: int) -> str:
    """The key of the second and later of rows that are the same, word for word."""
    return _sha(f"{key}#{count}") if count else key


def _content(event: Event) -> tuple[str, ...]:
    parts = (
        event.title,
        event.starts_on,
        event.ends_on,
        event.starts_time,
        event.ends_time,
        event.place_name,
        event.latitude,
        event.longitude,
    )
    return tuple(str(part) for part in parts)


def _sha(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def digest(text: str) -> str:
    """What imports kept of a row before they kept its values."""
    return _sha(text)


def is_municipality(raw: str, code: str) -> bool:
    """Whether a cell names the municipality with this six-digit code: with or without check digit or leading zero."""
    written = unicodedata.normalize("NFKC", raw).strip()
    return written in {form for whole in (code, code[:5]) for form in (whole, whole.lstrip("0"))}
