"""Reads a municipality's event list: encoding, header, and each row with what was repaired or is wrong; pure.

Columns are those of the 推奨データセット (event list) with the additions of Takamatsu's event map. The rule:
repair only what is provable, list every repair, never guess.
"""

import csv
import io
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import TypeVar

from portal.content import openvalues as values
from portal.content.errors import UnknownHeader, UnreadableFile

T = TypeVar("T")

REQUIRED = ("イベント名", "開始日", "終了日")
HEADER_WITHIN = 5
ENCODINGS = ("utf-8", "cp932")
TITLE_LIMIT = 255
TEXT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Repair:
    """A cell that was read although it is not written as the standard says. `row` as a spreadsheet counts."""

    row: int
    column: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A cell that cannot be read without guessing."""

    row: int
    column: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event as its list has it; texts are empty where the list says nothing."""

    number: str
    title: str
    title_en: str
    starts_on: date
    ends_on: date
    starts_time: time | None
    ends_time: time | None
    time_note: str
    description: str
    fee: str
    contact: str
    organiser: str
    place_name: str
    address: str
    latitude: float | None
    longitude: float | None
    url: str
    category: str
    target: str


@dataclass(frozen=True, slots=True)
class Line:
    """One record: its row as a spreadsheet counts it, and its cells by column."""

    row: int
    cells: Mapping[str, str]
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file that could be read as an event list."""

    encoding: str
    header_row: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """What one row came to: an event, or problems, or a draft that its publisher has not finished."""

    row: int
    event: Event | None
    repairs: tuple[Repair, ...] = ()
    problems: tuple[Problem, ...] = ()
    draft: bool = False


def decode(raw: bytes, encoding: str | None = None) -> tuple[str, str]:
    """The text and the name of its encoding; `UnreadableFile` names the line and the byte that do not fit."""
    if encoding is not None and encoding not in ENCODINGS:
        raise UnreadableFile(f"--encoding に使えるのは {'、'.join(ENCODINGS)} です（{encoding} ではなく）。")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile("文字コードが UTF-16 です（1行目の先頭）。UTF-8 で保存し直してください。")
    if raw.startswith(b"PK\x03\x04"):
        raise UnreadableFile("これは Excel のファイルです。CSV（UTF-8）で保存し直してください。")
    try:
        return raw.decode("cp932" if encoding == "cp932" else "utf-8-sig"), encoding or "utf-8"
    except UnicodeDecodeError as error:
        # The BOM is not part of what the decoder counts.
        start = error.start + (3 if raw.startswith(b"\xef\xbb\xbf") and encoding != "cp932" else 0)
        line = raw.count(b"\n", 0, start) + 1
        place = f"{line}行目（先頭から{start + 1}バイト目、0x{raw[start]:02x}）"
        if encoding is None and _is_cp932(raw):
            raise UnreadableFile(
                f"文字コードが UTF-8 ではなく CP932（Shift_JIS）です: {place}。"
                "このまま取り込むときは --encoding cp932 を付けてください。"
            ) from error
        raise UnreadableFile(f"{encoding or 'utf-8'} として読めない文字があります: {place}。") from error


def _is_cp932(raw: bytes) -> bool:
    try:
        raw.decode("cp932")
    except UnicodeDecodeError:
        return False
    return True


def read_table(text: str, encoding: str = "utf-8") -> Table:
    """Finds the header within the first rows and gives each record below it; `UnknownHeader` when there is none."""
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise UnreadableFile(f"CSV として読めません: {error}。") from error
    for index, record in enumerate(records[:HEADER_WITHIN]):
        names = [_column(cell) for cell in record]
        if set(REQUIRED) <= set(names):
            _no_twins(names, index + 1)
            lines = [
                _line(number, names, cells)
                for number, cells in enumerate(records[index + 1 :], start=index + 2)
                if any(cell.strip() for cell in cells)
            ]
            return Table(encoding, index + 1, tuple(lines))
    top = "、".join(records[0][:6]) if records else "（空のファイル）"
    raise UnknownHeader(
        f"先頭{HEADER_WITHIN}行に、列名 {'、'.join(REQUIRED)} がそろった行がありません。1行目: {top}"
    )


def _column(cell: str) -> str:
    """A column's name whatever the width of its parentheses, with the long vowel mark where a bar was typed."""
    return unicodedata.normalize("NFKC", cell).strip().lstrip("\ufeff").replace("―", "ー")


def _no_twins(names: list[str], row: int) -> None:
    twins = sorted({name for name in names if name and names.count(name) > 1})
    if twins:
        raise UnknownHeader(f"{row}行目: 同じ列名が2回あります: {'、'.join(twins)}")


def _line(row: int, names: list[str], cells: list[str]) -> Line:
    if len(cells) != len(names):
        why = f"列の数が見出しと違います（見出し {len(names)}、この行 {len(cells)}）。"
        return Line(row, {}, Problem(row, "（行全体）", ",".join(cells)[:80], why))
    return Line(row, dict(zip(names, cells, strict=True)))


