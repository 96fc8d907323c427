"""Compares two cards as a reader would: the same but for the moment they were made; pure."""

import json
from collections.abc import Iterator
from typing import Any

IGNORED = frozenset({"updated", "valid_until"})
"""The fields of a card that may differ between two answers to the same question."""
SHOWN = 3


def document(raw: bytes) -> Any:
    """What a card says, without the moment; bytes that are no JSON stand for themselves."""
    try:
        held = json.loads(raw)
    except ValueError:
        return raw
    if isinstance(held, dict):
        return {name: value for name, value in held.items() if name not in IGNORED}
    return held


def same(one: bytes, other: bytes) -> bool:
    return bool(document(one) == document(other))


def places(one: bytes, other: bytes) -> str:
    """Where two cards differ, as paths; the first few."""
    found = list(_places("$", document(one), document(other)))
    return ", ".join(found[:SHOWN]) + (" …" if len(found) > SHOWN else "")


def _places(path: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):
            if name not in one or name not in other:
                yield f"{path}.{name}"
            else:
                yield from _places(f"{path}.{name}", one[name], other[name])
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _places(f"{path}[{index}]", mine, theirs)
    elif one != other:
        yield path
