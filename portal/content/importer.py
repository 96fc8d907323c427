"""Writes an event list into the page tree: all of it or nothing, the same file twice changes nothing.

A row is known again by its publisher and NO, or without a NO by title, days, times and place. A list that holds
the very same row several times gets a page for each; the later ones are marked, so that readers see it once.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from wagtail.models import Page

from portal.content import actions
from portal.content.errors import ImportRefused, RowsRejected
from portal.content.models import EventPage, IndexPage, event_end
from portal.content.openreader import Event, Problem, Read, Repair, decode, read_event, read_table

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


@dataclass(frozen=True, slots=True)
class Source:
    """Who published the list, under which terms, and what must stand beside each entry."""

    code: str
    publisher: str
    licence: str
    attribution: str
    url: str = ""


TAKAMATSU = Source(
    code="takamatsu",
    publisher="高松市",
    licence="CC BY 4.0",
    attribution="高松市オープンデータ（CC BY 4.0）を加工",
    url="https://github.com/takamatsu-city/takamatsu-event-map",
)
SOURCES = {source.code: source for source in (TAKAMATSU,)}


@dataclass(slots=True)
class Report:
    """What an import did, or would do; the shape of the JSON file."""

    source: str
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

    def to_json(self) -> dict[str, Any]:
        """Repairs as {row, column, from, to, why}, rejections as {row, column, value, why}."""
        repaired = [
            {"row": r.row, "column": r.column, "from": r.before, "to": r.after, "why": r.why}
            for r in self.repaired
        ]
        return {
            **asdict(self),
            "repaired": repaired,
            "rejected": [asdict(problem) for problem in self.rejected],
        }


class _DryRun(Exception):  # noqa: N818 (not an error: it takes the transaction back)
    """Everything was tried; now undo it."""


def import_events(
    raw: bytes,
    *,
    source: Source,
    now: datetime,
    encoding: str | None = None,
    dry_run: bool = False,
    skip_invalid: bool = False,
) -> Report:
    """Imports a list in one transaction.

    Raises `UnreadableFile` or `UnknownHeader` for the file, `RowsRejected` for rows unless `skip_invalid`; the
    report of a refused file is the error's `report`.
    """
    report = Report(source.code, dry_run=dry_run)
    text, report.encoding = decode(raw, encoding)
    reads = [read_event(line) for line in read_table(text, report.encoding).lines]
    report.read = len(reads)
    report.drafts = sum(read.draft for read in reads)
    report.repaired = [repair for read in reads for repair in read.repairs]
    keyed = list(_keyed(reads, source, report))
    report.rejected += [problem for read in reads for problem in read.problems]
    report.rejected.sort(key=lambda problem: problem.row)
    try:
        with transaction.atomic():
            _write(keyed, source, now, report)
            if report.rejected and not skip_invalid:
                rows = len({problem.row for problem in report.rejected})
                raise _refused(
                    RowsRejected(
                        f"{rows}行に誤りがあるため、何も取り込みませんでした。"
                        "誤りのない行だけを取り込むときは --skip-invalid を付けてください。"
                    ),
                    report,
                )
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return report


def _refused(error: ImportRefused, report: Report) -> ImportRefused:
    report.created = report.updated = report.unchanged = 0
    error.report = report
    return error


def _keyed(reads: Iterable[Read], source: Source, report: Report) -> Iterator[tuple[Read, Event, str, bool]]:
    """Each event with its key; the second of two rows with the same NO and other content is rejected."""
    seen: Counter[str] = Counter()
    first: dict[str, tuple[int, Event]] = {}
    for read in reads:
        if read.event is None:
            continue
        event = read.event
        base = _identity(event, source)
        known = first.setdefault(base, (read.row, event))
        if event.number and known[1] != event:
            report.rejected.append(
                Problem(read.row, "NO", event.number, f"{known[0]}行目と同じ NO で、内容が違います。")
            )
            continue
        count = seen[base]
        seen[base] += 1
        repeated = count > 0
        report.repeated += repeated
        yield read, event, _sha(f"{base}#{count}" if count else base), repeated


def _identity(event: Event, source: Source) -> str:
    if event.number:
        return _sha(f"{source.code}\0{event.number}")
    parts = (
        event.title,
        event.starts_on,
        event.ends_on,
        event.starts_time,
        event.ends_time,
        event.place_name,
        event.latitude,
        event.longitude,
    )
    return _sha("\0".join((source.code, *(str(part) for part in parts))))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(keyed: list[tuple[Read, Event, str, bool]], source: Source, now: datetime, report: Report) -> None:
    existing = {
        page.external_key: page
        for page in EventPage.objects.filter(external_key__in=[key for _, _, key, _ in keyed])
    }
    parent = IndexPage.objects.filter(lists=IndexPage.Lists.EVENT).first()
    if parent is None:
        raise ImportRefused("イベントの一覧ページがありません。先に migrate を実行してください。")
    for read, event, key, repeated in keyed:
        fields = _fields(event, source)
        digest = _sha(repr((sorted(fields.items()), repeated)))
        page = existing.get(key)
        over = event_end(event.ends_on, event.ends_time) <= now
        report.past += over
        if page is None:
            page = EventPage(slug=f"e-{key[:16]}", external_key=key, first_published_at=now)
            report.created += 1
        elif page.external_digest == digest:
            report.unchanged += 1
            continue
        else:
            report.updated += 1
        _store(page, {**fields, "external_digest": digest, "repeated": repeated}, parent, over, read.row)
    if report.created or report.updated:
        actions.bump()


def _store(page: EventPage, fields: dict[str, Any], parent: Page, over: bool, row: int) -> None:
    for name, value in fields.items():
        setattr(page, name, value)
    page.draft_title = page.title
    page.expire_at = event_end(page.ends_on, page.ends_time)
    if over:
        page.live, page.expired = False, True
    elif page.expired:
        page.live, page.expired = True, False  # it was over, and its list has moved it to a later day
    try:
        if page.pk:
            page.save()
        else:
            parent.add_child(instance=page)
    except ValidationError as error:
        raise ImportRefused(f"{row}行目を保存できませんでした: {'; '.join(error.messages)}") from error


def _fields(event: Event, source: Source) -> dict[str, Any]:
    topics = dict.fromkeys((*CATEGORY_TOPICS.get(event.category, ()), *TARGET_TOPICS.get(event.target, ())))
    return {
        "title": event.title,
        "title_en": event.title_en,
        "summary": _summary(event.description),
        "body": _body(event.description),
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
    }


def _summary(description: str) -> str:
    return description if len(description) <= SUMMARY_LIMIT else f"{description[: SUMMARY_LIMIT - 1]}…"


def _body(description: str) -> list[tuple[str, str]]:
    """What is too long for the summary stands whole in the body."""
    if len(description) <= SUMMARY_LIMIT:
        return []
    paragraphs = (line.strip() for line in description.splitlines())
    return [("paragraph", "".join(f"<p>{escape(line)}</p>" for line in paragraphs if line))]
