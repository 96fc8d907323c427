"""The editors' prior as JSON and back; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from recommender.domain.weights import Prior
from recommender.errors import WeightsError

_TABLES = ("base", "half_life_days")


def to_json(prior: Prior) -> dict[str, Any]:
    """The whole prior; `attribute_topic` as attribute → value → topic → weight."""
    found: dict[str, Any] = {
        one.name: getattr(prior, one.name) for one in fields(prior) if one.name != "attribute_topic"
    }
    for table in _TABLES:
        found[table] = dict(found[table])
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for (key, value), topics in prior.attribute_topic.items():
        rows.setdefault(key, {})[value] = dict(topics)
    return {**found, "attribute_topic": rows}


def from_json(document: Mapping[str, Any]) -> Prior:
    """The prior of a document as `to_json` writes it; what is missing is as the code has it.

    Raises WeightsError for an unknown name, for what is no number, and for what `Prior.check` refuses.
    """
    known = {one.name for one in fields(Prior)}
    for name in _table(document, "the prior"):
        if name not in known:
            raise WeightsError(f"{name}: no such weight")
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name == "attribute_topic":
            values[name] = {
                (key, one): _numbers(topics, f"{key} {one}")
                for key, row in _table(value, name).items()
                for one, topics in _table(row, key).items()
            }
        else:
            values[name] = _numbers(value, name) if name in _TABLES else _number(value, name)
    prior = Prior(**values)
    prior.check()
    return prior


MOST = 3.0
"""The largest weight that an editor may set: some 20 times as often."""
LEAST_DAYS, MOST_DAYS = 0.1, 3650.0


def bounded(prior: Prior) -> Prior:
    """The prior, if it is one that an editor may set; raises WeightsError with the name of what is out of bounds."""
    document = to_json(prior)
    days = {
        **document.pop("half_life_days"),
        "default_half_life_days": document.pop("default_half_life_days"),
    }
    for name, value in days.items():
        if not LEAST_DAYS <= value <= MOST_DAYS:
            raise WeightsError(f"{name}: days between {LEAST_DAYS} and {MOST_DAYS:.0f} are expected")
    for name, value in _flat(document):
        if abs(value) > MOST:
            raise WeightsError(f"{name}: a weight between -{MOST} and {MOST} is expected")
    return prior


def _flat(table: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, float]]:
    for name, value in table.items():
        path = f"{where} {name}".strip()
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        else:
            yield path, value


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WeightsError(f"{where}: a table is expected")
    return value


def _numbers(value: object, where: str) -> dict[str, float]:
    return {name: _number(one, f"{where} {name}") for name, one in _table(value, where).items()}


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WeightsError(f"{where}: a number is expected")
    return float(value)
