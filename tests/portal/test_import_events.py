"""Importing an event list: all or nothing, twice is once, every repair and every error named by its place."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from core.region.current import current_region
from demo import region_data
from portal.content import queries
from portal.content.errors import ImportRefused, RowsRejected, UnknownHeader, UnreadableFile
from portal.content.models import EventPage
from portal.imports.event_import import import_events
from portal.imports.list_plan import Report
from portal.imports.list_reader import decode

(TAKAMATSU,) = current_region().sources
pytestmark = pytest.mark.django_db
REAL = region_data.folder() / "events.csv"
COLUMNS = (
    "NO",
    "イベント名",
    "開始日",
    "終了日",
    "開始時間",
    "終了時間",
    "説明",
    "場所名称",
    "緯度",
    "経度",
    "URL",
    "カテゴリ",
    "対象",
)
CONCERT = (
    "1",
    "秋の音楽会",
    "2026-10-20",
    "2026-10-20",
    "10:00",
    "12:00",
    "合唱",
    "文化会館",
    "34.34",
    "134.05",
    "",
    "音楽",
    "全員",
)


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


def a_list(*rows: Sequence[str], columns: Sequence[str] = COLUMNS) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([columns, *rows])
    return out.getvalue()


def changed(**cells: str) -> tuple[str, ...]:
    return tuple(cells.get(name, value) for name, value in zip(COLUMNS, CONCERT, strict=True))


def take(text: str, now: datetime, **more: Any) -> Report:
    return import_events(text.encode(), source=TAKAMATSU, now=now, **more)


def test_the_citys_own_list_comes_in_whole_and_a_second_time_changes_nothing(now: datetime) -> None:
    report = import_events(REAL.read_bytes(), source=TAKAMATSU, now=now)
    assert (report.read, report.created, report.rejected) == (490, 490, [])
    assert EventPage.objects.count() == 490
    assert EventPage.objects.live().count() == 490 - report.past
    first = EventPage.objects.live().order_by("starts_on").first()
    assert first is not None
    assert (first.attribution, first.licence) == ("高松市オープンデータ（CC BY 4.0）を加工", "CC BY 4.0")
    assert not EventPage.objects.live().filter(expire_at__lte=now).exists()
    assert not any(EventPage.find_problems())
    before, number = list(EventPage.objects.order_by("pk").values()), queries.version()
    report = import_events(REAL.read_bytes(), source=TAKAMATSU, now=now)
    assert (report.created, report.updated, report.unchanged) == (0, 0, 490)
    assert list(EventPage.objects.order_by("pk").values()) == before
    cache.clear()
    assert queries.version() == number


def test_a_row_that_stands_several_times_is_shown_once(now: datetime) -> None:
    report = take(a_list(changed(NO=""), changed(NO=""), changed(NO="")), now)
    assert (report.created, report.repeated) == (3, 2)
    assert [item.title["ja"] for item in queries.items(now)] == ["秋の音楽会"]


def test_categories_become_topics(now: datetime) -> None:
    take(a_list(changed(対象="小学生")), now)
    (item,) = queries.items(now)
    assert item.topics == ("music", "school", "childcare")


def test_a_changed_row_updates_its_page_and_leaves_what_an_editor_added(now: datetime) -> None:
    take(a_list(CONCERT), now)
    EventPage.objects.update(title_simple="おんがくの 会")
    report = take(a_list(changed(説明="合唱と合奏")), now)
    page = EventPage.objects.get()
    assert (report.updated, page.summary, page.title_simple) == (1, "合唱と合奏", "おんがくの 会")


def test_an_event_that_was_over_and_is_moved_ahead_stands_again(now: datetime) -> None:
    take(a_list(changed(開始日="2026-09-01", 終了日="2026-09-01")), now)
    assert queries.items(now) == ()
    take(a_list(CONCERT), now)
    assert len(queries.items(now)) == 1


def test_an_event_that_an_editor_took_down_stays_down(now: datetime) -> None:
    take(a_list(CONCERT), now)
    EventPage.objects.get().unpublish()
    take(a_list(changed(説明="新しい説明")), now)
    assert not EventPage.objects.get().live


def test_an_event_leaves_when_it_is_over(now: datetime) -> None:
    take(a_list(CONCERT), now)
    end = EventPage.objects.get().ends_at
    assert len(queries.items(end - timedelta(minutes=1))) == 1
    assert queries.items(end) == ()


def test_a_dry_run_writes_nothing_and_says_what_it_would_do(now: datetime) -> None:
    report = take(a_list(CONCERT), now, dry_run=True)
    assert (report.created, report.dry_run) == (1, True)
    assert not EventPage.objects.exists()


def test_cp932_is_refused_with_its_place_and_the_way_out(now: datetime) -> None:
    raw = a_list(CONCERT).encode("cp932")
    with pytest.raises(UnreadableFile, match=r"CP932.*1行目（先頭から4バイト目.*--encoding cp932"):
        import_events(raw, source=TAKAMATSU, now=now)
    assert not EventPage.objects.exists()
    assert import_events(raw, source=TAKAMATSU, now=now, encoding="cp932").created == 1


def test_a_byte_order_mark_does_no_harm(now: datetime) -> None:
    assert import_events(b"\xef\xbb\xbf" + a_list(CONCERT).encode(), source=TAKAMATSU, now=now).created == 1


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\xff\xfea\x00", "UTF-16"),
        (b"PK\x03\x04xlsx", "Excel"),
        ("イベント名\n".encode() + b"\x81\xff\xfe", "2行目（先頭から17バイト目、0x81）"),
        (b"\xef\xbb\xbf\xff", "先頭から4バイト目、0xff"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(raw: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        decode(raw)


def test_a_wrong_encoding_name_and_a_wrong_choice_are_refused() -> None:
    with pytest.raises(UnreadableFile, match="latin-1"):
        decode(b"a", "latin-1")
    with pytest.raises(UnreadableFile, match="cp932 として読めない文字"):
        decode(b"\x81\xff", "cp932")


def test_a_broken_date_is_named_by_row_column_and_value_and_nothing_is_written(now: datetime) -> None:
    text = a_list(CONCERT, changed(NO="2", 開始日="2026-02-30"), changed(NO="3", 終了日="7/1", 緯度="北"))
    with pytest.raises(RowsRejected, match="2行に誤りがあるため、何も取り込みませんでした") as caught:
        take(text, now)
    assert not EventPage.objects.exists()
    named = [(problem.row, problem.column, problem.value) for problem in caught.value.report.rejected]
    assert named == [(3, "開始日", "2026-02-30"), (4, "終了日", "7/1"), (4, "緯度・経度", "北,134.05")]
    assert caught.value.report.created == 0


def test_rows_with_errors_can_be_left_out(now: datetime) -> None:
    report = take(a_list(CONCERT, changed(NO="2", 開始日="2026-02-30")), now, skip_invalid=True)
    assert (report.created, len(report.rejected)) == (1, 1)


@pytest.mark.parametrize(
    ("cells", "column", "why"),
    [
        ({"終了日": "2026-10-19"}, "終了日", "開始日より前"),
        ({"終了時間": "09:00"}, "終了時間", "終わりが次の日のときは"),
        ({"終了時間": "24:00"}, "終了時間", "24:00 は次の日の 00:00"),
        ({"URL": f"https://example.jp/{'a' * 500}"}, "URL", "500"),
        ({"イベント名": " "}, "イベント名", "空です"),
        ({"開始日": ""}, "開始日", "空です"),
        ({"開始時間": "朝"}, "開始時間", "09:30 のように"),
        ({"URL": "example.jp"}, "URL", "https://"),
        ({"イベント名": "あ" * 256}, "イベント名", "255文字を超えています（256文字）"),
        ({"説明": "a\x00b"}, "説明", "制御文字"),
    ],
)
def test_every_error_says_which_cell_and_why(
    now: datetime, cells: dict[str, str], column: str, why: str
) -> None:
    with pytest.raises(RowsRejected) as caught:
        take(a_list(changed(**cells)), now)
    (problem,) = caught.value.report.rejected
    assert (problem.row, problem.column) == (2, column)
    assert why in problem.why


def test_a_row_with_other_columns_than_its_header_is_an_error(now: datetime) -> None:
    with pytest.raises(RowsRejected) as caught:
        take(a_list(CONCERT, ("2", "短い行")), now)
    assert "見出し 13、この行 2" in caught.value.report.rejected[0].why


def test_two_events_under_one_number_are_an_error(now: datetime) -> None:
    with pytest.raises(RowsRejected) as caught:
        take(a_list(CONCERT, changed(イベント名="別の催し")), now)
    assert caught.value.report.rejected[0].why == "2行目と同じ NO で、内容が違います。"


def test_repairs_are_listed_with_what_stood_there(now: datetime) -> None:
    report = take(
        a_list(changed(開始日="2026年10月20日", 緯度="134.05", 経度="34.34", URL="https://example.jp/\n")),
        now,
    )
    assert [(r.row, r.column, r.before, r.after) for r in report.repaired] == [
        (2, "開始日", "2026年10月20日", "2026-10-20"),
        (2, "緯度・経度", "134.05,34.34", "34.34,134.05"),
        (2, "URL", "https://example.jp/\n", "https://example.jp/"),
    ]
    page = EventPage.objects.get()
    assert (page.latitude, page.longitude) == (34.34, 134.05)


def test_a_row_that_its_publisher_has_not_finished_is_left_out(now: datetime) -> None:
    columns = (*COLUMNS, "入力中フラグ")
    report = take(a_list((*CONCERT, "1"), (*changed(NO="2"), "0"), columns=columns), now)
    assert (report.drafts, report.created) == (1, 1)


def test_lines_before_the_header_and_wide_parentheses_do_no_harm(now: datetime) -> None:
    columns = (*COLUMNS, "料金（基本）")
    text = "# 高松市\n\n" + a_list((*CONCERT, "500"), columns=columns)
    assert take(text, now).created == 1
    assert EventPage.objects.get().fee == "500"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "空のファイル"),
        ("名称,住所\n図書館,昭和町\n", "1行目: 名称、住所"),
        ("イベント名,開始日,終了日,開始日\n", "同じ列名が2回あります: 開始日"),
    ],
)
def test_a_file_that_is_no_event_list_is_refused(now: datetime, text: str, words: str) -> None:
    with pytest.raises(UnknownHeader, match=words):
        take(text, now)


def test_an_open_quotation_mark_is_refused(now: datetime) -> None:
    with pytest.raises(UnreadableFile, match="CSV として読めません"):
        take('イベント名,開始日,終了日\n"開いたまま', now)


def test_a_long_description_stands_whole_in_the_body(now: datetime) -> None:
    take(a_list(changed(説明="<b>" + "あ" * 600)), now)
    page = EventPage.objects.get()
    assert page.summary.endswith("…")
    assert len(page.summary) == 500
    assert "&lt;b&gt;" in page.body[0].value.source


def test_without_its_list_page_nothing_is_written(now: datetime) -> None:
    from portal.content.models import IndexPage

    IndexPage.objects.get(lists="event").delete()
    with pytest.raises(ImportRefused, match="一覧ページ"):
        take(a_list(CONCERT), now)


# --- the command ---------------------------------------------------------------------------------------------


def command(*arguments: object) -> str:
    out = io.StringIO()
    call_command("import_open_data", "events", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_the_command_writes_its_report(tmp_path: Path) -> None:
    source, report = tmp_path / "events.csv", tmp_path / "report.json"
    source.write_text(a_list(changed(開始日="2026/10/20")))
    said = command(source, "--dry-run", "--report", report)
    assert "何も書いていません" in said
    document = json.loads(report.read_text())
    assert document["repaired"] == [
        {
            "row": 2,
            "column": "開始日",
            "from": "2026/10/20",
            "to": "2026-10-20",
            "why": "日付の書き方を揃えました。",
        }
    ]
    assert (document["read"], document["created"], document["dry_run"], document["refused"]) == (
        1,
        1,
        True,
        "",
    )
    assert not EventPage.objects.exists()


def test_the_command_names_file_row_and_column_of_an_error(tmp_path: Path) -> None:
    source, report = tmp_path / "events.csv", tmp_path / "report.json"
    source.write_text(a_list(changed(開始日="2026-02-30")))
    with pytest.raises(CommandError, match=r"events\.csv: 1行に誤り[\s\S]*2行目 開始日「2026-02-30」"):
        command(source, "--report", report)
    document = json.loads(report.read_text())
    assert document["rejected"][0]["column"] == "開始日"
    assert "何も取り込みませんでした" in document["refused"]
    assert "除いた誤り 1" in command(source, "--skip-invalid")


def test_the_command_says_when_there_is_no_file_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="を読めません"):
        command(tmp_path / "none.csv")
    source, report = tmp_path / "events.csv", tmp_path / "report.json"
    source.write_bytes(a_list(CONCERT).encode("cp932"))
    with pytest.raises(CommandError, match="CP932"):
        command(source, "--report", report)
    assert "CP932" in json.loads(report.read_text())["refused"]


def test_the_command_shows_the_first_errors_and_counts_the_rest(tmp_path: Path) -> None:
    source = tmp_path / "events.csv"
    source.write_text(a_list(*(changed(NO=str(n), 開始日="x") for n in range(25))))
    with pytest.raises(CommandError, match="ほか5件"):
        command(source)
