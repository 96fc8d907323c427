"""Reads a municipality's event list: encoding, header, and each row with what was repaired or is wrong; pure.

Columns are those of the 自治体標準オープンデータセット (event list, 79 columns), of the older 推奨データセット, and the
additions of Takamatsu's event map. The rule: repair only what is provable, list every repair, never guess, and name
every column that is not read.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, TypeVar

from portal.content.errors import UnknownHeader, UnreadableFile
from portal.content.pages import event_rules
from portal.imports import open_values as values

T = TypeVar("T")

REQUIRED = ("イベント名", "開始日", "終了日")
HEADER_WITHIN = 5
ENCODINGS = ("utf-8", "cp932")
COLUMNS = {
    "draft": ("入力中フラグ",),
    "code": ("全国地方公共団体コード", "都道府県コード又は市区町村コード", "市区町村コード"),
    "number": ("NO", "ID"),
    "title": ("イベント名",),
    "title_en": ("イベント名_英語", "イベント名_英字"),
    "starts_on": ("開始日",),
    "ends_on": ("終了日",),
    "days": ("開催日一覧",),
    "starts_time": ("開始時間",),
    "ends_time": ("終了時間",),
    "state": ("状態",),
    "time_note": ("開始日時特記事項",),
    "published_on": ("掲載開始日",),
    "published_until": ("掲載終了日",),
    "overview": ("概要",),
    "description": ("説明",),
    "fee": ("料金(基本)",),
    "fee_note": ("料金(詳細)",),
    "contact": ("連絡先名称",),
    "contact_phone": ("連絡先電話番号",),
    "contact_extension": ("連絡先内線番号",),
    "organiser": ("主催者",),
    "place_name": ("場所名称",),
    "address": ("所在地_連結表記", "住所"),
    "building": ("建物名等(方書)", "方書"),
    "latitude": ("緯度",),
    "longitude": ("経度",),
    "url": ("コンテンツURL", "URL"),
    "category": ("カテゴリ", "イベント種類"),
    "target": ("対象", "対象者"),
}
"""What is read, by the columns that may hold it; of several, the first with something in it counts."""
ADDRESS_PARTS = ("所在地_都道府県", "所在地_市区町村", "所在地_町字", "所在地_番地以下")
"""The address in pieces, for a list that leaves the whole one empty."""
READ = frozenset((*(name for names in COLUMNS.values() for name in names), *ADDRESS_PARTS))
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
    overview: str = ""
    published_on: date | None = None
    published_until: date | None = None
    single_day: bool = False
    """One of the days that a row lists singly."""


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
    columns: tuple[str, ...] = ()

    def unread(self) -> dict[str, int]:
        """Every column that is not read, with the number of rows that have something in it."""
        return {
            name: sum(1 for line in self.lines if line.cells.get(name, "").strip())
            for name in self.columns
            if name and name not in READ
        }


@dataclass(frozen=True, slots=True)
class Read:
    """What one row came to: its events (several where it lists its days singly), or problems, or an unfinished draft.

    `number` and `code` are read of every row that has its columns, also of one that is refused.
    """

    row: int
    events: tuple[Event, ...] = ()
    repairs: tuple[Repair, ...] = ()
    problems: tuple[Problem, ...] = ()
    draft: bool = False
    number: str = ""
    code: str = ""


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
    records = _records(text)
    for index, record in enumerate(records[:HEADER_WITHIN]):
        names = [_column(cell) for cell in record]
        if set(REQUIRED) <= set(names):
            _no_twins(names, index + 1)
            lines = [
                _line(number, names, cells)
                for number, cells in enumerate(records[index + 1 :], start=index + 2)
                if any(cell.strip() for cell in cells)
            ]
            return Table(encoding, index + 1, tuple(lines), tuple(names))
    top = "、".join(records[0][:6]) if records else "（空のファイル）"
    raise UnknownHeader(
        f"先頭{HEADER_WITHIN}行に、列名 {'、'.join(REQUIRED)} がそろった行がありません。1行目: {top}"
    )


def _records(text: str) -> list[list[str]]:
    """All records; what is wrong with a quotation mark is said with the lines between which it stands."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[list[str]] = []
    while True:
        begins = reader.line_num + 1
        try:
            records.append(next(reader))
        except StopIteration:
            return records
        except csv.Error as error:
            place = (
                f"{begins}行目" if reader.line_num <= begins else f"{begins}行目から{reader.line_num}行目まで"
            )
            raise UnreadableFile(
                f'CSV として読めません（{place}）。引用符「"」の閉じ忘れか、囲みの中の引用符を「""」と'
                f"書いていない所があります: {error}。"
            ) from error


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

    def column(self, name: str) -> str:
        """The column that holds this value in this row."""
        there = [column for column in COLUMNS[name] if column in self.cells]
        filled = [column for column in there if self.cells[column].strip()]
        return (filled or there or list(COLUMNS[name]))[0]

    def text(self, name: str, limit: int = TITLE_LIMIT) -> str:
        return self.text_of(self.column(name), limit)

    def text_of(self, column: str, limit: int = TITLE_LIMIT) -> str:
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

    def parse(self, name: str, read: Callable[[str], values.Parsed[T]], *, needed: bool = False) -> T | None:
        column = self.column(name)
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

    def days(self) -> tuple[date, ...]:
        """The days that are listed singly, in their order, each once."""
        column = self.column("days")
        found: set[date] = set()
        for part in re.split(r"[;；]", self.cells.get(column, "")):
            if part.strip():
                try:
                    found.add(values.day(part).value)
                except values.BadValueError as error:
                    self.wrong(column, part.strip(), str(error))
        return tuple(sorted(found))

    def broken_rules(self, refusals: list[event_rules.Refusal]) -> None:
        for refusal in refusals:
            column = self.column(refusal.field)
            self.wrong(column, self.cells.get(column, ""), refusal.sentence)

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
    """One record as an event or its single days; every problem of the row is listed, not only the first."""
    if line.problem:
        return Read(line.row, problems=(line.problem,))
    cells = _Cells(line.row, line.cells)
    number, code = cells.text("number", 64), cells.text("code", 64)
    if cells.text("draft") == "1":
        return Read(line.row, draft=True, number=number, code=code)
    events = _events(cells, number)
    if cells.problems:
        return Read(line.row, (), tuple(cells.repairs), tuple(cells.problems), number=number, code=code)
    return Read(line.row, events, tuple(cells.repairs), number=number, code=code)


