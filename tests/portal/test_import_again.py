"""A list that is imported again: what is new, changed, corrected by an editor, moved or gone; whose list it is at all."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.region.current import current_region
from portal.content import queries
from portal.content.errors import ImportRefused, OtherList, OtherMunicipality, RowsRejected, UnreadableFile
from portal.content.models import EventPage, ListedEvent
from portal.imports import list_keys, list_writing
from portal.imports.event_import import import_events
from portal.imports.list_plan import Report
from tests import cast
from tests.migrations import Migrations
from tests.portal.content.test_editor import form

(TAKAMATSU,) = current_region().sources
pytestmark = pytest.mark.django_db
LISTS = Path(__file__).resolve().parents[1] / "data" / "lists"
COLUMNS = ("全国地方公共団体コード", "ID", "イベント名", "開始日", "終了日", "説明", "場所名称", "開催日一覧")


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(list_writing, "LONGEST_PAUSE", 0)


def a_list(*rows: Sequence[str], columns: Sequence[str] = COLUMNS) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([columns, *rows])
    return out.getvalue().encode()


def row(number: int | str, title: str = "", day: str = "2026-10-20", **cells: str) -> tuple[str, ...]:
    known = {"全国地方公共団体コード": "372013", "ID": str(number), "イベント名": title or f"催し{number}",
             "開始日": day, "終了日": cells.pop("終了日", day), "説明": "合唱", "場所名称": "文化会館"}  # fmt: skip
    return tuple({**known, **cells}.get(column, "") for column in COLUMNS)


def take(raw: bytes, now: datetime, **more: Any) -> Report:
    return import_events(raw, source=TAKAMATSU, now=now, **more)


def titles() -> list[str]:
    return sorted(EventPage.objects.live().values_list("title", flat=True))


# --- the present standard ----------------------------------------------------------------------------------------


def test_the_present_standard_is_read_with_address_web_address_and_end_of_publication() -> None:
    at = datetime(2026, 12, 1, 9, tzinfo=timezone.get_default_timezone())
    report = take((LISTS / "events_present_standard.csv").read_bytes(), at)
    assert (report.created, report.rejected, len(report.unread)) == (2, [], 46)
    assert report.unread["地方公共団体名"] == 2
    first, second = EventPage.objects.live().order_by("pk")
    assert (first.title, second.title) == ("冬の工作教室", "読み聞かせの会")
    assert first.address == "香川県高松市番町一丁目8番15号"
    assert first.event_url == "https://event.example.jp/winter_1"
    assert timezone.localtime(first.expire_at).date() == date(2027, 2, 8)
    assert (first.summary, first.contact, first.organiser) == ("親子で工作をします。", "生涯学習課", "")
    again = take((LISTS / "events_present_standard_corrected.csv").read_bytes(), at)
    assert (again.updated, again.unchanged, again.created) == (1, 1, 0)
    assert titles() == ["冬の親子工作教室", "読み聞かせの会"]
    assert [(one.number, one.columns) for one in again.changed] == [
        ("0000000001", {"イベント名": {"from": "冬の工作教室", "to": "冬の親子工作教室"}})
    ]


def test_what_is_to_be_published_later_waits_for_its_day() -> None:
    at = datetime(2026, 11, 20, 9, tzinfo=timezone.get_default_timezone())
    take((LISTS / "events_present_standard.csv").read_bytes(), at)
    assert (EventPage.objects.count(), titles()) == (2, [])
    take((LISTS / "events_present_standard_corrected.csv").read_bytes(), at)
    call_command("publish_scheduled", verbosity=0)  # it is December by now
    assert titles() == ["冬の親子工作教室", "読み聞かせの会"]


# --- numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"), [("1", "0001"), ("0000000001", "１"), (" 7 ", "007"), ("A-01", "A-01")]
)
def test_a_number_is_one_however_it_is_written(now: datetime, before: str, after: str) -> None:
    take(a_list(row(before, "音楽会")), now)
    report = take(a_list(row(after, "音楽会", 説明="合奏")), now)
    assert (report.created, report.updated, EventPage.objects.count()) == (0, 1, 1)


def test_one_number_written_in_two_ways_is_not_two_events(now: datetime) -> None:
    with pytest.raises(RowsRejected) as caught:
        take(a_list(row("1", "音楽会"), row("0001", "工作教室")), now)
    assert caught.value.report.rejected[0].why == "2行目と同じ NO で、内容が違います。"


def test_a_second_list_with_the_same_numbers_overwrites_nothing(now: datetime) -> None:
    take(a_list(row(1, "音楽会"), row(2, "工作教室")), now)
    other = a_list(row(1, "図書館まつり", "2026-11-01"), row(2, "読書会", "2026-11-02"))
    with pytest.raises(OtherList, match=r"別の一覧のようです.*--dataset") as caught:
        take(other, now)
    assert caught.value.report.created == 0
    assert titles() == ["工作教室", "音楽会"]
    assert take(other, now, dataset="library").created == 2
    assert titles() == ["図書館まつり", "工作教室", "読書会", "音楽会"]
    assert take(a_list(row(1, "音楽会"), row(2, "工作教室")), now).unchanged == 2
    assert take(other, now, confirm=True).updated == 2  # somebody said that it is the same list


def test_a_new_number_is_told_and_the_page_stays_the_same(now: datetime) -> None:
    take(a_list(row(1, "音楽会"), row(2, "工作教室")), now)
    page = EventPage.objects.get(title="音楽会")
    report = take(a_list(row(9, "音楽会"), row(2, "工作教室")), now)
    assert (report.created, report.unchanged, report.gone) == (0, 2, [])
    assert [(one.before, one.after) for one in report.moved] == [("1", "9")]
    assert EventPage.objects.get(title="音楽会").pk == page.pk
    assert take(a_list(row(9, "音楽会", 説明="合奏"), row(2, "工作教室")), now).updated == 1


# --- whose list --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["372013", "37201", "３７２０１３", ""])
def test_the_citys_code_with_and_without_its_check_digit(now: datetime, code: str) -> None:
    assert take(a_list(row(1, 全国地方公共団体コード=code)), now).created == 1


@pytest.mark.parametrize(
    ("written", "code"),
    [("011002", "011002"), ("11002", "011002"), ("01100", "011002"), ("1100", "011002"), ("92011", "092011")],
)
def test_a_lost_leading_zero_is_no_other_city(written: str, code: str) -> None:
    assert list_keys.is_municipality(written, code)
    assert not list_keys.is_municipality(written, "372013")


@pytest.mark.parametrize("code", ["131032", "13103", "92011", "374041", "香川県"])
def test_another_citys_file_is_refused(now: datetime, code: str) -> None:
    with pytest.raises(OtherMunicipality, match="別の団体の一覧です"):
        take(a_list(*(row(n, 全国地方公共団体コード=code) for n in (1, 2))), now, skip_invalid=True)
    assert not EventPage.objects.exists()


def test_a_row_of_another_city_is_left_out_of_ours(now: datetime) -> None:
    report = take(a_list(row(1), row(2, 全国地方公共団体コード="131032")), now, skip_invalid=True)
    assert (report.created, [(p.row, p.value) for p in report.rejected]) == (1, [(3, "131032")])


# --- editors -----------------------------------------------------------------------------------------------------


def test_what_an_editor_corrected_stays_and_is_told(now: datetime) -> None:
    take(a_list(row(1, "音楽会")), now)
    page = EventPage.objects.get()
    client = cast.sign_in(cast.portal_client(), cast.editor())
    fields = form(title="秋の音楽会", slug=page.slug, starts_on="2026-10-20", ends_on="2026-10-20", summary="合唱",
                  place_name="文化会館")  # fmt: skip
    response = client.post(f"/admin/pages/{page.pk}/edit/", fields)
    assert response.status_code == 302, response.context["form"].errors
    for _ in range(2):
        report = take(a_list(row(1, "音楽会（大ホール）", 説明="合唱と合奏")), now)
        assert [(k.column, k.page, k.list) for k in report.kept if k.column == "イベント名"] == [
            ("イベント名", "秋の音楽会", "音楽会（大ホール）")
        ]
    page.refresh_from_db()
    assert (page.title, page.summary) == ("秋の音楽会", "合唱と合奏")
    # The form that the editor opens next shows what the page says, not the list of last week.
    draft = page.get_latest_revision_as_object()
    assert (draft.title, draft.summary) == ("秋の音楽会", "合唱と合奏")


def test_a_page_that_an_editor_deleted_does_not_come_back(now: datetime) -> None:
    take(a_list(row(1), row(2)), now)
    EventPage.objects.get(title="催し1").delete()
    report = take(a_list(row(1), row(2)), now)
    assert (report.created, titles(), [k.number for k in report.kept]) == (0, ["催し2"], ["1"])


def test_a_copy_of_an_imported_page_is_the_editors_own(now: datetime) -> None:
    take(a_list(row(1, "音楽会")), now)
    EventPage.objects.get().copy(update_attrs={"slug": "copy", "title": "写し"})
    report = take(a_list(row(1, "大音楽会")), now)
    assert (report.updated, titles()) == (1, ["写し", "大音楽会"])


# --- gone --------------------------------------------------------------------------------------------------------


def test_what_left_the_list_is_taken_down_and_told_and_comes_back(now: datetime) -> None:
    take(a_list(row(1), row(2), row(3, day="2026-09-01")), now)
    number = queries.version()
    report = take(a_list(row(1)), now)
    assert [(g.number, g.title, g.taken_down) for g in report.gone] == [
        ("2", "催し2", True),
        ("3", "催し3", False),
    ]
    assert (titles(), report.held_back) == (["催し1"], "")
    cache.clear()
    assert queries.version() > number
    assert take(a_list(row(1)), now).gone == []
    assert take(a_list(row(1), row(2)), now).updated == 1
    assert titles() == ["催し1", "催し2"]


def test_a_list_that_is_suddenly_short_takes_nothing_down_unless_somebody_confirms(now: datetime) -> None:
    take(a_list(*(row(n) for n in range(20))), now)
    short = a_list(*(row(n) for n in range(15)))
    report = take(short, now)
    assert "--confirm" in report.held_back
    assert (len(titles()), len(report.gone), any(g.taken_down for g in report.gone)) == (20, 5, False)
    assert len(take(short, now, confirm=True).gone) == 5
    assert len(titles()) == 15


def test_a_list_without_any_event_takes_nothing_down(now: datetime) -> None:
    take(a_list(row(1)), now)
    assert "--confirm" in take(a_list(), now).held_back
    assert titles() == ["催し1"]


@pytest.mark.parametrize("broken", [row(2, day="2026-02-30"), row(2, "あ" * 300), (*row(2)[:3], "短い行")])
def test_a_row_that_cannot_be_read_is_in_the_list_all_the_same(
    now: datetime, broken: tuple[str, ...]
) -> None:
    take(a_list(row(1), row(2)), now)
    take(a_list(row(1), broken), now, skip_invalid=True)
    assert titles() == ["催し1", "催し2"]


def test_a_refused_file_takes_nothing_down(now: datetime) -> None:
    take(a_list(row(1), row(2)), now)
    with pytest.raises(RowsRejected) as caught:
        take(a_list(row(1, day="2026-02-30")), now)
    assert (titles(), caught.value.report.gone) == (["催し1", "催し2"], [])


# --- cells -------------------------------------------------------------------------------------------------------


def test_days_listed_singly_are_days_of_one_event_and_no_period(now: datetime) -> None:
    listed = row(1, "朝市", 終了日="2026-12-20", 開催日一覧="2026-10-20;2026/11/17；令和8年12月20日; ")
    report = take(a_list(listed), now)
    days = EventPage.objects.order_by("starts_on").values_list("starts_on", "ends_on")
    assert [(str(begin), str(end)) for begin, end in days] == [
        (day, day) for day in ("2026-10-20", "2026-11-17", "2026-12-20")
    ]
    assert (report.read, report.created) == (1, 3)
    fewer = row(1, "朝市", 終了日="2026-12-20", 開催日一覧="2026-10-20;2026-12-20")
    report = take(a_list(fewer), now)
    assert (report.unchanged, [g.taken_down for g in report.gone]) == (2, [True])
    with pytest.raises(RowsRejected) as caught:
        take(a_list(row(1, "朝市", 終了日="2026-12-20", 開催日一覧="2027-01-05;来週")), now)
    assert [(p.column, p.value) for p in caught.value.report.rejected] == [
        ("開催日一覧", "来週"),
        ("開催日一覧", "2027-01-05;来週"),
    ]


def test_a_broken_quotation_mark_is_named_with_its_line(now: datetime) -> None:
    whole = a_list(row(1), row(2), row(3)).decode()
    for broken, place in (
        (whole.replace("催し2", '"催し2'), r"3行目から4行目まで"),
        (whole.replace("催し2", '"催し2"の会'), r"（3行目）"),
    ):
        with pytest.raises(UnreadableFile, match=place):
            take(broken.encode(), now)


def test_one_bad_cell_leaves_out_its_row_alone(now: datetime) -> None:
    bad = [row(n, "あ" * 256) for n in (2, 3)] + [row(4, day="8月5日～"), row(5, 説明="a\x00b")]
    report = take(a_list(row(1), *bad, row(6)), now, skip_invalid=True)
    assert (report.created, sorted({p.row for p in report.rejected})) == (2, [3, 4, 5, 6])


def test_the_command_names_every_kind_of_line(tmp_path: Path) -> None:
    source, report = tmp_path / "events.csv", tmp_path / "report.json"

    def command(raw: bytes, *more: str) -> str:
        out = io.StringIO()
        source.write_bytes(raw)
        call_command("import_open_data", "events", str(source), "--report", str(report), *more, stdout=out)
        return out.getvalue()

    rows = [row(n, day="2036-10-20") for n in range(1, 5)]
    command(a_list(*rows))
    page = EventPage.objects.get(title="催し2")
    page.title = "編集した催し"
    page.save()
    changed = [
        row(1, day="2036-10-20", 説明="合奏"),
        row(2, "別の名", day="2036-10-20"),
        row(9, "催し3", day="2036-10-20"),
    ]
    said = command(a_list(*((*r, "赤") for r in changed), columns=(*COLUMNS, "色")), "--dataset", "events")
    for words in ("更新 2行目「催し1」: 説明", "番号の変更 4行目「催し3」: NO 3 → 9", "一覧にない NO 4「催し4」・ページを下げました",
                  "編集者の記載を残す 3行目「別の名」イベント名: ページ「編集した催し」、一覧「別の名」", "読まない列 色（値のある行 3）"):  # fmt: skip
        assert words in said
    document = json.loads(report.read_text())
    assert {
        name: len(document[name]) for name in ("changed", "moved", "gone", "kept", "unread")
    } == dict.fromkeys(("changed", "moved", "gone", "kept", "unread"), 1)


# --- transactions ------------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_opens_no_transaction(now: datetime) -> None:
    take(a_list(*(row(n) for n in range(9))), now)
    before = list(EventPage.objects.order_by("pk").values())
    with CaptureQueriesContext(
        connection,
    ) as captured:
        report = take(a_list(*(row(n, 説明="新しい") for n in range(8)), row(99)), now, dry_run=True)
    assert (report.created, report.updated, len(report.gone)) == (1, 8, 1)
    assert {query["sql"].split()[0] for query in captured.captured_queries} == {"SELECT"}
    assert not any("FOR UPDATE" in query["sql"] for query in captured.captured_queries)
    assert list(EventPage.objects.order_by("pk").values()) == before


@pytest.mark.django_db(transaction=True)
def test_no_transaction_of_an_import_is_longer_than_one_batch(now: datetime) -> None:
    """300 rows: each transaction holds at most `BATCH` events, a bounded number of queries, and ends with its batch."""
    events = [row(n) for n in range(300)]
    for raw, least in (
        (a_list(*events), 6),
        (a_list(*(row(n, 説明="合奏") for n in range(300))), 6),
        (a_list(*events[:250]), 1),
    ):
        with CaptureQueriesContext(connection) as captured:
            take(raw, now, confirm=True)
        held = transactions([query["sql"] for query in captured.captured_queries])
        assert len(held) >= least
        for inside in held:
            assert (
                sum(sql.startswith('INSERT INTO "content_eventpage"') for sql in inside) <= list_writing.BATCH
            )
            assert sum(sql.startswith('UPDATE "content_eventpage"') for sql in inside) <= list_writing.BATCH
            assert len(inside) <= 3 * list_writing.BATCH
    assert not connection.in_atomic_block
    assert EventPage.objects.live().count() == 250


def transactions(statements: list[str]) -> list[list[str]]:
    """What was asked between each BEGIN and its end."""
    held: list[list[str]] = []
    inside: list[str] | None = None
    for sql in statements:
        if sql.startswith("BEGIN"):
            inside = []
        elif sql in {"COMMIT", "ROLLBACK"}:
            held.append(inside or [])
            inside = None
        elif inside is not None:
            inside.append(sql)
    return held


@pytest.mark.django_db(transaction=True)
def test_an_import_that_breaks_off_goes_on_from_where_it_was(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = a_list(*(row(n) for n in range(120)))
    real, done = list_writing._create, []

    def twice(rows: Any, plan: Any) -> Any:
        if len(done) == 2:
            raise ImportRefused("broken off")
        done.append(1)
        return real(rows, plan)

    monkeypatch.setattr(list_writing, "_create", twice)
    with pytest.raises(ImportRefused):
        take(raw, now)
    assert EventPage.objects.count() == ListedEvent.objects.count() == 2 * list_writing.BATCH
    monkeypatch.setattr(list_writing, "_create", real)
    report = take(raw, now)
    assert (report.created, report.unchanged) == (120 - 2 * list_writing.BATCH, 2 * list_writing.BATCH)
    assert not any(EventPage.find_problems())
    assert len(queries.items(now)) == 120


# --- events that were imported before ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_migration_keeps_the_identity_of_imported_events(now: datetime, migrations: Migrations) -> None:
    raw = a_list(row("0001", "音楽会"), row("", "工作教室"))
    take(raw, now)
    pages = dict(EventPage.objects.values_list("title", "pk"))
    former = {
        "音楽会": next(list_keys.former_keys("takamatsu", events(raw)[0], 0)),
        "工作教室": next(list_keys.former_keys("takamatsu", events(raw)[1], 0)),
    }
    old = migrations.to(("content", "0001_initial")).get_model("content", "EventPage")
    for title, key in former.items():
        old.objects.filter(title=title).update(external_key=key, external_digest="x")
    migrations.to(("content", "0004_no_keys_on_pages"))
    assert dict(ListedEvent.objects.values_list("key", "page_id")) == {
        key: pages[title] for title, key in former.items()
    }
    migrations.to_newest()
    report = take(a_list(row("1", "音楽会", 説明="合奏"), row("", "工作教室")), now + timedelta(minutes=1))
    assert (report.created, report.updated, report.unchanged) == (0, 1, 1)
    assert dict(EventPage.objects.values_list("title", "pk")) == pages


def events(raw: bytes) -> list[Any]:
    from portal.imports.list_reader import read_event, read_table

    return [read_event(line).events[0] for line in read_table(raw.decode()).lines]
