"""The flood day is replayed by the time of day; what is missing stays missing."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from examples.kit.config import JST
from examples.river.record import DATA, RecordError, level_of, load, next_change, reading

STATIONS = {station.id: station for station in load()}
HARAME, ENAMI, KAWAKAMI, EBATA = STATIONS["9"], STATIONS["124"], STATIONS["30"], STATIONS["4"]


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=JST)


def test_the_newest_reading_counts() -> None:
    one = reading(HARAME, at(8, 30))
    assert (one.value, one.observed, one.status) == (1.92, at(8, 10), "current")


def test_a_reading_is_old_after_thirty_minutes() -> None:
    assert reading(HARAME, at(8, 40)).status == "current"
    one = reading(HARAME, at(8, 41))
    assert (one.value, one.status) == (1.92, "old")


def test_before_the_first_reading_yesterdays_last_one_is_shown_as_old() -> None:
    one = reading(HARAME, at(5, 0))
    assert (one.value, one.observed, one.status) == (0.49, at(23, 20) - timedelta(days=1), "old")


def test_a_missing_reading_is_none_and_never_zero() -> None:
    one = reading(KAWAKAMI, at(16, 5))
    assert (one.value, one.status) == (None, "not_available")
    assert one.last_good is not None
    assert one.last_good[0] == at(15, 0)


def test_levels_skip_thresholds_that_are_not_set() -> None:
    assert level_of(HARAME, 2.0) == 4
    assert level_of(HARAME, 1.99) == 3
    assert ENAMI.thresholds[2] is None
    assert level_of(ENAMI, 1.9) == 2
    assert level_of(HARAME, 0.5) == 0
    assert not EBATA.has_thresholds
    assert level_of(EBATA, 99.0) == 0


def test_the_next_change_is_a_reading_or_its_growing_old() -> None:
    assert next_change([HARAME], at(8, 30)) == at(8, 40) + timedelta(seconds=1)
    assert next_change([HARAME], at(23, 59)) == at(7, 20) + timedelta(days=1)


@pytest.mark.parametrize(
    ("file", "before", "after", "place"),
    [
        ("levels_2023-07-13.csv", "2023-07-13T08:10,1.92,9", "2023-07-13T08:10,high,9", "number 'high'"),
        ("levels_2023-07-13.csv", "2023-07-13T08:10,1.92,9", "2023-07-13T8,1.92,9", "time '2023-07-13T8'"),
        ("stations.csv", "2.00,1.80,1.50,1.20", "2.00,1.80,1.50,low", "number 'low'"),
    ],
)
def test_a_record_that_cannot_be_read_names_file_and_line(
    tmp_path: Path, file: str, before: str, after: str, place: str
) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    broken = tmp_path / "data" / file
    text = broken.read_text(encoding="utf-8-sig")
    assert before in text
    broken.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(RecordError, match=rf"{file} line \d+: the {place}"):
        load(tmp_path / "data")


def test_a_station_without_readings_is_named(tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    (tmp_path / "data" / "levels_2023-07-13.csv").write_text("日時,河川水位,id\n", encoding="utf-8")
    with pytest.raises(RecordError, match="no record of the stations 9, 124"):
        load(tmp_path / "data")
