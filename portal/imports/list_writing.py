"""Writes a planned import into the page tree, in transactions of at most `BATCH` events, so that nobody waits for it.

What several pages need is done once for all of them: a page saved by itself takes twenty queries, and the lock of the
whole database on SQLite.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.db.models import F
from wagtail.models import Locale, Page, PageLogEntry, Revision
from wagtail.search.backends import get_search_backends

from portal.content import actions
from portal.content.errors import ImportRefused
from portal.content.models import EventPage, IndexPage, ListedEvent
from portal.imports import list_keys
from portal.imports.list_plan import Plan, Row, plain

T = TypeVar("T")
BATCH = 20
LONGEST_PAUSE = 0.25
"""Seconds between two batches at most: as long as the last one took, so that others get their turn."""
TELL_EVERY = 10.0
"""Seconds after which homes are told of new pages while the import goes on."""

_PAGE = frozenset(field.name for field in Page._meta.concrete_fields)
_ENTRY = ("number", "key", "values", "digest", "gone_at", "taken_down")


def write(plan: Plan) -> None:
    """Writes all of the plan; what was written stays when a later batch fails, and the same file goes on from there."""
    told, written = time.monotonic(), False
    try:
        for batch in _batches(plan):
            began = time.monotonic()
            try:
                with transaction.atomic():
                    pages = batch()
            except IntegrityError as error:
                raise ImportRefused(
                    "同時に別の取り込みか編集が行われたため、途中で止めました。もう一度実行すると、続きから取り込みます。"
                ) from error
            written = True
            _index(pages)
            if time.monotonic() - told > TELL_EVERY:
                told = _tell()
            time.sleep(min(time.monotonic() - began, LONGEST_PAUSE))
    finally:
        if written:
            _tell()


def _tell() -> float:
    with transaction.atomic():
        actions.bump()
    return time.monotonic()


def _batches(plan: Plan) -> Iterator[Callable[[], list[EventPage]]]:
    for rows in _cut(plan.create):
        yield partial(_create, rows, plan)
    for rows in _cut(plan.update):
        yield partial(_update, rows, plan)
    for rows in _cut(plan.remember):
        yield partial(_remember, rows)
    for entries in _cut(plan.gone):
        yield partial(_take_down, entries, plan)


def _cut(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    return (whole[at : at + BATCH] for at in range(0, len(whole), BATCH))


# --- new pages ---------------------------------------------------------------------------------------------------


def _create(rows: Sequence[Row], plan: Plan) -> list[EventPage]:
    parent = IndexPage.objects.select_for_update().get(lists=IndexPage.Lists.EVENT)
    _place(rows, parent, plan.now)
    bases = Page.objects.bulk_create(
        Page(
            **{
                field.attname: getattr(row.page, field.attname)
                for field in Page._meta.concrete_fields
                if field.name != "id"
            }
        )
        for row in rows
    )
    for row, base in zip(rows, bases, strict=True):
        row.page.pk = row.page.id = row.page.page_ptr_id = base.pk
        row.page.save_base(raw=True, force_insert=True)
    Page.objects.filter(pk=parent.pk).update(numchild=F("numchild") + len(rows))
    ListedEvent.objects.bulk_create(_entry(row, ListedEvent(page=row.page, **_list(plan))) for row in rows)
    _log([row.page for row in rows], "wagtail.create", plan.now)
    for row in rows:
        if _waits(row.page, plan.now):
            _schedule(row.page)
    return [row.page for row in rows]


def _list(plan: Plan) -> dict[str, str]:
    return {"publisher": plan.source.code, "dataset": plan.dataset}


def _place(rows: Sequence[Row], parent: IndexPage, now: datetime) -> None:
    """Path, address and state of new pages below the list."""
    last = parent.get_last_child()
    step = EventPage._str2int(last.path[-EventPage.steplen :]) if last else 0
    locale = Locale.get_default()
    kind = ContentType.objects.get_for_model(EventPage)
    wanted = [f"e-{row.key[:16]}" for row in rows]
    taken = set(Page.objects.child_of(parent).filter(slug__in=wanted).values_list("slug", flat=True))
    for number, (row, slug) in enumerate(zip(rows, wanted, strict=True), start=1):
        page = row.page
        page.depth = parent.depth + 1
        page.path = EventPage._get_path(parent.path, page.depth, step + number)
        page.slug = f"e-{row.key[:24]}" if slug in taken else slug
        page.url_path = f"{parent.url_path}{page.slug}/"
        page.locale, page.content_type = locale, kind
        page.expired = page.expire_at <= now
        page.live = not page.expired and not _waits(page, now)
        page.first_published_at = page.last_published_at = now if page.live or page.expired else None


def _waits(page: EventPage, now: datetime) -> bool:
    return bool(page.go_live_at and page.go_live_at > now and page.expire_at > now)


def _schedule(page: EventPage) -> None:
    """Wagtail's sweep publishes the revision at its time."""
    revision = page.save_revision(clean=False, log_action=False)
    Revision.objects.filter(pk=revision.pk).update(approved_go_live_at=page.go_live_at)


