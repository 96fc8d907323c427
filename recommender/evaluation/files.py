"""Reads a folder with the log of a city: residents, items, what was shown, and whom to rank for on which days.

Each file is NAME.csv or NAME.csv.gz. Whatever is wrong is a FolderError that names the file, the line and the column.
"""

import csv
import gzip
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

from recommender.domain.features import Shown
from recommender.domain.types import Item, Profile
from recommender.errors import FolderError

ATTRIBUTES = ("age_band", "household", "occupation", "language")
AREA = "area"
"""The ward as an attribute: what people of a ward open, wherever it is."""
STAGE = ("age_band", "household")
"""What only both tell together (the young who live alone) is an attribute of its own: the stage of life."""
GROUPS = ("cold", "warm")

RESIDENTS = (
    "resident_id", "age_band", "ward", "household", "occupation", "language", "prefs_opt_in",
    "behaviour_opt_in", "declared_topics", "followed_places",
)  # fmt: skip
ITEMS = (
    "item_id", "kind", "topics", "places", "provider", "language", "published_at", "expires_at", "urgent",
)  # fmt: skip
IMPRESSIONS = ("ts", "resident_id", "item_id", "position", "propensity", "click")
TEST_USERS = ("resident_id", "group")
TEST_DAYS = ("day", "rank_at")
RANKING = ("resident_id", "day", "rank", "item_id")


@dataclass(frozen=True, slots=True)
class Resident:
    """What may be used of a resident; `follows` are the places whose urgent notices are theirs in any case."""

    profile: Profile
    learns: bool
    follows: tuple[str, ...]

    def must_see(self, item: Item) -> bool:
        """Urgent, and of the whole city, of the own ward or of a followed place."""
        if not item.urgent:
            return False
        return not item.places or any(
            place == self.profile.district or place in self.follows for place in item.places
        )


@dataclass(frozen=True)
class City:
    """A folder. `shown` holds only what residents saw who let it be learnt from; `turned_away` counts the others' rows."""

    residents: dict[str, Resident]
    items: dict[str, Item]
    shown: list[Shown]
    turned_away: int
    tested: dict[str, str]
    days: dict[str, datetime]

    def live(self, at: datetime) -> list[Item]:
        """Published and not expired at this moment, in the order of the file."""
        return [
            item
            for item in self.items.values()
            if item.published_at <= at and (item.expires_at is None or at < item.expires_at)
        ]


def read(folder: Path) -> City:
    """The whole folder but for the truth. A log without a row is allowed: then the editors' prior ranks alone."""
    residents = dict(_residents(folder))
    items = dict(_items(folder))
    if not items:
        raise FolderError(f"{path_of(folder, 'items').name}: no item")
    shown, turned_away = _shown(folder, residents, items)
    return City(residents, items, shown, turned_away, _tested(folder, residents), _days(folder))


def read_ranking(path: Path, city: City) -> dict[tuple[str, str], list[str]]:
    """(resident, day) → item ids in the order of their ranks."""
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for row in _rows(path, RANKING):
        resident, day, rank, item = row.values
        if resident not in city.tested:
            raise row.error("resident_id", f"{resident!r} is no resident to rank for")
        if day not in city.days:
            raise row.error("day", f"{day!r} is no day to rank at")
        if item not in city.items:
            raise row.error("item_id", f"no item {item!r}")
        if not rank.isdecimal():
            raise row.error("rank", f"{rank!r} is no whole number")
        found.setdefault((resident, day), []).append((int(rank), item))
    lists = {}
    for key, ranked in found.items():
        ranked.sort()
        if len({rank for rank, _ in ranked}) < len(ranked):
            raise FolderError(f"{path.name}: resident {key[0]}, day {key[1]}: two items have the same rank")
        lists[key] = [item for _, item in ranked]
    return lists


class _Row:
    """One line of a file, and the error that names it."""

    __slots__ = ("columns", "line", "name", "values")

    def __init__(self, name: str, line: int, columns: Sequence[str], values: list[str]) -> None:
        self.name, self.line, self.columns, self.values = name, line, columns, values

    def error(self, column: str, why: str) -> FolderError:
        return FolderError(f"{self.name}, line {self.line}, column {column}: {why}")

    def __getitem__(self, column: str) -> str:
        return self.values[self.columns.index(column)]

    def filled(self, column: str) -> str:
        value = self[column]
        if not value:
            raise self.error(column, "empty")
        return value

    def flag(self, column: str) -> bool:
        value = self[column]
        if value not in ("0", "1"):
            raise self.error(column, f"{value!r} is neither 0 nor 1")
        return value == "1"

    def several(self, column: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part for part in self[column].split("|") if part))

    def moment(self, column: str) -> datetime:
        value = self[column]
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            raise self.error(column, f"{value!r} is no time") from None
        if found.tzinfo is None:
            raise self.error(column, f"{value!r} has no zone")
        return found


