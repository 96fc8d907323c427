"""Compares a publisher's list with what was imported before, in memory; `list_writing` writes what came of it.

A dry run ends here: it reads, and takes no lock. What is wrong with a row is known before anything is written.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from html import escape
from typing import Any

from django.core.exceptions import ValidationError

from core.region.types import Source
from portal.content.errors import ImportRefused, OtherList, OtherMunicipality
from portal.content.models import EventPage, IndexPage, ListedEvent, event_end, moment
from portal.imports import list_keys
from portal.imports.list_reader import (
    COLUMNS,
    Event,
    Problem,
    Read,
    Repair,
    Table,
    read_event,
)

CATEGORY_TOPICS = {
    "お祭り": ("festival",),
    "スポーツ・ウェルネス": ("sports", "health"),
    "食事": ("food",),
    "買い物": ("shopping",),
    "音楽": ("music",),
    "文化・芸術": ("culture",),
    "趣味・生活": ("hobby",),
    "季節のイベント": ("festival",),
}
SUMMARY_LIMIT = 500
TARGET_TOPICS = {"小学生": ("school", "childcare"), "中高生": ("school",)}
DATASET = "events"
FEW = 3
"""So many events may leave a list, or be other events under their numbers, without anybody confirming it."""
_COLUMN_OF = {
    "summary": "description", "body": "description", "event_url": "url", "target_note": "target",
    "expire_at": "published_until", "go_live_at": "published_on",
}  # fmt: skip
_NOT_ITS_OWN = ("path", "depth", "numchild", "slug", "url_path", "content_type", "locale", "draft_title")


@dataclass(frozen=True, slots=True)
class Kept:
    """A field of which an editor wrote something else than the list said; the page keeps it."""

    row: int
    number: str
    title: str
    column: str
    page: Any
    list: Any


@dataclass(frozen=True, slots=True)
class Changed:
    """An event whose page follows the list: what stood there and what stands there now, by column."""

    row: int
    number: str
    title: str
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """The same event under another number."""

    row: int
    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Gone:
    """An event that is not in the list any more, and whether its page was taken down."""

    number: str
    title: str
    taken_down: bool


@dataclass(slots=True)
class Report:
    """What an import did, or would do; the shape of the JSON file."""

    source: str
    dataset: str = DATASET
    encoding: str = ""
    dry_run: bool = False
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    drafts: int = 0
    repeated: int = 0
    past: int = 0
    repaired: list[Repair] = field(default_factory=list)
    rejected: list[Problem] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)
    held_back: str = ""
    """Why pages of events that left the list were not taken down."""

    def to_json(self) -> dict[str, Any]:
        """Repairs as {row, column, from, to, why}, rejections as {row, column, value, why}; days and times as text."""
        repaired = [
            {"row": r.row, "column": r.column, "from": r.before, "to": r.after, "why": r.why}
            for r in self.repaired
        ]
        return {**asdict(self), "repaired": repaired}


@dataclass(slots=True)
class Row:
    """One event of the list on its way to its page."""

    row: int
    event: Event
    key: str
    count: int
    """How many rows before it are the same, word for word."""
    page: EventPage
    """The page as it will be; unsaved when the event is new."""
    values: dict[str, Any]
    entry: ListedEvent | None = None
    fields: tuple[str, ...] = ()
    """The fields of a known page that change."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """What the known page says now, by field."""


@dataclass(slots=True)
class Plan:
    """Everything that an import will write; made without writing anything."""

    source: Source
    dataset: str
    now: datetime
    report: Report
    columns: frozenset[str]
    """The columns of the file."""
    create: list[Row] = field(default_factory=list)
    update: list[Row] = field(default_factory=list)
    remember: list[Row] = field(default_factory=list)
    """Pages stay as they are, but what is known of their row changes."""
    gone: list[ListedEvent] = field(default_factory=list)
    take_down: bool = False


def refused(error: ImportRefused, report: Report) -> ImportRefused:
    report.created = report.updated = report.unchanged = 0
    report.gone, report.changed, report.moved, report.kept = [], [], [], []
    error.report = report
    return error


def planned(
    table: Table, source: Source, dataset: str, now: datetime, report: Report, *, confirm: bool
) -> Plan:
    """What the list comes to, compared with what was imported before under this publisher and dataset."""
    reads = [read_event(line) for line in table.lines]
    report.unread = table.unread()
    report.read = len(reads)
    report.drafts = sum(read.draft for read in reads)
    report.repaired = [repair for read in reads for repair in read.repairs]
    report.rejected += [problem for read in reads for problem in read.problems]
    _own_rows(reads, source, report)
    plan = Plan(source, dataset, now, report, frozenset(table.columns))
    if not IndexPage.objects.filter(lists=IndexPage.Lists.EVENT).exists():
        raise ImportRefused("イベントの一覧ページがありません。先に migrate を実行してください。")
    rows = list(_rows(reads, plan))
    known = list(ListedEvent.objects.filter(publisher=source.code, dataset=dataset).select_related("page"))
    _match(rows, known, source)
    _find_moved(rows, known, report)
    if not confirm:
        _same_list(rows, report)
    _compare(rows, plan)
    _find_gone(reads, rows, known, plan, confirm=confirm)
    report.rejected.sort(key=lambda problem: problem.row)
    return plan


# --- whose rows --------------------------------------------------------------------------------------------------


def _own_rows(reads: list[Read], source: Source, report: Report) -> None:
    """Refuses another municipality's file, and single rows of others in ours."""
    others = [
        read for read in reads if read.code and not list_keys.is_municipality(read.code, source.municipality)
    ]
    if not others:
        return
    if not any(read.code and read not in others for read in reads):
        raise refused(
            OtherMunicipality(
                f"別の団体の一覧です: コードは {others[0].code}（{others[0].row}行目）、{source.publisher}は "
                f"{source.municipality} です。何も取り込みませんでした。"
            ),
            report,
        )
    report.rejected += [
        Problem(
            read.row,
            COLUMNS["code"][0],
            read.code,
            f"別の団体の行です（{source.publisher}は {source.municipality}）。",
        )
        for read in others
    ]