def _entry(row: Row, entry: ListedEvent) -> ListedEvent:
    entry.number, entry.key = list_keys.number(row.event.number) if row.event.number else "", row.key
    entry.values, entry.digest = row.values, ""
    entry.gone_at, entry.taken_down = None, False
    return entry


# --- known pages -------------------------------------------------------------------------------------------------


def _update(rows: Sequence[Row], plan: Plan) -> list[EventPage]:
    for row in rows:
        page, entry = row.page, row.entry
        if entry is None:
            continue
        back = entry.taken_down
        if page.expire_at and page.expire_at <= plan.now:
            page.live, page.expired = False, True
        elif page.expired or back:
            page.live, page.expired = True, False  # its list has moved it to a later day, or has it again
        page.draft_title = page.title
        _revise(row)
        state = {"live", "expired", "draft_title"}
        changed = {*row.fields, *state}
        Page.objects.filter(pk=page.pk).update(**{name: getattr(page, name) for name in changed & _PAGE})
        page.save_base(raw=True, update_fields=frozenset((changed - _PAGE) | {"repeated"}))
    _remember(rows)
    return [row.page for row in rows]


def _revise(row: Row) -> None:
    """The editor's own version follows too, where nobody has written something else into it."""
    page = row.page
    if page.latest_revision is None or not row.fields:
        return
    draft = page.latest_revision.as_object()
    for name in row.fields:
        if plain(draft, name) == row.before.get(name):
            setattr(draft, name, getattr(page, name))
    content = draft.serializable_data()
    Revision.objects.filter(pk=page.latest_revision.pk).update(content=content)
    if "go_live_at" in row.fields:
        waiting = Revision.objects.filter(pk=page.latest_revision.pk, approved_go_live_at__isnull=False)
        waiting.update(approved_go_live_at=page.go_live_at)


def _remember(rows: Sequence[Row]) -> list[EventPage]:
    entries = [_entry(row, row.entry) for row in rows if row.entry]
    ListedEvent.objects.bulk_update(entries, _ENTRY)
    return []


def _take_down(entries: Sequence[ListedEvent], plan: Plan) -> list[EventPage]:
    pages = [entry.page for entry in entries if entry.page]
    down = [page for page in pages if page.live and page.ends_at > plan.now]
    for entry in entries:
        entry.gone_at, entry.taken_down = plan.now, entry.page in down
    Page.objects.filter(pk__in=[page.pk for page in down]).update(
        live=False, has_unpublished_changes=True, live_revision=None
    )
    kind = ContentType.objects.get_for_model(EventPage)
    Revision.objects.filter(
        content_type=kind, object_id__in=[str(page.pk) for page in pages], approved_go_live_at__isnull=False
    ).update(approved_go_live_at=None)
    _log(down, "wagtail.unpublish", plan.now)
    ListedEvent.objects.bulk_update(entries, ["gone_at", "taken_down"])
    return []


def _log(pages: Sequence[EventPage], action: str, now: datetime) -> None:
    """The history that an editor sees of a page."""
    kind = ContentType.objects.get_for_model(EventPage)
    PageLogEntry.objects.bulk_create(
        PageLogEntry(
            page_id=page.pk, content_type=kind, label=page.title, action=action, timestamp=now,
            content_changed=True, deleted=False,
        )
        for page in pages
    )  # fmt: skip


def _index(pages: list[Any]) -> None:
    """The desk's search finds them; a transaction of its own, after that of the pages."""
    if pages:
        with transaction.atomic():
            for backend in get_search_backends(with_auto_update=True):
                backend.add_bulk(EventPage, pages)