@dataclass(slots=True)
class _Cells:
    """Reads the cells of one row and collects what was repaired and what is wrong."""

    row: int
    cells: Mapping[str, str]
    repairs: list[Repair] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def text(self, column: str, limit: int = TITLE_LIMIT) -> str:
        raw = self.cells.get(column, "")
        value = raw.strip()
        if any(unicodedata.category(sign) == "Cc" and sign not in "\r\n\t" for sign in value):
            self.wrong(column, raw, "制御文字が入っています。")
            return ""
        if len(value) > limit:
            self.wrong(column, f"{value[:40]}…", f"{limit}文字を超えています（{len(value)}文字）。")
        if value != raw:
            self.repairs.append(Repair(self.row, column, raw, value, "前後の空白・改行を除きました。"))
        return value

    def parse(
        self, column: str, read: Callable[[str], values.Parsed[T]], *, needed: bool = False
    ) -> T | None:
        raw = self.cells.get(column, "")
        if not raw.strip():
            if needed:
                self.wrong(column, raw, "空です。必ず書いてください。")
            return None
        try:
            parsed = read(raw)
        except values.BadValueError as error:
            self.wrong(column, raw, str(error))
            return None
        if parsed.why:
            self.repairs.append(Repair(self.row, column, raw, _written(parsed.value), parsed.why))
        return parsed.value

    def wrong(self, column: str, value: str, why: str) -> None:
        self.problems.append(Problem(self.row, column, value, why))

    def point(self) -> tuple[float, float] | None:
        north, east = self.cells.get("緯度", "").strip(), self.cells.get("経度", "").strip()
        if not north and not east:
            return None
        try:
            parsed = values.point(values.degrees(north), values.degrees(east))
        except values.BadValueError as error:
            self.wrong("緯度・経度", f"{north},{east}", str(error))
            return None
        if parsed.why:
            after = "" if parsed.value is None else f"{parsed.value[0]},{parsed.value[1]}"
            self.repairs.append(Repair(self.row, "緯度・経度", f"{north},{east}", after, parsed.why))
        return parsed.value


def _written(value: object) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def read_event(line: Line) -> Read:
    """One record as an event; every problem of the row is listed, not only the first."""
    if line.problem:
        return Read(line.row, None, problems=(line.problem,))
    cells = _Cells(line.row, line.cells)
    if cells.text("入力中フラグ") == "1":
        return Read(line.row, None, draft=True)
    title = cells.text("イベント名")
    if not title:
        cells.wrong("イベント名", "", "空です。必ず書いてください。")
    starts_on = cells.parse("開始日", values.day, needed=True)
    ends_on = cells.parse("終了日", values.day, needed=True)
    if starts_on and ends_on and ends_on < starts_on:
        cells.wrong("終了日", cells.cells["終了日"], f"開始日（{starts_on}）より前です。")
    starts_time, ends_time = cells.parse("開始時間", values.clock), cells.parse("終了時間", values.clock)
    if starts_on == ends_on and starts_time and ends_time and ends_time < starts_time:
        cells.wrong("終了時間", cells.cells["終了時間"], f"開始時間（{starts_time:%H:%M}）より前です。")
    point = cells.point()
    rest = _rest(cells)
    if cells.problems or starts_on is None or ends_on is None:
        return Read(line.row, None, tuple(cells.repairs), tuple(cells.problems))
    event = Event(
        title=title,
        starts_on=starts_on,
        ends_on=ends_on,
        starts_time=starts_time,
        ends_time=ends_time,
        latitude=point[0] if point else None,
        longitude=point[1] if point else None,
        **rest,
    )
    return Read(line.row, event, tuple(cells.repairs))


def _rest(cells: _Cells) -> dict[str, str]:
    parts = {
        "fee": (cells.text("料金(基本)"), cells.text("料金(詳細)")),
        "contact": (cells.text("連絡先名称"), cells.text("連絡先電話番号")),
        "address": (cells.text("住所"), cells.text("方書")),
    }
    joined = {name: " ".join(part for part in pair if part) for name, pair in parts.items()}
    for name, value in joined.items():
        if len(value) > TITLE_LIMIT:
            cells.wrong(name, f"{value[:40]}…", f"合わせて{TITLE_LIMIT}文字を超えています。")
    return {
        **joined,
        "number": cells.text("NO", 64),
        "title_en": cells.text("イベント名_英語"),
        "time_note": cells.text("開始日時特記事項"),
        "description": cells.text("説明", TEXT_LIMIT),
        "organiser": cells.text("主催者"),
        "place_name": cells.text("場所名称"),
        "url": cells.parse("URL", values.web) or "",
        "category": cells.text("カテゴリ", 100),
        "target": cells.text("対象", 100),
    }