# --- rows as pages -----------------------------------------------------------------------------------------------


def _rows(reads: Iterable[Read], plan: Plan) -> Iterator[Row]:
    """Each event as a page that could be saved; rows that cannot are rejected with the column that is wrong."""
    refused = {problem.row for problem in plan.report.rejected}
    seen: Counter[str] = Counter()
    first: dict[str, tuple[int, tuple[Event, ...]]] = {}
    for read in reads:
        if read.row in refused or not read.events or not _unlike(read, first, plan.report):
            continue
        pages = [_page(event, plan.source) for event in read.events]
        problems = [problem for page in pages for problem in _faults(page, read, plan.columns)]
        if problems:
            plan.report.rejected += dict.fromkeys(problems)
            continue
        for event, page in zip(read.events, pages, strict=True):
            base = list_keys.entry_key(plan.source.code, plan.dataset, event)
            count = seen[base]
            seen[base] += 1
            page.repeated = count > 0
            plan.report.repeated += count > 0
            yield Row(
                read.row,
                event,
                list_keys.repeated_key(base, count),
                count,
                page,
                {name: plain(page, name) for name in FIELDS},
            )


def _unlike(read: Read, first: dict[str, tuple[int, tuple[Event, ...]]], report: Report) -> bool:
    """Whether the row may stand: the second of two with one number and other content is rejected."""
    if not read.number:
        return True
    row, events = first.setdefault(list_keys.number(read.number), (read.row, read.events))
    if _unnumbered(events) == _unnumbered(read.events):
        return True
    report.rejected.append(Problem(read.row, "NO", read.number, f"{row}行目と同じ NO で、内容が違います。"))
    return False


def _unnumbered(events: tuple[Event, ...]) -> list[dict[str, Any]]:
    return [{**asdict(event), "number": ""} for event in events]


def _page(event: Event, source: Source) -> EventPage:
    page = EventPage(live=True)
    for name, value in _fields(event, source).items():
        setattr(page, name, value)
    page.draft_title = page.title
    return page


def _faults(page: EventPage, read: Read, columns: frozenset[str]) -> list[Problem]:
    """What the page itself does not accept: the very checks of the editor's form."""
    found: dict[str, list[str]] = {}
    try:
        page.clean_fields(exclude=_NOT_ITS_OWN)
    except ValidationError as error:
        found |= error.message_dict
    for refusal in page.broken_rules():
        found.setdefault(refusal.field, []).append(refusal.sentence)
    return [
        Problem(read.row, column_of(name, columns), str(getattr(page, name, ""))[:80], " ".join(sentences))
        for name, sentences in found.items()
    ]


def column_of(name: str, columns: frozenset[str]) -> str:
    """The column of the file that a field of the page comes from."""
    known = COLUMNS.get(_COLUMN_OF.get(name, name), (name,))
    return next((column for column in known if column in columns), known[0])


