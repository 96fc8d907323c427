"""The editors' prior as JSON and back; pure."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from recommender.errors import WeightsError
from recommender.weights import Prior

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
    for name in document:
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
