"""The figures of a score as lines to print."""

import math
from collections.abc import Iterator, Mapping, Sequence

from recommender.evaluation.scoring import LIMITS, Score, Value

OK, BROKEN = "ok", "FAILS"
CHECKS = {
    "urgent_missing": "urgent missing",
    "urgent_not_first": "urgent not first",
    "expired": "expired or not published",
    "duplicates": "duplicates",
    "incomplete": "lists not complete",
}


def of_score(score: Score, beside: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterator[str]:
    """Values with their limits, references beside them, then the hard checks."""
    yield from of_values(score.values, LIMITS)
    for ranker, groups in beside.items():
        told = "  ".join(f"{name} {values[0]:.3f}" for name, values in groups.items())
        yield f"  reference: {ranker}: {told}"
    for name, words in CHECKS.items():
        count = getattr(score.checks, name)
        yield line(not count, words, str(count))


def of_values(values: Mapping[str, Value], limits: Mapping[str, float] | None = None) -> Iterator[str]:
    """One line for each group, judged where it has a limit; NaN means that nobody is in it."""
    for name, value in values.items():
        if math.isnan(value.mean):
            yield f"      value {name}: nobody"
            continue
        told = f"{value.mean:.4f} [{value.low:.4f}, {value.high:.4f}] of {value.residents} residents"
        limit = (limits or {}).get(name)
        if limit is None:
            yield f"      value {name}: {told}"
        else:
            yield line(value.mean >= limit, f"value {name}", f"{told}, at least {limit}")


def line(good: bool, name: str, told: str) -> str:
    """One line of a check."""
    return f"{OK if good else BROKEN:5} {name}: {told}"
