"""One threshold for everything that is shown about residents."""

import ast
from pathlib import Path

import pytest

from core.disclosure import SMALL_CELL, shown, to_tens

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (4, 0), (5, 10), (14, 10), (15, 20), (20, 20)])
def test_counts_are_rounded_to_tens(count: int, expected: int) -> None:
    assert to_tens(count) == expected


@pytest.mark.parametrize(("count", "expected"), [(0, None), (19, None), (20, 20), (24, 20), (25, 30)])
def test_fewer_than_a_cell_is_no_number(count: int, expected: int | None) -> None:
    assert shown(count) == expected


def test_more_can_be_asked_for() -> None:
    assert shown(29, least=30) is None
    assert shown(30, least=30) == 30


OTHER_TWENTIES = {
    "FEWEST_TO_WARN": "calls of a gadget",
    "FEWEST_CHARACTERS": "characters",
    "READ_BACK": "versions",
    "MAX_DEPTH": "levels of JSON",
    "EM_ROUNDS": "rounds",
}


def test_no_other_module_has_a_threshold_of_residents() -> None:
    """Constants of 20 are counts of something else: named here, or bounds from above."""
    bare = []
    for package in ("core", "identity", "gadgets", "recommender", "portal"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if (
                    isinstance(node, ast.Assign)
                    and isinstance(node.value, ast.Constant)
                    and node.value.value == 20
                ):
                    name = ast.unparse(node.targets[0])
                    if name not in OTHER_TWENTIES and not any(
                        part in name for part in ("MOST", "MAX", "SHOWN", "BATCH", "SECONDS", "CALLS")
                    ):
                        bare.append(f"{path.relative_to(ROOT)}: {name}")
    assert SMALL_CELL == 20
    assert bare == ["core/disclosure.py: SMALL_CELL"]