def _events(cells: _Cells, number: str) -> tuple[Event, ...]:
    title = cells.text("title")
    if not title:
        cells.wrong("イベント名", "", "空です。必ず書いてください。")
    starts_on = cells.parse("starts_on", values.day, needed=True)
    ends_on = cells.parse("ends_on", values.day, needed=True)
    starts_time, ends_time = cells.parse("starts_time", values.clock), cells.parse("ends_time", values.clock)
    days = cells.days()
    # On single days, beginning and end are hours of the same day.
    first, last = (days[0], days[0]) if days else (starts_on, ends_on)
    cells.broken_rules(event_rules.refusals(starts_on, ends_on, None, None))
    cells.broken_rules(event_rules.refusals(first, last, starts_time, ends_time) if first == last else [])
    cells.broken_rules(event_rules.single_days(starts_on, ends_on, days))
    point = cells.point()
    rest = _rest(cells)
    if cells.problems or starts_on is None or ends_on is None:
        return ()
    return tuple(
        Event(
            number=number,
            title=title,
            starts_on=begin,
            ends_on=end,
            starts_time=starts_time,
            ends_time=ends_time,
            latitude=point[0] if point else None,
            longitude=point[1] if point else None,
            single_day=bool(days),
            **rest,
        )
        for begin, end in ([(day, day) for day in days] or [(starts_on, ends_on)])
    )


def _rest(cells: _Cells) -> dict[str, Any]:
    extension = cells.text("contact_extension")
    parts = {
        "fee": (cells.text("fee"), cells.text("fee_note")),
        "contact": (
            cells.text("contact"), cells.text("contact_phone"), f"（内線 {extension}）" if extension else "",
        ),
        "address": (
            cells.text("address") or "".join(cells.text_of(part) for part in ADDRESS_PARTS), cells.text("building"),
        ),
        "time_note": (cells.text("state"), cells.text("time_note")),
    }  # fmt: skip
    joined = {name: " ".join(part for part in pair if part) for name, pair in parts.items()}
    for name, value in joined.items():
        if len(value) > TITLE_LIMIT:
            cells.wrong(cells.column(name), f"{value[:40]}…", f"合わせて{TITLE_LIMIT}文字を超えています。")
    return {
        **joined,
        "title_en": cells.text("title_en"),
        "overview": cells.text("overview", TEXT_LIMIT),
        "description": cells.text("description", TEXT_LIMIT),
        "organiser": cells.text("organiser"),
        "place_name": cells.text("place_name"),
        "url": cells.parse("url", values.web) or "",
        "category": cells.text("category", 100),
        "target": cells.text("target", 100),
        "published_on": cells.parse("published_on", values.day),
        "published_until": cells.parse("published_until", values.day),
    }
