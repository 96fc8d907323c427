"""JSON Pointers (RFC 6901) of a query's template into the entities that were read; pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Data = Mapping[str, Sequence[Mapping[str, Any]]]
"""For each name of the manifest's `data[]`: entities in normalized form, the nearest first."""


class Missing:
    """What a pointer finds where there is nothing: never zero, never an empty text."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


MISSING = Missing("MISSING")
AMBIGUOUS = Missing("AMBIGUOUS")
"""Several values are there, and none of them is the one that counts."""


def pointer_of(value: object) -> str | None:
    """The pointer that takes the place of a value; None when it is a value itself."""
    if isinstance(value, Mapping) and "$" in value:
        found = value["$"]
        return found if isinstance(found, str) else ""
    return None


def parts_of(pointer: str) -> tuple[str, ...]:
    """`/gauge/0/waterLevel/value` → its parts; empty when it is no pointer."""
    if not pointer.startswith("/"):
        return ()
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def index_of(part: str) -> int | None:
    """The place in a list that a part of a pointer names; None when it names none."""
    return int(part) if re.fullmatch(r"0|[1-9][0-9]{0,5}", part) else None


def resolve(data: Data, pointer: str) -> Any:
    """What the pointer leads to, or MISSING or AMBIGUOUS; null counts as missing."""
    found: Any = data
    for part in parts_of(pointer):
        if isinstance(found, Missing):
            return found
        if isinstance(found, Mapping):
            found = found.get(part, MISSING)
        elif isinstance(found, Sequence) and not isinstance(found, str):
            index = index_of(part)
            found = found[index] if index is not None and index < len(found) else MISSING
        else:
            return MISSING
    if isinstance(found, Mapping) and set(found) >= {"@type", "@value"}:
        found = found["@value"]
    return MISSING if found is None else found


def pointers(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object with `$` in a template, with its place."""
    if isinstance(value, Mapping):
        if "$" in value:
            yield path, value
            return
        for key, inner in value.items():
            yield from pointers(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from pointers(inner, f"{path}[{index}]")