def _fields(event: Event, source: Source) -> dict[str, Any]:
    topics = dict.fromkeys((*CATEGORY_TOPICS.get(event.category, ()), *TARGET_TOPICS.get(event.target, ())))
    summary, body = _texts(event)
    over = event_end(event.ends_on, event.ends_time)
    return {
        "title": event.title,
        "title_en": event.title_en,
        "summary": summary,
        "body": body,
        "starts_on": event.starts_on,
        "ends_on": event.ends_on,
        "starts_time": event.starts_time,
        "ends_time": event.ends_time,
        "time_note": event.time_note,
        "place_name": event.place_name,
        "address": event.address,
        "latitude": event.latitude,
        "longitude": event.longitude,
        "fee": event.fee,
        "contact": event.contact,
        "organiser": event.organiser,
        "target_note": "" if event.target in {"", "全員"} else event.target,
        "event_url": event.url,
        "topics": list(topics),
        "source": source.publisher,
        "licence": source.licence,
        "source_url": source.url,
        "attribution": source.attribution,
        "expire_at": event_end(event.published_until, None) if event.published_until else over,
        "go_live_at": moment(event.published_on, time.min) if event.published_on else None,
    }


FIELDS = (
    "title", "title_en", "summary", "body", "starts_on", "ends_on", "starts_time", "ends_time", "time_note",
    "place_name", "address", "latitude", "longitude", "fee", "contact", "organiser", "target_note", "event_url",
    "topics", "source", "licence", "source_url", "attribution", "expire_at", "go_live_at",
)  # fmt: skip
"""The fields of a page that a list writes."""


def _texts(event: Event) -> tuple[str, list[tuple[str, str]]]:
    """Summary and body: what is too long for the summary, or comes beside one, stands whole in the body."""
    text = event.overview or event.description
    summary = text if len(text) <= SUMMARY_LIMIT else f"{text[: SUMMARY_LIMIT - 1]}…"
    more = [text] if summary != text else []
    if event.overview and event.description and event.description != event.overview:
        more.append(event.description)
    paragraphs = [line.strip() for part in more for line in part.splitlines() if line.strip()]
    return summary, [
        ("paragraph", "".join(f"<p>{escape(line)}</p>" for line in paragraphs))
    ] if paragraphs else []


def plain(page: EventPage, name: str) -> Any:
    """A field as JSON, so that what the page says can be compared with what the list said."""
    value = getattr(page, name)
    if name == "body":
        return [[block.block_type, str(getattr(block.value, "source", block.value))] for block in value]
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value.isoformat() if isinstance(value, (date, time)) else value


# --- what was imported before ------------------------------------------------------------------------------------


def _match(rows: list[Row], known: list[ListedEvent], source: Source) -> None:
    entries = {entry.key: entry for entry in known}
    before = any(entry.digest for entry in known)
    for row in rows:
        # An event that was imported before lists had names is known by its former key.
        former = list_keys.former_keys(source.code, row.event, row.count) if before else ()
        row.entry = next((entries.pop(key) for key in (row.key, *former) if key in entries), None)


def _find_moved(rows: list[Row], known: list[ListedEvent], report: Report) -> None:
    """A new number for an event that stands in the list under no other: the same title, days and place."""
    matched = {row.entry.pk for row in rows if row.entry}
    left: defaultdict[tuple[Any, ...], list[ListedEvent]] = defaultdict(list)
    for entry in known:
        if entry.pk not in matched and entry.values:
            left[_looks(entry.values)].append(entry)
    news: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.entry is None and row.event.number:
            news[_looks(row.values)].append(row)
    for looks, found in news.items():
        if len(found) == 1 and len(left[looks]) == 1:
            (row,), (row.entry,) = found, left[looks]
            report.moved.append(Moved(row.row, row.event.title, row.entry.number, row.event.number))


