"""A long list is imported while people sign in: nobody gets an error, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import imports
from demo.supervise import run_to_end
from tests import sites
from tests.journeys.conftest import IN_THE_CITY, MODES
from tests.sites import Site

ROWS = 10_000


@pytest.fixture
def cleared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """The running site; afterwards the list is empty, so that no other journey meets its events."""
    site: Site = request.getfixturevalue(f"{request.param}_site")
    yield site
    empty = imports.a_list(tmp_path / "empty.csv", 0)
    run_to_end(
        [*imports.command(empty), "--confirm"],
        env=site.environment,
        cwd=sites.ROOT,
        log=tmp_path / "empty.log",
    )


@pytest.mark.full
@pytest.mark.parametrize("cleared", [MODES[0], pytest.param("city", marks=IN_THE_CITY)], indirect=True)
def test_people_sign_in_while_ten_thousand_rows_are_imported(cleared: Site) -> None:
    found = imports.measured(cleared, rows=ROWS, quiet=3)
    assert found["failed"] == []
    assert found["sign_ins"] > 0
    assert f"読んだ行 {ROWS}、新規 {ROWS}" in found["said"]