def _residents(folder: Path) -> Iterator[tuple[str, Resident]]:
    known: set[str] = set()
    for row in _rows(path_of(folder, "residents"), RESIDENTS):
        name = _once(row, "resident_id", known)
        ward = row["ward"] or None
        attributes = {key: row[key] for key in ATTRIBUTES if row[key]}
        if ward:
            attributes[AREA] = ward
        if all(key in attributes for key in STAGE):
            attributes["+".join(STAGE)] = "+".join(attributes[key] for key in STAGE)
        declared, followed = row.several("declared_topics"), row.several("followed_places")
        told = row.flag("prefs_opt_in")
        profile = Profile(
            district=ward,
            followed=followed if told else (),
            declared=declared if told else (),
            attributes=attributes,
        )
        yield name, Resident(profile, row.flag("behaviour_opt_in"), followed)


def _items(folder: Path) -> Iterator[tuple[str, Item]]:
    known: set[str] = set()
    for row in _rows(path_of(folder, "items"), ITEMS):
        name = _once(row, "item_id", known)
        yield (
            name,
            Item(
                id=name,
                kind=row.filled("kind"),
                topics=row.several("topics"),
                places=row.several("places"),
                provider=row["provider"],
                language=row["language"],
                published_at=row.moment("published_at"),
                expires_at=row.moment("expires_at") if row["expires_at"] else None,
                urgent=row.flag("urgent"),
            ),
        )


def _shown(folder: Path, residents: dict[str, Resident], items: dict[str, Item]) -> tuple[list[Shown], int]:
    """Rows of who did not let it be learnt from are counted and dropped here, before anything sees them."""
    shown: list[Shown] = []
    turned_away = 0
    moments: dict[str, datetime] = {}
    for row in _rows(path_of(folder, "impressions"), IMPRESSIONS):
        ts, name, item_id, position, propensity, click = row.values
        resident, item = residents.get(name), items.get(item_id)
        if resident is None:
            raise row.error("resident_id", f"no resident {name!r}")
        if item is None:
            raise row.error("item_id", f"no item {item_id!r}")
        if not position.isdecimal():
            raise row.error("position", f"{position!r} is no whole number")
        if not 0 < _number(row, "propensity", propensity) <= 1:
            raise row.error("propensity", f"{propensity!r} is no chance between 0 and 1")
        if click not in ("0", "1"):
            raise row.error("click", f"{click!r} is neither 0 nor 1")
        at = moments.get(ts)
        if at is None:
            at = moments[ts] = row.moment("ts")
        if resident.learns:
            shown.append(Shown(resident.profile, item, at, int(position), float(click), name))
        else:
            turned_away += 1
    return shown, turned_away


def _tested(folder: Path, residents: dict[str, Resident]) -> dict[str, str]:
    known: set[str] = set()
    found = {}
    for row in _rows(path_of(folder, "test_users"), TEST_USERS):
        name = _once(row, "resident_id", known)
        if name not in residents:
            raise row.error("resident_id", f"no resident {name!r}")
        if row["group"] not in GROUPS:
            raise row.error("group", f"{row['group']!r} is neither cold nor warm")
        found[name] = row["group"]
    if not found:
        raise FolderError(f"{path_of(folder, 'test_users').name}: no resident to rank for")
    return found


def _days(folder: Path) -> dict[str, datetime]:
    known: set[str] = set()
    found = {
        _once(row, "day", known): row.moment("rank_at")
        for row in _rows(path_of(folder, "test_days"), TEST_DAYS)
    }
    if not found:
        raise FolderError(f"{path_of(folder, 'test_days').name}: no day to rank at")
    return found


def _once(row: _Row, column: str, known: set[str]) -> str:
    name = row.filled(column)
    if name in known:
        raise row.error(column, f"{name!r} comes twice")
    known.add(name)
    return name


def _number(row: _Row, column: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise row.error(column, f"{value!r} is no number")
    return number


def path_of(folder: Path, name: str) -> Path:
    """The file of a table, compressed or not."""
    for found in (folder / f"{name}.csv.gz", folder / f"{name}.csv"):
        if found.is_file():
            return found
    raise FolderError(f"{folder}: no file {name}.csv.gz and no {name}.csv")


def _rows(path: Path, columns: Sequence[str]) -> Iterator[_Row]:
    """The lines below the heading, with the cells of `columns` in their order; other columns are passed over."""
    try:
        with opened(path) as lines:
            reader = csv.reader(lines)
            pick, width = _heading(path.name, next(reader, []), columns)
            for cells in reader:
                if len(cells) != width:
                    raise FolderError(
                        f"{path.name}, line {reader.line_num}: {len(cells)} cells, the heading has {width}"
                    )
                yield _Row(path.name, reader.line_num, columns, pick(cells))
    except UnicodeDecodeError as error:
        raise FolderError(f"{path.name}: not UTF-8") from error
    except csv.Error as error:
        raise FolderError(f"{path.name}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise FolderError(f"{path.name}: cannot be read") from error


def opened(path: Path) -> TextIOWrapper:
    """A file of text, compressed or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _heading(
    name: str, heading: list[str], columns: Sequence[str]
) -> tuple[Callable[[list[str]], list[str]], int]:
    heading = [column.strip().removeprefix("\ufeff") for column in heading]
    for column in columns:
        if heading.count(column) != 1:
            raise FolderError(
                f"{name}, line 1, column {column}: {'missing' if column not in heading else 'twice'}"
            )
    places = [heading.index(column) for column in columns]
    return (lambda cells: [cells[place] for place in places]), len(heading)