def _looks(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(values.get(name) for name in ("title", "starts_on", "ends_on", "starts_time", "place_name"))


def _same_list(rows: list[Row], report: Report) -> None:
    """Refuses a list whose numbers mean other events than before: it is another list of the publisher."""
    numbered = [row for row in rows if row.entry and row.entry.values and row.event.number]
    other = [
        row
        for row in numbered
        if row.entry
        and row.entry.values["title"] != row.values["title"]
        and row.entry.values["starts_on"] != row.values["starts_on"]
    ]
    if len(other) * 2 <= len(numbered):
        return
    row = other[0]
    before = row.entry.values["title"] if row.entry else ""
    raise refused(
        OtherList(
            f"別の一覧のようです: 同じ NO の{len(numbered)}件のうち{len(other)}件で、題名も日も前と違います"
            f"（{row.row}行目 NO {row.event.number}: 前は「{before}」、今回は「{row.event.title}」）。"
            "別の一覧なら --dataset で名前を付け、同じ一覧なら --confirm を付けてください。"
            "何も取り込みませんでした。"
        ),
        report,
    )


def _compare(rows: list[Row], plan: Plan) -> None:
    for row in rows:
        plan.report.past += event_end(row.event.ends_on, row.event.ends_time) <= plan.now
        if row.entry is None:
            plan.create.append(row)
        elif row.entry.page is None:
            _keep(row, "（ページ）", "編集者が削除しました", row.event.title, plan)
        else:
            _compare_page(row, row.entry, row.entry.page, plan)
    plan.report.created = len(plan.create)
    plan.report.updated = len(plan.update)
    plan.report.unchanged = len(rows) - len(plan.create) - len(plan.update)


def _compare_page(row: Row, entry: ListedEvent, page: EventPage, plan: Plan) -> None:
    """Which fields of a known page follow the list; those that an editor has corrected stay."""
    present = {name: plain(page, name) for name in FIELDS}
    said = entry.values or _said_before(entry, row, present)
    follow = []
    for name in FIELDS:
        if present[name] == row.values[name]:
            continue
        if present[name] == said.get(name):
            follow.append(name)
        else:
            _keep(row, column_of(name, plan.columns), present[name], row.values[name], plan)
    wanted, row.page = row.page, page
    if follow or page.repeated != wanted.repeated or entry.taken_down:
        columns = {
            column_of(name, plan.columns): {"from": present[name], "to": row.values[name]} for name in follow
        }
        plan.report.changed.append(Changed(row.row, row.event.number, row.event.title, columns))
        for name in follow:
            setattr(page, name, getattr(wanted, name))
        page.repeated, row.fields, row.before = wanted.repeated, tuple(follow), present
        plan.update.append(row)
    elif (entry.key, entry.values, entry.gone_at) != (row.key, row.values, None):
        plan.remember.append(row)


def _said_before(entry: ListedEvent, row: Row, present: dict[str, Any]) -> dict[str, Any]:
    """What the list said at an import that kept no values: what it says now, when its digest is the same."""
    return row.values if entry.digest and entry.digest == _former_digest(row) else present


def _former_digest(row: Row) -> str:
    fields = {name: getattr(row.page, name) for name in FIELDS if name not in {"expire_at", "go_live_at"}}
    fields["body"] = [(kind, html) for kind, html in row.values["body"]]
    return list_keys.digest(repr((sorted(fields.items()), row.count > 0)))


def _keep(row: Row, column: str, page: Any, said: Any, plan: Plan) -> None:
    plan.report.kept.append(Kept(row.row, row.event.number, row.event.title, column, page, said))


# --- what left the list ------------------------------------------------------------------------------------------


def _find_gone(
    reads: list[Read], rows: list[Row], known: list[ListedEvent], plan: Plan, *, confirm: bool
) -> None:
    """Events that are not in the list any more; a row that could not be read is in the list all the same."""
    matched = {row.entry.pk for row in rows if row.entry}
    rejected = {problem.row for problem in plan.report.rejected}
    standing = {
        list_keys.number(read.number)
        for read in reads
        if read.number and (not read.events or read.row in rejected)
    }
    left = [
        entry
        for entry in known
        if entry.pk not in matched and entry.gone_at is None and entry.number not in standing
    ]
    ahead = [entry for entry in left if entry.page and entry.page.live and entry.page.ends_at > plan.now]
    living = sum(1 for entry in known if entry.page and entry.page.live and entry.page.ends_at > plan.now)
    unknown = sum(1 for read in reads if not read.number and read.row in rejected)
    found = any(read.events for read in reads)
    plan.report.held_back = "" if confirm else _why_held_back(unknown, found, len(ahead), living)
    plan.take_down = not plan.report.held_back
    plan.gone = left if plan.take_down else []
    plan.report.gone = [
        Gone(entry.number, entry.page.title if entry.page else "", plan.take_down and entry in ahead)
        for entry in left
    ]


def _why_held_back(unknown: int, found: bool, ahead: int, living: int) -> str:
    """Why events that left the list are not taken down: the file may be incomplete. Empty when nothing speaks for it."""
    if not ahead:
        return ""
    if unknown:
        return f"{unknown}行が何のイベントか分からないため、一覧からなくなった{ahead}件のページを下げていません。"
    if not found or (ahead > FEW and ahead * 5 > living):
        return (
            f"前は公開中の{living}件がありましたが、{ahead}件が一覧からなくなっています。"
            "一覧が途中で切れていなければ --confirm を付けてください。ページは下げていません。"
        )
    return ""
