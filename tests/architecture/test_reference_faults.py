"""The page of faults: each number once and in order, with its kind, its siblings and tests that exist."""

import re

from tests.architecture.tables import REFERENCE, ROOT, rows

NUMBERS = range(1, 58)
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(?:\w+::)?(\w+))?(?:\[[^`]*\])?`")


def faults() -> list[tuple[str, ...]]:
    return [cells for _, cells in rows(REFERENCE / "faults.md")]


def test_each_number_stands_once_and_in_order() -> None:
    assert [cells[0] for cells in faults()] == [str(number) for number in NUMBERS]


def test_each_row_says_its_kind_its_siblings_and_its_tests() -> None:
    for number, kind, siblings, tests in faults():
        assert len(kind) > 40, number
        assert len(siblings) > 20, number
        assert _TEST.findall(tests), number


def test_every_test_named_exists() -> None:
    missing = []
    for number, *_, tests in faults():
        for path, name in _TEST.findall(tests):
            source = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).is_file() else ""
            if not source or (name and f"def {name}(" not in source):
                missing.append(f"{number}: {path}::{name}")
    assert missing == []


def test_nothing_else_stands_in_the_column_of_tests() -> None:
    for number, *_, tests in faults():
        assert re.sub(r"[\s,;]|and", "", _TEST.sub("", tests)) == "", number
