"""Audience: the one predicate that decides for whom a page, a gadget, a notice or a rule is meant.

Pure. Keys are joined by AND, the values of one key by OR; an empty audience is everybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.texts import gettext_noop
from identity.domain import attributes
from identity.domain.attributes import Value
from identity.errors import AttributeProblem
from identity.errors import AudienceError as AudienceError

K_REACH = 30
"""Fewest residents of an audience for which an editor is shown a number."""


@dataclass(frozen=True, slots=True)
class Audience:
    """`clauses`: pairs of attribute key and the values that match, sorted by key."""

    clauses: tuple[tuple[str, frozenset[str | bool]], ...] = ()

    @classmethod
    def parse(cls, raw: object) -> "Audience":
        """From the JSON form, e.g. {"area.district": ["busshozan"], "household.has_child": [true]}.

        Raises `AudienceError` naming the place as a JSON Pointer.
        """
        if not isinstance(raw, Mapping):
            raise AudienceError("", gettext_noop("対象は、属性と値の一覧の組で書いてください。"))
        return cls(tuple((key, _values(key, raw[key])) for key in sorted(raw, key=str)))

    def to_json(self) -> dict[str, list[str | bool]]:
        """The form that `parse` reads, values in the order of the vocabulary."""
        return {key: _in_order(key, allowed) for key, allowed in self.clauses}

    def __bool__(self) -> bool:
        return bool(self.clauses)


def _values(key: object, raw: object) -> frozenset[str | bool]:
    place = f"/{key}"
    if not isinstance(key, str) or key not in attributes.DEFINITIONS:
        raise AudienceError(place, gettext_noop("「%(name)s」という属性はありません。"), name=key)
    if not isinstance(raw, list | tuple) or not raw:
        raise AudienceError(place, gettext_noop("値を一つ以上、一覧で書いてください。"))
    found: set[str | bool] = set()
    many = attributes.DEFINITIONS[key].kind == "many"
    for index, item in enumerate(raw):
        try:
            value = attributes.validate(key, [item] if many else item)
        except AttributeProblem as error:
            raise AudienceError(f"{place}/{index}", error.message, **error.values) from error
        found.update(value if isinstance(value, tuple) else (value,))
    return frozenset(found)


def _in_order(key: str, allowed: frozenset[str | bool]) -> list[str | bool]:
    if attributes.DEFINITIONS[key].kind == "bool":
        return sorted(allowed, reverse=True)
    return [option for option in attributes.DEFINITIONS[key].options if option in allowed]


def _meets(value: Value | None, allowed: frozenset[str | bool]) -> bool:
    if isinstance(value, tuple):
        return not allowed.isdisjoint(value)
    return value in allowed


def matches(audience: Audience, attributes: Mapping[str, Value]) -> bool:
    """Whether somebody with these attributes belongs to it; an attribute that is not known never matches."""
    return all(_meets(attributes.get(key), allowed) for key, allowed in audience.clauses)


def matched(audience: Audience, attributes: Mapping[str, Value]) -> tuple[str, ...]:
    """The keys that made it match, in the order of the audience; empty when it does not match."""
    return tuple(key for key, _ in audience.clauses) if matches(audience, attributes) else ()
